#include "context.h"
#include "certificate.h"
#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>
#include <string.h>

// Whatever has no forward secrecy or no authenticated encryption is left out (RFC 9325 4.2).
// AES-128 first: it is not the weak part of anything, and costs a fifth less than AES-256.
static const char *const ciphers_tls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char *const ciphers_tls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char *const groups = "X25519:P-256:P-384";

static struct copenssl_context *make(const SSL_METHOD *method, int minimum) {
  struct copenssl_context *context = OPENSSL_zalloc(sizeof *context);
  if (!context) return NULL;
  context->ctx = SSL_CTX_new(method);
  if (!context->ctx) {
    copenssl_context_free(context);
    return NULL;
  }
  SSL_CTX *ctx = context->ctx;
  // RFC 9325 3.4: a renegotiation has only ever been an attack on a web server.
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
               | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(
      ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
               | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!SSL_CTX_set_min_proto_version(ctx, minimum) || !SSL_CTX_set1_groups_list(ctx, groups)
      || !SSL_CTX_set_cipher_list(ctx, ciphers_tls12)
      || !SSL_CTX_set_ciphersuites(ctx, ciphers_tls13)) {
    copenssl_context_free(context);
    return NULL;
  }
  return context;
}

struct copenssl_context *copenssl_server_context(int minimum, const char *ciphers) {
  struct copenssl_context *context = make(TLS_server_method(), minimum);
  if (!context) return NULL;
  SSL_CTX *ctx = context->ctx;
  if (ciphers && !SSL_CTX_set_cipher_list(ctx, ciphers)) {
    copenssl_context_free(context);
    return NULL;
  }
  // What a client needs to come back is in its ticket; nothing is kept here.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(ctx, 0);
  SSL_CTX_set_tlsext_servername_callback(ctx, copenssl_accept_name);
  copenssl_context_staple(ctx);
  copenssl_context_set_session_scope(context, (const uint8_t *)"rsp", 3);
  return context;
}

struct copenssl_context *copenssl_client_context(void) {
  struct copenssl_context *context = make(TLS_client_method(), TLS1_2_VERSION);
  if (!context) return NULL;
  SSL_CTX_set_session_cache_mode(
      context->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context->ctx, copenssl_new_session);
  return context;
}

void copenssl_context_free(struct copenssl_context *context) {
  SSL_CTX_free(context->ctx);
  OPENSSL_free(context->protocols);
  OPENSSL_free(context);
}

int copenssl_context_set_protocols(
    struct copenssl_context *context, const uint8_t *list, size_t count) {
  uint8_t *copy = OPENSSL_memdup(list, count);
  if (!copy) return 0;
  OPENSSL_free(context->protocols);
  context->protocols = copy;
  context->protocol_bytes = count;
  if (SSL_CTX_get_ssl_method(context->ctx) == TLS_client_method())
    return SSL_CTX_set_alpn_protos(context->ctx, list, (unsigned)count) == 0;
  SSL_CTX_set_alpn_select_cb(context->ctx, copenssl_select_protocol, context);
  return 1;
}

int copenssl_context_trust_file(struct copenssl_context *context, const char *path) {
  return SSL_CTX_load_verify_file(context->ctx, path);
}

int copenssl_context_trust_system(struct copenssl_context *context) {
  return SSL_CTX_set_default_verify_paths(context->ctx);
}

// The result stays with the session, where requests find it.
static int accept_any(int is_good, X509_STORE_CTX *store) {
  (void)is_good;
  (void)store;
  return 1;
}

int copenssl_context_ask_clients(
    struct copenssl_context *context, const char *path, int required) {
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
  if (!names) return 0;
  SSL_CTX_set_client_CA_list(context->ctx, names);
  if (!SSL_CTX_load_verify_file(context->ctx, path)) return 0;
  if (required)
    SSL_CTX_set_verify(
        context->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  else
    SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, accept_any);
  return 1;
}

void copenssl_context_set_session_scope(
    struct copenssl_context *context, const uint8_t *bytes, size_t count) {
  if (count > SSL_MAX_SID_CTX_LENGTH) count = SSL_MAX_SID_CTX_LENGTH;
  SSL_CTX_set_session_id_context(context->ctx, bytes, (unsigned)count);
}

void copenssl_context_verify_servers(struct copenssl_context *context) {
  SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, NULL);
}

SSL_CTX *copenssl_context_of_openssl(struct copenssl_context *context) { return context->ctx; }
