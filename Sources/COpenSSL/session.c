#include "context.h"
#include "include/session.h"
#include "memory.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

struct copenssl_session {
  SSL *ssl;
  // What the call under way may use; NULL between calls.
  struct copenssl_wire *wire;
  // What has to go to the peer and was written during a read.
  uint8_t *spill;
  size_t spill_count;
  const uint8_t *protocols;
  size_t protocol_bytes;
  // The connecting end: the newest ticket.
  SSL_SESSION *ticket;
  // What the memory of `ssl` holds, while it rests.
  void *packed;
  // What ended a read that had something to give first; DONE for nothing. And its error.
  enum copenssl_outcome later;
  unsigned long later_error;
};

// More than a read can have to answer in good faith; then it has to wait until they have gone.
enum { most_spilled = 4096 };

// MARK: The wire as OpenSSL sees it

static int wire_read(BIO *bio, char *to, size_t room, size_t *count) {
  struct copenssl_session *session = BIO_get_data(bio);
  struct copenssl_wire *wire = session->wire;
  BIO_clear_retry_flags(bio);
  size_t left = wire ? wire->in_count - wire->in_used : 0;
  if (left == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  size_t n = left < room ? left : room;
  memcpy(to, wire->in + wire->in_used, n);
  wire->in_used += n;
  *count = n;
  return 1;
}

static int spill(struct copenssl_session *session, const char *from, size_t count) {
  if (session->spill_count + count > most_spilled) return 0;
  uint8_t *larger = OPENSSL_realloc(session->spill, session->spill_count + count);
  if (!larger) return 0;
  memcpy(larger + session->spill_count, from, count);
  session->spill = larger;
  session->spill_count += count;
  return 1;
}

static int wire_write(BIO *bio, const char *from, size_t count, size_t *written) {
  struct copenssl_session *session = BIO_get_data(bio);
  struct copenssl_wire *wire = session->wire;
  BIO_clear_retry_flags(bio);
  if (wire && wire->out) {
    size_t room = wire->out_room - wire->out_used;
    size_t n = room < count ? room : count;
    if (n > 0) {
      memcpy(wire->out + wire->out_used, from, n);
      wire->out_used += n;
      *written = n;
      return 1;
    }
  } else if (spill(session, from, count)) {
    *written = count;
    return 1;
  }
  BIO_set_retry_write(bio);
  return 0;
}

static long wire_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP;
}

static BIO_METHOD *wire_method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void) {
  wire_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
  if (!wire_method) return;
  BIO_meth_set_read_ex(wire_method, wire_read);
  BIO_meth_set_write_ex(wire_method, wire_write);
  BIO_meth_set_ctrl(wire_method, wire_control);
}

// The reading BIO is always ours; before the writing one OpenSSL puts a buffer during the handshake.
static struct copenssl_session *owner(const SSL *ssl) {
  return BIO_get_data(SSL_get_rbio(ssl));
}

// MARK: Life

static struct copenssl_session *make(struct copenssl_context *context) {
  pthread_once(&once, make_method);
  struct copenssl_session *session = OPENSSL_zalloc(sizeof *session);
  if (!session) return NULL;
  copenssl_expect_session();
  session->ssl = SSL_new(context->ctx);
  copenssl_expect_nothing();
  BIO *bio = wire_method && session->ssl ? BIO_new(wire_method) : NULL;
  if (!bio) {
    SSL_free(session->ssl);
    OPENSSL_free(session);
    return NULL;
  }
  BIO_set_data(bio, session);
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl, bio, bio);
  session->protocols = context->protocols;
  session->protocol_bytes = context->protocol_bytes;
  return session;
}

struct copenssl_session *copenssl_session_accept(struct copenssl_context *context) {
  struct copenssl_session *session = make(context);
  if (session) SSL_set_accept_state(session->ssl);
  return session;
}

struct copenssl_session *copenssl_session_connect(struct copenssl_context *context) {
  struct copenssl_session *session = make(context);
  if (session) SSL_set_connect_state(session->ssl);
  return session;
}

size_t copenssl_session_rest(struct copenssl_session *session) {
  size_t count = 0;
  if (!session->packed) session->packed = copenssl_pack(session->ssl, &count);
  return count;
}

void copenssl_session_wake(struct copenssl_session *session) {
  if (!session->packed) return;
  copenssl_unpack(session->ssl, session->packed);
  session->packed = NULL;
}

void copenssl_session_free(struct copenssl_session *session) {
  copenssl_session_wake(session);
  // Otherwise OpenSSL thinks that the connection was cut and makes its ticket useless.
  SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(session->ssl);
  SSL_SESSION_free(session->ticket);
  OPENSSL_free(session->spill);
  OPENSSL_free(session);
}

// MARK: Before the handshake

SSL *copenssl_session_of_openssl(struct copenssl_session *session) { return session->ssl; }

void copenssl_session_set_protocols(
    struct copenssl_session *session, const uint8_t *list, size_t count) {
  session->protocols = list;
  session->protocol_bytes = count;
  if (!SSL_is_server(session->ssl)) SSL_set_alpn_protos(session->ssl, list, (unsigned)count);
}

int copenssl_session_set_peer_name(
    struct copenssl_session *session, const char *name, int is_address) {
  if (is_address)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name);
  SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(session->ssl, name) && SSL_set1_host(session->ssl, name);
}

void copenssl_session_resume(struct copenssl_session *session, SSL_SESSION *ticket) {
  SSL_set_session(session->ssl, ticket);
}

// MARK: Callbacks

int copenssl_select_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *in,
    unsigned int in_count, void *context) {
  (void)context;
  struct copenssl_session *session = owner(ssl);
  unsigned char *chosen;
  int result = SSL_select_next_proto(
      &chosen, out_count, session->protocols, (unsigned)session->protocol_bytes, in, in_count);
  // RFC 7301 3.2: no_application_protocol.
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int copenssl_new_session(SSL *ssl, SSL_SESSION *ticket) {
  struct copenssl_session *session = owner(ssl);
  SSL_SESSION_free(session->ticket);
  session->ticket = ticket;
  return 1;
}

// The certificate was chosen before. RFC 6066 3: a name that was used is acknowledged.
int copenssl_accept_name(SSL *ssl, int *alert, void *unused) {
  (void)alert;
  (void)unused;
  return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK
                                                            : SSL_TLSEXT_ERR_NOACK;
}

// MARK: Moving bytes

static enum copenssl_outcome outcome(struct copenssl_session *session, int result) {
  session->wire = NULL;
  switch (SSL_get_error(session->ssl, result)) {
  case SSL_ERROR_NONE: return COPENSSL_DONE;
  case SSL_ERROR_WANT_READ: return COPENSSL_WANTS_READ;
  case SSL_ERROR_WANT_WRITE: return COPENSSL_WANTS_WRITE;
  case SSL_ERROR_ZERO_RETURN: return COPENSSL_ENDED;
  default: return COPENSSL_FAILED;
  }
}

enum copenssl_outcome copenssl_session_handshake(
    struct copenssl_session *session, struct copenssl_wire *wire) {
  session->wire = wire;
  ERR_clear_error();
  int result = SSL_do_handshake(session->ssl);
  // Chains that were tried and given up leave errors behind.
  if (result > 0) ERR_clear_error();
  return outcome(session, result);
}

enum copenssl_outcome copenssl_session_read(
    struct copenssl_session *session, struct copenssl_wire *wire, void *plain, size_t room,
    size_t *count) {
  *count = 0;
  if (session->later != COPENSSL_DONE) {
    // The queue belongs to the thread, so an error cannot wait there.
    unsigned long error = session->later_error;
    if (error) ERR_raise(ERR_GET_LIB(error), ERR_GET_REASON(error));
    return session->later;
  }
  session->wire = wire;
  int result = 1;
  while (*count < room) {
    size_t n = 0;
    result = SSL_read_ex(session->ssl, (char *)plain + *count, room - *count, &n);
    if (result <= 0) break;
    *count += n;
    // Asking an empty wire again costs as much as reading a small record.
    if (wire->in_used == wire->in_count && !SSL_has_pending(session->ssl)) break;
  }
  enum copenssl_outcome ending = outcome(session, result);
  if (*count == 0) return ending;
  if (ending == COPENSSL_ENDED || ending == COPENSSL_FAILED) {
    session->later = ending;
    session->later_error = ERR_peek_error();
    ERR_clear_error();
  }
  return COPENSSL_DONE;
}

enum copenssl_outcome copenssl_session_peek(
    struct copenssl_session *session, struct copenssl_wire *wire) {
  session->wire = wire;
  char byte;
  size_t n;
  return outcome(session, SSL_peek_ex(session->ssl, &byte, 1, &n));
}

enum copenssl_outcome copenssl_session_write(
    struct copenssl_session *session, struct copenssl_wire *wire, const void *plain,
    size_t count, size_t *written) {
  session->wire = wire;
  *written = 0;
  int result = 1;
  // Partial writes are on: each call writes one record at most.
  while (*written < count) {
    size_t n = 0;
    result = SSL_write_ex(
        session->ssl, (const char *)plain + *written, count - *written, &n);
    if (result <= 0) break;
    *written += n;
  }
  return outcome(session, result);
}

void copenssl_session_finish(struct copenssl_session *session, struct copenssl_wire *wire) {
  session->wire = wire;
  SSL_shutdown(session->ssl);
  ERR_clear_error();
  session->wire = NULL;
}

int copenssl_session_has_plain(const struct copenssl_session *session) {
  return session->later != COPENSSL_DONE || SSL_pending(session->ssl) > 0;
}

size_t copenssl_session_spilled(const struct copenssl_session *session) {
  return session->spill_count;
}

size_t copenssl_session_take_spill(struct copenssl_session *session, void *to, size_t room) {
  size_t n = session->spill_count < room ? session->spill_count : room;
  memcpy(to, session->spill, n);
  session->spill_count -= n;
  if (session->spill_count) {
    memmove(session->spill, session->spill + n, session->spill_count);
  } else {
    OPENSSL_free(session->spill);
    session->spill = NULL;
  }
  return n;
}

void copenssl_session_settle(struct copenssl_session *session) {
  if (!SSL_is_server(session->ssl)) return;
  SSL_set_tlsext_status_ocsp_resp(session->ssl, NULL, 0);
  // The certificate is shown once: there is no renegotiation.
  SSL_certs_clear(session->ssl);
}

// MARK: What was agreed

int copenssl_session_version(const struct copenssl_session *session) {
  return SSL_version(session->ssl);
}

const char *copenssl_session_cipher(const struct copenssl_session *session) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(session->ssl);
  return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}

int copenssl_session_was_resumed(const struct copenssl_session *session) {
  return SSL_session_reused(session->ssl);
}

const uint8_t *copenssl_session_protocol(const struct copenssl_session *session, size_t *count) {
  const unsigned char *name = NULL;
  unsigned length = 0;
  SSL_get0_alpn_selected(session->ssl, &name, &length);
  *count = length;
  return name;
}

const char *copenssl_session_asked_name(const struct copenssl_session *session) {
  return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

int copenssl_session_has_peer(const struct copenssl_session *session) {
  return SSL_get0_peer_certificate(session->ssl) != NULL;
}

size_t copenssl_session_peer_subject(
    const struct copenssl_session *session, uint8_t *to, size_t room) {
  X509 *certificate = SSL_get0_peer_certificate(session->ssl);
  if (!certificate) return 0;
  BIO *text = BIO_new(BIO_s_mem());
  if (!text) return 0;
  size_t count = 0;
  // Everything beyond ASCII, and every control character, becomes an escape.
  unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_UTF8_CONVERT;
  if (X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, form) >= 0) {
    char *bytes;
    long n = BIO_get_mem_data(text, &bytes);
    count = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
    memcpy(to, bytes, count);
  }
  BIO_free(text);
  return count;
}

long copenssl_session_verify_result(const struct copenssl_session *session) {
  return SSL_get_verify_result(session->ssl);
}

const char *copenssl_verify_words(long result) {
  return X509_verify_cert_error_string(result);
}

// MARK: Tickets

SSL_SESSION *copenssl_session_take_ticket(struct copenssl_session *session) {
  SSL_SESSION *ticket = session->ticket;
  session->ticket = NULL;
  return ticket;
}

void copenssl_ticket_free(SSL_SESSION *ticket) { SSL_SESSION_free(ticket); }

int copenssl_ticket_is_fresh(const SSL_SESSION *ticket) {
  return SSL_SESSION_is_resumable(ticket)
         && SSL_SESSION_get_time(ticket) + SSL_SESSION_get_timeout(ticket) > time(NULL);
}
