// Requests for certificates (RFC 2986).
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

// DER of a request for one DNS name, which ends with a NUL, and with nothing else in it; in memory for
// copenssl_wipe. NULL: see errors.h.
uint8_t *_Nullable copenssl_request_encode(
    struct evp_pkey_st *_Nonnull key, const char *_Nonnull name, size_t *_Nonnull count);
