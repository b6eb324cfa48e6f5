#include "pem.h"
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static int kind_of(const char *name, const char *header) {
  if (!strcmp(name, PEM_STRING_X509) || !strcmp(name, PEM_STRING_X509_OLD))
    return COPENSSL_BLOCK_CERTIFICATE;
  if (!strcmp(name, PEM_STRING_PKCS8)) return COPENSSL_BLOCK_ENCRYPTED_KEY;
  size_t length = strlen(name), tail = strlen("PRIVATE KEY");
  if (length < tail || strcmp(name + length - tail, "PRIVATE KEY")) return COPENSSL_BLOCK_OTHER;
  // RFC 1421 4.6.1.1: "Proc-Type: 4,ENCRYPTED".
  return strstr(header, "ENCRYPTED") ? COPENSSL_BLOCK_ENCRYPTED_KEY : COPENSSL_BLOCK_KEY;
}

int copenssl_pem_next(
    const uint8_t *bytes, size_t count, size_t *at, int *kind, uint8_t **der, size_t *length) {
  char *name = NULL, *header = NULL;
  unsigned char *data = NULL;
  long size = 0;
  int result = -1;
  if (*at >= count) return 0;
  if (count - *at > INT_MAX) return -1;
  BIO *input = BIO_new_mem_buf(bytes + *at, (int)(count - *at));
  if (!input) return -1;
  // "Secure": whatever it copies on the way is overwritten before it is freed.
  if (PEM_read_bio_ex(input, &name, &header, &data, &size, PEM_FLAG_SECURE)) {
    *kind = kind_of(name, header);
    *der = data;
    *length = (size_t)size;
    *at = count - BIO_ctrl_pending(input);
    result = 1;
  } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
    ERR_clear_error();
    *at = count;
    result = 0;
  }
  OPENSSL_secure_free(name);
  OPENSSL_secure_free(header);
  BIO_free(input);
  return result;
}

uint8_t *copenssl_room(size_t count) { return OPENSSL_malloc(count); }

void copenssl_wipe(uint8_t *bytes, size_t count) { OPENSSL_secure_clear_free(bytes, count); }
