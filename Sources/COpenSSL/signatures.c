#include "signatures.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

enum { HALF = 32 };

static int coordinate(EVP_PKEY *key, const char *name, uint8_t *out) {
  BIGNUM *number = NULL;
  int ok = EVP_PKEY_get_bn_param(key, name, &number) && BN_bn2binpad(number, out, HALF) == HALF;
  BN_free(number);
  return ok;
}

int copenssl_key_point(EVP_PKEY *key, uint8_t *out) {
  char group[32];
  size_t count;
  if (!EVP_PKEY_get_utf8_string_param(
          key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &count)
      || strcmp(group, "prime256v1"))
    return 0;
  return coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, out)
         && coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, out + HALF);
}

int copenssl_key_sign(EVP_PKEY *key, const uint8_t *bytes, size_t count, uint8_t *out) {
  uint8_t der[128];
  size_t length = sizeof der;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int ok = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1
           && EVP_DigestSign(context, der, &length, bytes, count) == 1;
  EVP_MD_CTX_free(context);
  if (!ok) return 0;
  const uint8_t *at = der;
  ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
  if (!signature) return 0;
  ok = BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, HALF) == HALF
       && BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + HALF, HALF) == HALF;
  ECDSA_SIG_free(signature);
  return ok;
}

int copenssl_key_verify(
    EVP_PKEY *key, const uint8_t *bytes, size_t count, const uint8_t *signature) {
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(signature, HALF, NULL), *s = BN_bin2bn(signature + HALF, HALF, NULL);
  if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return 0;
  }
  uint8_t *der = NULL;
  int length = i2d_ECDSA_SIG(pair, &der);
  ECDSA_SIG_free(pair);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int ok = length > 0 && context
           && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1
           && EVP_DigestVerify(context, der, (size_t)length, bytes, count) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  return ok;
}
