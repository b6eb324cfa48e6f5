// The web server behind every proxy of the benchmark: GET or POST /N is answered with N bytes, a
// WebSocket gets back what it sends. One thread, epoll, keep-alive, uploads of any size counted and
// thrown away.
//
//   backend [--delay MS] [--send-buffer BYTES] PORT...
//     --delay MS           every answer begins so much later: a slow server, however many wait
//     --send-buffer BYTES  of each connection, instead of the kernel's choice
//
// It must cost as little as possible, because it shares a core with the load generator: an answer
// of up to 1 MiB leaves in one send, an upload is discarded inside the kernel (MSG_TRUNC).
#include "net.h"

#include <getopt.h>

#include "websocket.h"

enum { HEAD_ROOM = 512, BODY_BLOCK = 1 << 20, REQUEST_MAX = 8192 };

struct connection {
  int fd;
  size_t head_length;      // bytes of the request head that are in `head`
  uint64_t upload_left;    // bytes of the request body still to come
  uint64_t answer_size;    // of the request in hand
  uint64_t body_sent;      // of those
  size_t head_left;        // bytes of the answer's head still to go
  int answering, closing, echoing;
  int64_t due;              // when a delayed answer may begin; 0 when it is not delayed
  struct connection *next;  // delayed after this one
  char head[REQUEST_MAX];
};

// The answer's head is written right before the body, so that both leave in one send.
static char memory[HEAD_ROOM + BODY_BLOCK];
static char *const body = memory + HEAD_ROOM;
static size_t answer_head_length;

// Writes the head for answers of `size` bytes unless it is the one that stands there already.
static void compose_head(uint64_t size) {
  static uint64_t composed_size = UINT64_MAX;
  static time_t composed_at;
  time_t now = time(NULL);
  if (size == composed_size && now == composed_at) return;
  composed_size = size;
  composed_at = now;
  char date[64], head[HEAD_ROOM];
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  int length = snprintf(
      head, sizeof head,
      "HTTP/1.1 200 OK\r\nDate: %s\r\nServer: backend\r\nContent-Type: text/html\r\n"
      "Content-Length: %llu\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n\r\n",
      date, (unsigned long long)size);
  answer_head_length = (size_t)length;
  memcpy(body - length, head, (size_t)length);
}

// Those whose answers are delayed, in the order in which they are due.
static struct connection *first_delayed, *last_delayed;
static int64_t delay;

static void drop(struct connection *c) {
  close(c->fd);
  c->fd = -1;
}

// Sends what is left of the answer. Returns 0 when the socket is full or gone.
static int answer(struct connection *c) {
  while (c->head_left > 0 || c->body_sent < c->answer_size) {
    size_t offset = c->body_sent % PATTERN_PERIOD;
    uint64_t left = c->answer_size - c->body_sent;
    size_t block = left < BODY_BLOCK - offset ? (size_t)left : BODY_BLOCK - offset;
    if (c->head_left > 0) compose_head(c->answer_size);
    ssize_t n = send(c->fd, body + offset - c->head_left, c->head_left + block, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) drop(c);
      return 0;
    }
    size_t of_head = (size_t)n < c->head_left ? (size_t)n : c->head_left;
    c->head_left -= of_head;
    c->body_sent += (size_t)n - of_head;
  }
  c->answering = 0;
  if (c->closing) drop(c);
  return c->fd >= 0;
}

static void put_off(struct connection *c) {
  c->due = now_ns() + delay;
  c->next = NULL;
  if (first_delayed == NULL) first_delayed = c;
  else last_delayed->next = c;
  last_delayed = c;
}

static void refuse(struct connection *c) {
  static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  send(c->fd, bad, sizeof bad - 1, MSG_NOSIGNAL);
  drop(c);
}

// Sends back every frame that is there in whole.
static int echo(struct connection *c) {
  unsigned char *bytes = (unsigned char *)c->head;
  size_t at = 0;
  for (;;) {
    unsigned char *frame;
    size_t length;
    long taken = echo_frame(bytes + at, c->head_length - at, &frame, &length);
    if (taken < 0) return 0;
    if (taken == 0) break;
    // One message at a time is on its way, so there is always room for it.
    if (send(c->fd, frame, length, MSG_NOSIGNAL) != (ssize_t)length) return 0;
    at += (size_t)taken;
  }
  c->head_length -= at;
  memmove(bytes, bytes + at, c->head_length);
  return 1;
}

// Answers the handshake of the one client that is known here. Returns 0 to any other.
static int upgrade(struct connection *c, size_t length) {
  static const char switching[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " WEBSOCKET_ACCEPT "\r\n\r\n";
  const char *key = field(c->head, length, "\r\nsec-websocket-key:");
  if (key == NULL || memcmp(key, WEBSOCKET_KEY, sizeof WEBSOCKET_KEY - 1) != 0) return 0;
  if (send(c->fd, switching, sizeof switching - 1, MSG_NOSIGNAL) < 0) return 0;
  c->head_length -= length;
  memmove(c->head, c->head + length, c->head_length);
  c->echoing = 1;
  return 1;
}

// Reads the head that ends at `length`. Returns 0 when the request is not one of ours.
static int begin(struct connection *c, size_t length) {
  char *head = c->head;
  char *path = memchr(head, ' ', length);
  if (path == NULL || path[1] != '/') return 0;
  if (field(head, length, "\r\nupgrade:") != NULL) return upgrade(c, length);
  c->answer_size = strtoull(path + 2, NULL, 10);
  c->upload_left = 0;
  if (head[0] == 'P') {
    const char *value = field(head, length, "\r\ncontent-length:");
    if (value == NULL) return 0;
    c->upload_left = strtoull(value, NULL, 10);
  }
  // A `Connection: close` is not honoured: the byte pump passes the client's own through, and its
  // backend connections have to stay as long as everybody else's.
  size_t rest = c->head_length - length;
  if (rest > c->upload_left) return 0;  // nobody pipelines here
  c->upload_left -= rest;
  c->head_length = 0;
  c->body_sent = 0;
  c->answering = 1;
  compose_head(c->answer_size);
  c->head_left = answer_head_length;
  return 1;
}

static void serve(struct connection *c) {
  if (c->due > 0) return;  // what it wants will be seen when it has its answer
  for (;;) {
    if (c->answering && c->upload_left == 0) {
      if (!answer(c)) return;
      continue;
    }
    size_t room = c->answering ? 1 << 20 : REQUEST_MAX - c->head_length;
    if (c->answering && room > c->upload_left) room = (size_t)c->upload_left;
    ssize_t n = c->answering ? recv(c->fd, NULL, room, MSG_TRUNC)
                             : recv(c->fd, c->head + c->head_length, room, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return drop(c);
    if (c->answering) {
      c->upload_left -= (size_t)n;
      continue;
    }
    c->head_length += (size_t)n;
    if (c->echoing) {
      if (!echo(c)) return drop(c);
      if ((size_t)n < room) return;
      continue;
    }
    char *end = memmem(c->head, c->head_length, "\r\n\r\n", 4);
    if (end == NULL && c->head_length < REQUEST_MAX) continue;
    if (end == NULL || !begin(c, (size_t)(end + 4 - c->head))) return refuse(c);
    if (c->echoing) continue;
    if (delay > 0 && c->upload_left == 0) return put_off(c);
    // A short read has emptied the socket; an edge will tell of more.
    if (c->upload_left == 0 && (size_t)n < room) {
      answer(c);
      return;
    }
  }
}

// Answers those whose time has come. Returns how long the next one has to wait, at most `longest`.
static int64_t answer_delayed(int64_t longest) {
  while (first_delayed != NULL) {
    struct connection *c = first_delayed;
    int64_t left = c->due - now_ns();
    if (left > 0) return left;
    first_delayed = c->next;
    c->due = 0;
    serve(c);
    if (c->fd < 0) free(c);
  }
  return longest;
}

static void accept_from(int poll, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  struct connection *c = calloc(1, sizeof *c);
  if (c == NULL) die("calloc");
  c->fd = fd;
  watch(poll, fd, c);
}

enum { PORTS_MAX = 16 };

int main(int count, char **arguments) {
  static const struct option options[] = {
      {"delay", 1, 0, 'd'}, {"send-buffer", 1, 0, 'b'}, {0, 0, 0, 0}};
  int send_buffer = 0;
  for (int o; (o = getopt_long(count, arguments, "", options, NULL)) != -1;) {
    if (o == 'd') delay = (int64_t)(atof(optarg) * 1e6);
    else if (o == 'b') send_buffer = atoi(optarg);
    else exit(2);
  }
  int listeners = count - optind;
  if (listeners < 1 || listeners > PORTS_MAX) die("usage: backend [options] PORT...");
  fill_pattern(body, BODY_BLOCK);
  int poll = epoll_create1(EPOLL_CLOEXEC);
  // A listening socket is known by its place in this array.
  static int listening[PORTS_MAX];
  for (int i = 0; i < listeners; i++) {
    listening[i] = listen_on(atoi(arguments[optind + i]));
    // Accepted sockets inherit it. The kernel's own choice on loopback is several megabytes each,
    // which beside hundreds of slow readers would use up all of TCP's memory.
    if (send_buffer > 0) set_option(listening[i], SOL_SOCKET, SO_SNDBUF, send_buffer);
    watch_listener(poll, listening[i], &listening[i]);
  }
  struct epoll_event events[256];
  for (;;) {
    int64_t wait = answer_delayed(1000000000);
    struct timespec timeout = {wait / 1000000000, wait % 1000000000};
    int ready = epoll_pwait2(poll, events, 256, &timeout, NULL);
    for (int i = 0; i < ready; i++) {
      int *listener = events[i].data.ptr;
      if (listener >= listening && listener < listening + PORTS_MAX) {
        accept_from(poll, *listener);
        continue;
      }
      struct connection *c = events[i].data.ptr;
      serve(c);
      // One registration, one event a turn: nobody else in this batch refers to it.
      if (c->fd < 0) free(c);
    }
  }
}
