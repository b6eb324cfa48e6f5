// Session tickets (RFC 5077 4; RFC 8446 4.6.1): AES-256-CBC and HMAC-SHA256, under the first of the
// context's keys; older keys only open what was made under them.
#include "context.h"
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <string.h>

// Looking an algorithm up by its name costs more than using it, so it is done once.
static EVP_CIPHER *cipher_algorithm;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void look_up(void) { cipher_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL); }

static int set_mac(EVP_MAC_CTX *mac, const struct copenssl_ticket_key *key) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
    OSSL_PARAM_construct_octet_string(
        OSSL_MAC_PARAM_KEY, (void *)key->mac_key, sizeof key->mac_key),
    OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters);
}

// 1: done; 2: opened by an old key, the client shall get a new ticket; 0: no key for it; -1: failed.
int copenssl_ticket(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int encrypts) {
  struct copenssl_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  struct copenssl_ticket_key key;
  size_t found = 0;
  pthread_mutex_lock(&context->lock);
  if (!encrypts)
    while (found < context->key_count
           && CRYPTO_memcmp(name, context->keys[found].name, sizeof key.name) != 0)
      found++;
  int exists = found < context->key_count;
  if (exists) key = context->keys[found];
  pthread_mutex_unlock(&context->lock);
  if (!exists) return 0;

  pthread_once(&once, look_up);
  int ok;
  if (encrypts) {
    memcpy(name, key.name, sizeof key.name);
    ok = RAND_bytes(iv, 16) > 0
         && EVP_EncryptInit_ex2(cipher, cipher_algorithm, key.cipher_key, iv, NULL);
  } else {
    ok = EVP_DecryptInit_ex2(cipher, cipher_algorithm, key.cipher_key, iv, NULL);
  }
  ok = ok && set_mac(mac, &key);
  OPENSSL_cleanse(&key, sizeof key);
  if (!ok) return -1;
  // RFC 8446 4.6.1: with TLS 1.3 a client gets new tickets with every handshake anyway.
  return found > 0 && SSL_version(ssl) < TLS1_3_VERSION ? 2 : 1;
}
