// What rsp uses of OpenSSL, without its headers, which are made of macros that Swift cannot see.
// Each header has a .c of its own: certificates and keys, and more as it comes.
#pragma once
#include "certificate.h"
#include "errors.h"
#include "keys.h"
#include "ocsp.h"
#include "pem.h"
#include "requests.h"
#include "signatures.h"
#include "tickets.h"
