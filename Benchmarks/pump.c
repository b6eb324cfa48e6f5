// The floor of the benchmark: a proxy that parses nothing and only moves bytes, one backend
// connection for each client connection.
//
//   pump PORT BACKEND-PORT [--splice] [--answer BYTES] [--tls CERTIFICATE KEY]
//
// --splice moves bytes through a pipe inside the kernel instead of copying them.
// --answer is for the case of one request per client connection: once that many bytes have gone to
// the client, its connection is closed and the backend's goes to a pool, as the proxies do it.
// --tls decrypts what clients send and encrypts what they get: the floor of TLS, and a TLS server in
// front of the backend where a proxy passes TLS through.
#include "net.h"

#include "tls.h"

#include <fcntl.h>
#include <signal.h>

enum { BLOCK = 65536 };

// One direction of a pair is read from `side` and written to `side->peer`.
struct side {
  int fd;
  struct side *peer;
  int readable;     // there may be bytes: the last read was not short
  int ended;        // the event said that the other end has closed: read on until zero
  int is_backend, dead;
  SSL *tls;         // of a client, with --tls
  char *waiting;    // bytes read from this side that its peer did not take yet
  size_t from, to;  // the part of `waiting` that is filled
  int pipe[2];      // with --splice
  size_t piped;
  uint64_t passed;  // bytes of this side's that its peer took, with --answer
  struct side *next;
};

static int poll, backend_port, use_splice;
static uint64_t answer_size;
static SSL_CTX *tls_context;
static struct side *pool;       // backend connections without a client, with --answer
static struct side *graveyard;  // freed after the batch of events, which may still name them
static char scratch[BLOCK];

static struct side *new_side(int fd) {
  struct side *s = calloc(1, sizeof *s);
  if (s == NULL) die("calloc");
  s->fd = fd;
  s->pipe[0] = s->pipe[1] = -1;
  if (use_splice && pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) != 0) die("pipe2");
  return s;
}

static void bury(struct side *s) {
  if (s == NULL || s->dead) return;
  s->dead = 1;
  if (s->tls != NULL) SSL_shutdown(s->tls);
  SSL_free(s->tls);
  close(s->fd);
  if (use_splice) close(s->pipe[0]), close(s->pipe[1]);
  s->next = graveyard;
  graveyard = s;
}

static void bury_pair(struct side *s) {
  bury(s->peer);
  bury(s);
}

static ssize_t send_to(struct side *s, const char *bytes, size_t count) {
  return s->tls == NULL ? send(s->fd, bytes, count, MSG_NOSIGNAL) : tls_write(s->tls, bytes, count);
}

static ssize_t receive_from(struct side *s) {
  return s->tls == NULL ? recv(s->fd, scratch, BLOCK, 0) : tls_read(s->tls, scratch, BLOCK);
}

// Each of the two ways to move a block: 1 when the block was taken whole, 0 when the side has
// nothing more or its peer is full, -1 when the pair is finished.
static int copy_block(struct side *s) {
  if (s->to > s->from) {
    ssize_t sent = send_to(s->peer, s->waiting + s->from, s->to - s->from);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    s->passed += (size_t)sent;
    s->from += (size_t)sent;
    return s->from == s->to;
  }
  if (!s->readable) return 0;
  ssize_t n = receive_from(s);
  if (n < 0 && errno == EAGAIN) s->readable = 0;
  if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
  // Records end anywhere, so with TLS one has to ask.
  if (n < BLOCK && !s->ended && s->tls == NULL) s->readable = 0;
  ssize_t sent = send_to(s->peer, scratch, (size_t)n);
  if (sent < 0 && errno != EAGAIN) return -1;
  if (sent < 0) sent = 0;
  s->passed += (size_t)sent;
  if (sent == n) return 1;
  if (s->waiting == NULL && (s->waiting = malloc(BLOCK)) == NULL) die("malloc");
  s->from = 0;
  s->to = (size_t)(n - sent);
  memcpy(s->waiting, scratch + sent, s->to);
  return 0;
}

static int splice_block(struct side *s) {
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  if (s->piped == 0) {
    if (!s->readable) return 0;
    ssize_t n = splice(s->fd, NULL, s->pipe[1], NULL, BLOCK, flags);
    if (n < 0 && errno == EAGAIN) s->readable = 0;
    if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    s->piped = (size_t)n;
  }
  ssize_t sent = splice(s->pipe[0], NULL, s->peer->fd, NULL, s->piped, flags);
  if (sent < 0) return errno == EAGAIN ? 0 : -1;
  s->passed += (size_t)sent;
  s->piped -= (size_t)sent;
  return s->piped == 0;
}

static void move(struct side *s) {
  int moved;
  do moved = use_splice ? splice_block(s) : copy_block(s);
  while (moved > 0);
  if (moved < 0) return bury_pair(s);
  if (answer_size > 0 && s->is_backend && s->passed >= answer_size) {
    struct side *client = s->peer;
    s->passed = 0;
    s->peer = client->peer = NULL;
    bury(client);
    s->next = pool;
    pool = s;
  }
}

static void accept_client(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  struct side *client = new_side(fd), *backend = pool;
  if (tls_context != NULL) {
    client->tls = tls_over(tls_context, fd);
    SSL_set_accept_state(client->tls);
  }
  if (backend != NULL) {
    pool = backend->next;
  } else {
    int to_backend = connect_to(1, backend_port, 0);
    if (to_backend < 0) die("connect to the backend");
    backend = new_side(to_backend);
    backend->is_backend = 1;
    watch(poll, to_backend, backend);
  }
  client->peer = backend;
  backend->peer = client;
  watch(poll, fd, client);
}

int main(int count, char **arguments) {
  if (count < 3) die("usage: pump PORT BACKEND-PORT [--splice] [--answer BYTES] [--tls CERT KEY]");
  backend_port = atoi(arguments[2]);
  for (int i = 3; i < count; i++) {
    if (strcmp(arguments[i], "--splice") == 0) use_splice = 1;
    if (strcmp(arguments[i], "--answer") == 0 && i + 1 < count)
      answer_size = strtoull(arguments[++i], NULL, 10);
    if (strcmp(arguments[i], "--tls") == 0 && i + 2 < count) {
      tls_context = tls_new_context(TLS_server_method());
      tls_use_certificate(tls_context, arguments[i + 1], arguments[i + 2]);
      i += 2;
    }
  }
  signal(SIGPIPE, SIG_IGN);  // splice has no flag for it
  int listener = listen_on(atoi(arguments[1]));
  poll = epoll_create1(EPOLL_CLOEXEC);
  watch_listener(poll, listener, NULL);
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      struct side *s = events[i].data.ptr;
      if (s == NULL) {
        accept_client(listener);
        continue;
      }
      if (s->dead || s->peer == NULL) continue;
      unsigned what = events[i].events;
      if (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) s->ended = 1;
      if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) s->readable = 1, move(s);
      // Room on this side matters only when its peer's bytes are waiting for it.
      if ((what & EPOLLOUT) && !s->dead && s->peer != NULL
          && (s->peer->to > s->peer->from || s->peer->piped > 0))
        move(s->peer);
    }
    while (graveyard != NULL) {
      struct side *s = graveyard;
      graveyard = s->next;
      free(s->waiting);
      free(s);
    }
  }
}
