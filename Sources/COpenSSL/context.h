// What a context is made of; for the shims of this folder only.
#pragma once
#include "include/context.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct copenssl_context {
  // Whoever made it, and its sessions.
  atomic_long owners;
  SSL_CTX *ctx;
  uint8_t *protocols;
  size_t protocol_bytes;
  pthread_mutex_t lock;
  // Under the lock.
  size_t key_count;
  struct copenssl_ticket_key keys[COPENSSL_MOST_TICKET_KEYS];
};

void copenssl_context_keep(struct copenssl_context *context);

// The callbacks of sessions, in session.c.
int copenssl_select_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *in,
    unsigned int in_count, void *context);
int copenssl_new_session(SSL *ssl, SSL_SESSION *session);
int copenssl_staple(SSL *ssl, void *unused);
int copenssl_accept_name(SSL *ssl, int *alert, void *unused);
// In tickets.c.
int copenssl_ticket(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int encrypts);
