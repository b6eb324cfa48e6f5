// What rsp uses of OpenSSL, without its headers, which are made of macros that Swift cannot see.
// Each header has a .c of its own, or one for each half of it.
#pragma once
#include "certificate.h"
#include "context.h"
#include "errors.h"
#include "keys.h"
#include "ocsp.h"
#include "pem.h"
#include "requests.h"
#include "session.h"
#include "signatures.h"
#include "tickets.h"
