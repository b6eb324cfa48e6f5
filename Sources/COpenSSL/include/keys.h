// Private keys.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

// A key of one reference; NULL: see errors.h. From any of the DER forms that PEM files hold.
struct evp_pkey_st *_Nullable copenssl_key_parse(const uint8_t *_Nonnull der, size_t count);
// A new key on the curve P-256.
struct evp_pkey_st *_Nullable copenssl_key_make(void);
void copenssl_key_free(struct evp_pkey_st *_Nonnull key);
// PKCS #8, unencrypted, in memory for copenssl_wipe; NULL: see errors.h.
uint8_t *_Nullable copenssl_key_encode(struct evp_pkey_st *_Nonnull key, size_t *_Nonnull count);
