// What a context is made of; for the shims of this folder only.
#pragma once
#include "include/context.h"
#include <openssl/ssl.h>

struct copenssl_context {
  SSL_CTX *ctx;
  uint8_t *protocols;
  size_t protocol_bytes;
};

// The callbacks of sessions, in session.c.
int copenssl_select_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *in,
    unsigned int in_count, void *context);
int copenssl_new_session(SSL *ssl, SSL_SESSION *session);
int copenssl_accept_name(SSL *ssl, int *alert, void *unused);
