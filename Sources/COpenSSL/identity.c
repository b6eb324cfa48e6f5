#include "include/identity.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

// Without it OpenSSL would ask the terminal for a password.
static int no_password(char *to, int room, int writes, void *unused) {
  (void)to, (void)room, (void)writes, (void)unused;
  return -1;
}

void copenssl_identity_free(X509 *certificate, EVP_PKEY *key, STACK_OF(X509) *chain) {
  X509_free(certificate);
  EVP_PKEY_free(key);
  sk_X509_pop_free(chain, X509_free);
}

static int read_chain(BIO *bio, STACK_OF(X509) **chain) {
  X509 *next;
  while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
    if (!*chain) *chain = sk_X509_new_null();
    if (!*chain || !sk_X509_push(*chain, next)) {
      X509_free(next);
      return 0;
    }
  }
  unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return 0;
  ERR_clear_error();
  return 1;
}

int copenssl_identity_read(
    const void *pem, size_t count, const void *key_pem, size_t key_count, X509 **certificate,
    EVP_PKEY **key, STACK_OF(X509) **chain) {
  *certificate = NULL;
  *key = NULL;
  *chain = NULL;
  BIO *bio = BIO_new_mem_buf(pem, (int)count);
  BIO *key_bio = BIO_new_mem_buf(key_pem, (int)key_count);
  if (bio && key_bio) {
    *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (*certificate && read_chain(bio, chain))
      *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
  }
  BIO_free(bio);
  BIO_free(key_bio);
  if (*key) return 1;
  X509_free(*certificate);
  sk_X509_pop_free(*chain, X509_free);
  *certificate = NULL;
  *chain = NULL;
  return 0;
}
