#include "keys.h"
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

EVP_PKEY *copenssl_key_parse(const uint8_t *der, size_t count) {
  const unsigned char *at = der;
  return d2i_AutoPrivateKey(NULL, &at, (long)count);
}

EVP_PKEY *copenssl_key_make(enum copenssl_key_kind kind) {
  switch (kind) {
    case COPENSSL_KEY_ECDSA: return EVP_EC_gen("P-256");
    case COPENSSL_KEY_RSA: return EVP_RSA_gen(2048);
    case COPENSSL_KEY_ED25519: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    default: return NULL;
  }
}

void copenssl_key_free(EVP_PKEY *key) { EVP_PKEY_free(key); }

uint8_t *copenssl_key_encode(EVP_PKEY *key, size_t *count) {
  unsigned char *bytes = NULL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int length = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &bytes) : -1;
  PKCS8_PRIV_KEY_INFO_free(info);
  if (length <= 0) return NULL;
  *count = (size_t)length;
  return bytes;
}
