// Private keys.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

enum copenssl_key_kind {
  COPENSSL_KEY_OTHER = 0,
  COPENSSL_KEY_ECDSA = 1,
  COPENSSL_KEY_RSA = 2,
  COPENSSL_KEY_ED25519 = 3,
};

// A key of one reference; NULL: see errors.h. From any of the DER forms that PEM files hold.
struct evp_pkey_st *_Nullable copenssl_key_parse(const uint8_t *_Nonnull der, size_t count);
// A new key: on the curve P-256, RSA of 2048 bits, or Ed25519.
struct evp_pkey_st *_Nullable copenssl_key_make(enum copenssl_key_kind kind);
void copenssl_key_free(struct evp_pkey_st *_Nonnull key);
// PKCS #8, unencrypted, in memory for copenssl_wipe; NULL: see errors.h.
uint8_t *_Nullable copenssl_key_encode(struct evp_pkey_st *_Nonnull key, size_t *_Nonnull count);
