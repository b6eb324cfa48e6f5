#include "tickets.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

enum { NAME = 16, HALF = 32 };

struct copenssl_tickets {
  // Held for the copy of one key, so a mutex is enough.
  pthread_mutex_t lock;
  EVP_CIPHER *cipher;
  size_t number;
  uint8_t keys[COPENSSL_TICKET_KEYS][COPENSSL_TICKET_KEY_BYTES];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int context_slot = -1;
static void reserve_slot(void) {
  context_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

struct copenssl_tickets *copenssl_tickets_new(void) {
  struct copenssl_tickets *tickets = OPENSSL_zalloc(sizeof *tickets);
  if (!tickets) return NULL;
  tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
  if (!tickets->cipher || pthread_mutex_init(&tickets->lock, NULL)) {
    EVP_CIPHER_free(tickets->cipher);
    OPENSSL_free(tickets);
    return NULL;
  }
  return tickets;
}

void copenssl_tickets_free(struct copenssl_tickets *tickets) {
  pthread_mutex_destroy(&tickets->lock);
  EVP_CIPHER_free(tickets->cipher);
  OPENSSL_clear_free(tickets, sizeof *tickets);
}

void copenssl_tickets_set(struct copenssl_tickets *tickets, const uint8_t *keys, size_t number) {
  if (number > COPENSSL_TICKET_KEYS) number = COPENSSL_TICKET_KEYS;
  pthread_mutex_lock(&tickets->lock);
  OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
  memcpy(tickets->keys, keys, number * COPENSSL_TICKET_KEY_BYTES);
  tickets->number = number;
  pthread_mutex_unlock(&tickets->lock);
}

size_t copenssl_tickets_get(struct copenssl_tickets *tickets, uint8_t *keys) {
  pthread_mutex_lock(&tickets->lock);
  size_t number = tickets->number;
  memcpy(keys, tickets->keys, number * COPENSSL_TICKET_KEY_BYTES);
  pthread_mutex_unlock(&tickets->lock);
  return number;
}

// Copies the key with this name, the newest one for NULL. Its place, or -1 when there is none.
static int find(struct copenssl_tickets *tickets, const unsigned char *name, uint8_t *key) {
  int found = -1;
  pthread_mutex_lock(&tickets->lock);
  for (size_t i = 0; found < 0 && i < tickets->number; i++)
    if (!name || !memcmp(tickets->keys[i], name, NAME)) found = (int)i;
  if (found >= 0) memcpy(key, tickets->keys[found], COPENSSL_TICKET_KEY_BYTES);
  pthread_mutex_unlock(&tickets->lock);
  return found;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 to use the key, 2 to use it and send a new ticket, 0 for
// a full handshake, below 0 for an error.
static int use_key(
    SSL *session, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt) {
  uint8_t key[COPENSSL_TICKET_KEY_BYTES];
  struct copenssl_tickets *tickets =
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), context_slot);
  int place = tickets ? find(tickets, encrypt ? NULL : name, key) : -1;
  if (place < 0) return 0;
  int result = -1;
  if (encrypt) memcpy(name, key, NAME);
  if (!encrypt || RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) == 1) {
    OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key + NAME + HALF, HALF),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
    };
    if (EVP_CipherInit_ex(cipher, tickets->cipher, NULL, key + NAME, iv, encrypt) == 1
        && EVP_MAC_CTX_set_params(mac, parameters) == 1)
      result = place == 0 ? 1 : 2;
  }
  OPENSSL_cleanse(key, sizeof key);
  return result;
}

int copenssl_context_use_tickets(SSL_CTX *context, struct copenssl_tickets *tickets) {
  pthread_once(&once, reserve_slot);
  if (context_slot < 0 || !SSL_CTX_set_ex_data(context, context_slot, tickets)) return 0;
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) == 1;
}

int copenssl_random(uint8_t *bytes, size_t count) { return RAND_priv_bytes(bytes, count) == 1; }

void copenssl_cleanse(uint8_t *bytes, size_t count) { OPENSSL_cleanse(bytes, count); }
