// Signatures by keys on the curve P-256 (ES256, RFC 7518 3.4), as ACME has them.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

// Writes the 32 bytes of x and of y, in this order. 0 when the key is on no P-256.
int copenssl_key_point(struct evp_pkey_st *_Nonnull key, uint8_t *_Nonnull out);
// Writes the 32 bytes of r and of s. 0: see errors.h.
int copenssl_key_sign(
    struct evp_pkey_st *_Nonnull key, const uint8_t *_Nonnull bytes, size_t count,
    uint8_t *_Nonnull out);
// Whether r and s are a signature by this key.
int copenssl_key_verify(
    struct evp_pkey_st *_Nonnull key, const uint8_t *_Nonnull bytes, size_t count,
    const uint8_t *_Nonnull signature);
