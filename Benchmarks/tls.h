// TLS 1.3 for the clients and the pump of the benchmark, on the same sockets: reading and writing as
// recv and send do it.
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net.h"

// What an SSL call says, as a system call says it: -1 and EAGAIN when it has to wait.
static inline ssize_t tls_result(SSL *tls, int result) {
  if (result > 0) return result;
  int error = SSL_get_error(tls, result);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) errno = EAGAIN;
  else if (error != SSL_ERROR_SYSCALL || errno == 0) errno = EPROTO;
  ERR_clear_error();
  return -1;
}

static inline ssize_t tls_read(SSL *tls, void *bytes, size_t count) {
  return tls_result(tls, SSL_read(tls, bytes, (int)count));
}

static inline ssize_t tls_write(SSL *tls, const void *bytes, size_t count) {
  return tls_result(tls, SSL_write(tls, bytes, (int)count));
}

static inline SSL_CTX *tls_new_context(const SSL_METHOD *method) {
  SSL_CTX *context = SSL_CTX_new(method);
  if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
    die("SSL_CTX_new");
  // A write that has to wait is made again with the same bytes, maybe from another place.
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

static inline void tls_use_certificate(SSL_CTX *context, const char *certificate, const char *key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1
      || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    die("%s, %s: not a certificate and its key", certificate, key);
}

static inline SSL *tls_over(SSL_CTX *context, int fd) {
  SSL *tls = SSL_new(context);
  if (tls == NULL || SSL_set_fd(tls, fd) != 1) die("SSL_new");
  return tls;
}

#endif
