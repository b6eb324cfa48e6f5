#include "keys.h"
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { HALF = 32 };

EVP_PKEY *copenssl_key_generate(void) { return EVP_EC_gen("P-256"); }

// In place of the default, which would ask at the terminal.
static int no_passphrase(char *room, int size, int writing, void *context) {
  (void)room, (void)size, (void)writing, (void)context;
  return -1;
}

EVP_PKEY *copenssl_key_read(const uint8_t *pem, size_t count) {
  BIO *bio = count <= 1 << 20 ? BIO_new_mem_buf(pem, (int)count) : NULL;
  if (!bio) return NULL;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
  BIO_free(bio);
  return key;
}

void copenssl_key_free(EVP_PKEY *key) { EVP_PKEY_free(key); }

size_t copenssl_key_write(EVP_PKEY *key, uint8_t *out, size_t size) {
  // Secure memory is wiped when it is given back.
  BIO *bio = BIO_new(BIO_s_secmem());
  if (!bio) return 0;
  size_t written = 0;
  if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
    char *text;
    long count = BIO_get_mem_data(bio, &text);
    if (count > 0 && (size_t)count <= size) {
      memcpy(out, text, (size_t)count);
      written = (size_t)count;
    }
  }
  BIO_free(bio);
  return written;
}

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

int copenssl_sha256(const uint8_t *bytes, size_t count, uint8_t *out) {
  return EVP_Digest(bytes, count, out, NULL, EVP_sha256(), NULL) == 1;
}
