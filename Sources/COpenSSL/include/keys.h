// Private keys on the curve P-256: made, stored, and signed with (ES256, RFC 7518 3.4).
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

// A new key; NULL when the library fails.
struct evp_pkey_st *_Nullable copenssl_key_generate(void);
// The key in the first PEM block that holds one; NULL without one, and for a key with a passphrase.
struct evp_pkey_st *_Nullable copenssl_key_read(const uint8_t *_Nonnull pem, size_t count);
void copenssl_key_free(struct evp_pkey_st *_Nonnull key);

// Writes the key as PEM, PKCS 8 without a passphrase. The number of bytes, or 0 when the library
// fails or they are more than `size`.
size_t copenssl_key_write(
    struct evp_pkey_st *_Nonnull key, uint8_t *_Nonnull out, size_t size);
// Writes the 32 bytes of x and of y, in this order. 0 when the key is on no P-256.
int copenssl_key_point(struct evp_pkey_st *_Nonnull key, uint8_t *_Nonnull out);
// Writes the 32 bytes of r and of s. 0 when the library fails.
int copenssl_key_sign(
    struct evp_pkey_st *_Nonnull key, const uint8_t *_Nonnull bytes, size_t count,
    uint8_t *_Nonnull out);
// Whether r and s are a signature by this key.
int copenssl_key_verify(
    struct evp_pkey_st *_Nonnull key, const uint8_t *_Nonnull bytes, size_t count,
    const uint8_t *_Nonnull signature);
// Writes the 32 bytes of a SHA-256. 0 when the library fails.
int copenssl_sha256(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nonnull out);
