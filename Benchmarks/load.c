// The clients of the benchmark: one thread, epoll, a fixed number of connections. Every answer is
// checked for its status and length, and every surprise is counted as an error. Prints JSON.
//
//   load PORT PATH --connections N --expect BYTES [--seconds S] [--warmup S] [--watch PID]...
//     (nothing)      as fast as the answers come; latency counts from the send
//     --rate R       R requests a second in total, on a timetable fixed beforehand; latency counts
//                    from the planned time, so a stall is charged to everyone who had to wait
//     --close        a new connection for each request, which says `Connection: close`
//     --upload N     POST with N bytes instead of GET
//     --browser      the fields of a browser: 12 of them, 600 bytes
//     --hold         one request on each connection, then keep them all until stdin ends
//     --read-rate B  read answers at B bytes a second per connection until stdin ends, as a client
//                    far away: segments of 1460 bytes and a window of 64 KiB
//     --sources N    connect from 127.0.0.1 to 127.0.0.N in turn
//     --hosts N      ask for site000000.example.com and the N - 1 after it, in a scattered order
//     --errors N     give up after so many errors (1000)
//     --websocket N  upgrade each connection, then send messages of N bytes, each when the one
//                    before it has come back; every byte of them is checked
//     --tls          by TLS 1.3, for www.example.com; certificates are not verified
//     --handshake    TLS handshakes alone: each connection is closed in order after its own
//     --resume       each of them resumes the session of an earlier one; one that does not is an error
//
// An interrupt ends a run early, with its results. With --watch the CPU time of those processes is read at the very moments at which the counting
// of requests starts and stops. --hold and --read-rate say "ready" when all connections are there.
#include "net.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "histogram.h"
#include "tls.h"
#include "websocket.h"

enum { HEAD_MAX = 4096, BLOCK = 1 << 20, WATCHED_MAX = 64, AT_ONCE = 64, TURNS = 8 };

enum phase { CLOSED, IDLE, SENDING, HEAD, BODY, ECHO, LINGERING };

struct connection {
  int fd, number, close_after, upgraded, offers_session;
  SSL *tls;  // NULL without
  enum phase phase;
  size_t sent;         // bytes of the request
  uint64_t body_left;  // bytes of the answer's body
  int64_t started;     // when its latency starts to count
  uint64_t due, done;  // requests the timetable has called for, and those begun
  size_t head_length;
  char head[HEAD_MAX];  // used only when a head comes in pieces
};

static int port, connections = 1, sources = 1, close_each, hold, browser, use_tls, handshakes, resume;
static unsigned hosts;
static const char *path;
static double seconds = 2, warmup = 0.3, rate;
static uint64_t expected, upload, read_rate, websocket, most_errors = 1000;

static int poll, measuring;
static volatile sig_atomic_t finished;
static struct connection *all;
static struct histogram latencies;
static char scratch[65536];
static char *request;        // head, then up to BLOCK bytes of the upload
static size_t request_head;
static char *host_number;    // the six digits in the request's Host
static unsigned char message[FRAME_MAX], echoed[FRAME_MAX];
static size_t message_length, echoed_length;
static int64_t timetable, window_start, window_end;
static uint64_t requests, bytes, answered, reopened;
static struct { uint64_t connect, closed, status, length, malformed, late, full; } errors;
static SSL_CTX *tls_context;
static SSL_SESSION *session;  // the last one that a server has given

static void begin_request(struct connection *c);
static void take_answer(struct connection *c);

static void open_connection(struct connection *c) {
  c->fd = connect_to(1 + c->number % sources, port, read_rate > 0);
  if (c->fd < 0) {
    errors.connect++;
    return;
  }
  c->phase = IDLE;
  c->head_length = 0;
  c->upgraded = 0;
  if (use_tls) {
    c->tls = tls_over(tls_context, c->fd);
    SSL_set_tlsext_host_name(c->tls, "www.example.com");
    SSL_set_connect_state(c->tls);
    c->offers_session = resume && session != NULL;
    if (c->offers_session && SSL_set_session(c->tls, session) != 1) die("SSL_set_session");
  }
  watch(poll, c->fd, c);
}

static void close_connection(struct connection *c) {
  // OpenSSL resumes no session of a connection that it thinks was broken off.
  if (c->tls != NULL) SSL_set_shutdown(c->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(c->tls);
  c->tls = NULL;
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  c->phase = CLOSED;
}

static uint64_t error_count(void) {
  return errors.connect + errors.closed + errors.status + errors.length + errors.malformed
         + errors.late + errors.full;
}

static int keep_session(SSL *tls, SSL_SESSION *given) {
  (void)tls;
  SSL_SESSION_free(session);
  session = given;
  return 1;
}

// As send and recv; `data` may be NULL to throw away what is received.
static ssize_t deliver(struct connection *c, const void *data, size_t count) {
  return c->tls == NULL ? send(c->fd, data, count, MSG_NOSIGNAL) : tls_write(c->tls, data, count);
}

static ssize_t receive(struct connection *c, void *data, size_t count) {
  if (c->tls == NULL) return recv(c->fd, data, count, data == NULL ? MSG_TRUNC : 0);
  if (data == NULL) data = scratch;
  return tls_read(c->tls, data, count < sizeof scratch ? count : sizeof scratch);
}

// Counts an error and starts afresh, unless there are so many that the run says nothing anyway.
static void fail(struct connection *c, uint64_t *counter) {
  (*counter)++;
  close_connection(c);
  if (error_count() > most_errors) finished = 1;
  if (!finished && !hold) begin_request(c);
}

// The next request of this connection, at once or when the timetable calls for it.
static void next_request(struct connection *c) {
  if (hold) return;
  if (rate == 0 || c->done < c->due) begin_request(c);
}

static void answer_complete(struct connection *c, int64_t now) {
  answered++;
  int64_t measured_from = rate > 0 ? c->started : now;
  if (measuring && measured_from >= window_start) {
    requests++;
    record(&latencies, now - c->started);
  } else if (rate > 0 && c->started >= window_start && c->started < window_end) {
    requests++;  // planned inside the window, answered after it
    record(&latencies, now - c->started);
  }
}

// The request is answered in full. A connection that is to close ends when the proxy closes it.
static void finish_request(struct connection *c) {
  answer_complete(c, now_ns());
  if (close_each) {
    c->phase = LINGERING;
    take_answer(c);
    return;
  }
  c->phase = IDLE;
  if (c->close_after) {  // a proxy may limit the number of requests on a connection
    reopened++;
    close_connection(c);
  }
  next_request(c);
}

// A message leaves at once: there is never another one before it.
static void send_message(struct connection *c) {
  c->phase = ECHO;
  c->head_length = 0;
  if (deliver(c, message, message_length) != (ssize_t)message_length)
    fail(c, &errors.closed);
}

// The next host: steps of a prime visit all of them in an order that no cache foresees.
static void change_host(void) {
  static unsigned number;
  number = (number + 61987) % hosts;
  unsigned rest = number;
  for (int digit = 5; digit >= 0; digit--, rest /= 10) host_number[digit] = (char)('0' + rest % 10);
}

// A handshake and nothing more. What the server still has to say, the ticket above all, is read.
static void shake_hands(struct connection *c) {
  ssize_t done = tls_result(c->tls, SSL_do_handshake(c->tls));
  if (done < 0 && errno == EAGAIN) return;
  if (done <= 0) return fail(c, &errors.closed);
  if (c->offers_session && !SSL_session_reused(c->tls)) return fail(c, &errors.full);
  SSL_shutdown(c->tls);
  shutdown(c->fd, SHUT_WR);
  c->phase = LINGERING;
  take_answer(c);
}

static void send_request(struct connection *c) {
  if (handshakes) return shake_hands(c);
  uint64_t total = request_head + upload;
  while (c->sent < total) {
    // The head stands in front of one block of pattern; later blocks start over in the pattern.
    size_t offset = c->sent, left;
    if (offset >= request_head)
      offset = request_head + (offset - request_head) % PATTERN_PERIOD;
    left = total - c->sent < request_head + BLOCK - offset ? (size_t)(total - c->sent)
                                                           : request_head + BLOCK - offset;
    ssize_t n = deliver(c, request + offset, left);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return fail(c, errno == ECONNREFUSED ? &errors.connect : &errors.closed);
    c->sent += (size_t)n;
    if (measuring && upload > 0) bytes += (size_t)n;
  }
  c->phase = HEAD;
}

static void begin_request(struct connection *c) {
  if (c->phase == CLOSED) open_connection(c);
  if (c->phase != IDLE) return;
  c->phase = SENDING;
  c->sent = 0;
  c->close_after = 0;
  if (rate > 0) {
    double turn = (double)(c->done * (uint64_t)connections + (uint64_t)c->number);
    c->started = timetable + (int64_t)(turn * 1e9 / rate);
    c->done++;
  } else {
    c->started = now_ns();
  }
  if (c->upgraded) return send_message(c);
  // A small request leaves in one send, so the bytes may change under the next one.
  if (hosts > 1) change_host();
  send_request(c);
}

// Judges a complete head. Returns the counter of what is wrong with it, or NULL.
static uint64_t *check_head(struct connection *c, const char *head, size_t length) {
  if (length < 16 || memcmp(head, "HTTP/1.1 ", 9) != 0) return &errors.malformed;
  if (websocket > 0) return memcmp(head + 9, "101 ", 4) != 0 ? &errors.status : NULL;
  if (memcmp(head + 9, "200 ", 4) != 0) return &errors.status;
  const char *size = field(head, length, "\r\ncontent-length:");
  if (size == NULL || strtoull(size, NULL, 10) != expected) return &errors.length;
  const char *connection = field(head, length, "\r\nconnection:");
  c->close_after = connection != NULL && (*connection | 32) == 'c';
  return NULL;
}

// Takes what has just arrived in `data`, behind what `head` holds already.
static void take_head(struct connection *c, const char *data, size_t count) {
  const char *head = data;
  size_t length = count;
  if (c->head_length > 0) {
    if (count > HEAD_MAX - c->head_length) return fail(c, &errors.malformed);
    memcpy(c->head + c->head_length, data, count);
    head = c->head;
    length = c->head_length += count;
  }
  const char *end = memmem(head, length, "\r\n\r\n", 4);
  if (end == NULL) {
    if (length > HEAD_MAX) return fail(c, &errors.malformed);
    if (c->head_length == 0) memcpy(c->head, data, count);
    c->head_length = length;
    return;
  }
  size_t head_size = (size_t)(end + 4 - head), rest = length - head_size;
  c->head_length = 0;
  uint64_t *wrong = check_head(c, head, head_size);
  if (wrong == NULL && rest > expected) wrong = &errors.length;
  if (wrong == NULL && websocket > 0 && rest > 0) wrong = &errors.length;
  if (wrong != NULL) return fail(c, wrong);
  if (websocket > 0) {  // the handshake itself is not counted
    c->upgraded = 1;
    c->phase = IDLE;
    return next_request(c);
  }
  if (measuring && upload == 0) bytes += rest;
  c->body_left = expected - rest;
  c->phase = BODY;
  if (c->body_left == 0) finish_request(c);
}

// Takes a part of the message that comes back.
static void take_echo(struct connection *c, const char *data, size_t count) {
  if (count > echoed_length - c->head_length
      || memcmp(data, echoed + c->head_length, count) != 0)
    return fail(c, &errors.malformed);
  c->head_length += count;
  if (measuring) bytes += count;
  if (c->head_length == echoed_length) finish_request(c);
}

// Reads until the socket is empty. A body is counted and thrown away inside the kernel.
static void take_answer(struct connection *c) {
  while (c->phase != CLOSED && !finished) {
    ssize_t n;
    size_t room = sizeof scratch;
    if (c->phase == BODY) {
      room = c->body_left < BLOCK ? (size_t)c->body_left : BLOCK;
      n = receive(c, NULL, room);
    } else {
      // An answer's head comes alone or with the start of its body.
      if (c->head_length > 0 && c->phase == HEAD) room = HEAD_MAX - c->head_length;
      n = receive(c, scratch, room);
    }
    if (n < 0 && errno == EAGAIN) return;
    if (n == 0 && c->phase == LINGERING) {
      if (handshakes) answer_complete(c, now_ns());
      close_connection(c);
      return next_request(c);
    }
    if (n <= 0) return fail(c, &errors.closed);
    if (c->phase == BODY) {
      if (measuring && upload == 0) bytes += (size_t)n;
      c->body_left -= (size_t)n;
      if (c->body_left == 0) finish_request(c);
    } else if (c->phase == HEAD) {
      take_head(c, scratch, (size_t)n);
    } else if (c->phase == ECHO) {
      take_echo(c, scratch, (size_t)n);
    } else {
      return fail(c, &errors.length);  // bytes nobody asked for
    }
    // A short read emptied the socket; the next bytes, or its end, make an event of their own.
    // Records end anywhere, so with TLS one has to ask.
    if ((size_t)n < room && c->phase != LINGERING && c->tls == NULL) return;
  }
}

// Slow readers: each has its turn TURNS times a second and takes what is its due, once.
static uint64_t take_slowly(struct connection *c) {
  if (c->phase == CLOSED) return 0;
  size_t share = (size_t)(read_rate / TURNS);
  if (share > sizeof scratch) share = sizeof scratch;
  if (c->phase == BODY && share > c->body_left) share = (size_t)c->body_left;
  ssize_t n = receive(c, scratch, share);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n <= 0) {
    fail(c, &errors.closed);
    return 0;
  }
  if (c->phase == HEAD) {
    take_head(c, scratch, (size_t)n);
  } else if (c->phase == BODY) {
    c->body_left -= (size_t)n;
    if (c->body_left == 0) finish_request(c);
  }
  return (uint64_t)n;
}

static void on_event(struct connection *c, unsigned what) {
  if (c->phase == CLOSED) return;
  // A handshake also goes on when something has come.
  if (c->phase == SENDING && (what & (c->tls != NULL ? EPOLLOUT | EPOLLIN : EPOLLOUT))) {
    send_request(c);
    if (c->tls != NULL && c->phase == SENDING) return;
  }
  if (!(what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) || c->phase == CLOSED) return;
  if (read_rate == 0) return take_answer(c);
  if (what & (EPOLLHUP | EPOLLERR)) fail(c, &errors.closed);
}

// Handles events until `until`, or those that are there when that has passed.
static int turn(int64_t until) {
  struct epoll_event events[256];
  int64_t left = until - now_ns();
  if (left < 0) left = 0;
  struct timespec timeout = {left / 1000000000, left % 1000000000};
  int ready = epoll_pwait2(poll, events, 256, &timeout, NULL);
  int stdin_ready = 0;
  for (int i = 0; i < ready; i++) {
    if (events[i].data.ptr == NULL) stdin_ready = 1;
    else on_event(events[i].data.ptr, events[i].events);
  }
  return stdin_ready;
}

// Until `end`: closed loop, or the timetable up to that time.
static void run_until(int64_t end, uint64_t *called) {
  for (int64_t now; (now = now_ns()) < end && !finished;) {
    int64_t wake = end;
    while (rate > 0) {
      int64_t time = timetable + (int64_t)((double)*called * 1e9 / rate);
      if (time > now) {
        if (time < wake) wake = time;
        break;
      }
      struct connection *c = &all[(*called)++ % (uint64_t)connections];
      c->due++;
      if (c->phase == IDLE || c->phase == CLOSED) begin_request(c);
    }
    turn(wake);
  }
}

static struct { int pids[WATCHED_MAX], count; } watched;
enum { TICKS_ALL, TICKS_USER, EXACT };

// One of the kernel's CPU clocks, summed over the watched processes with all their threads. EXACT
// is the scheduler's, in nanoseconds; the other two count timer ticks and give the user's share.
static int64_t watched_cpu(int kind) {
  int64_t sum = 0;
  for (int i = 0; i < watched.count; i++) {
    int64_t t = clock_ns((clockid_t)((~(unsigned)watched.pids[i] << 3) | (unsigned)kind));
    if (t < 0) die("process %d has gone", watched.pids[i]);
    sum += t;
  }
  return sum;
}

static void compose_request(void) {
  static const char browser_fields[] =
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
      "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
      "Accept-Language: en-GB,en;q=0.8,de;q=0.5,fr;q=0.3\r\n"
      "Accept-Encoding: gzip, deflate, br, zstd\r\n"
      "Referer: http://www.example.com/articles/2026/11/\r\n"
      "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all-1\r\n"
      "DNT: 1\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n"
      "Sec-Fetch-Mode: navigate\r\nCache-Control: max-age=0, no-transform\r\n";
  char head[2048], length[64] = "";
  if (upload > 0) snprintf(length, sizeof length, "Content-Length: %llu\r\n",
                           (unsigned long long)upload);
  static const char upgrade_fields[] =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: " WEBSOCKET_KEY "\r\n";
  int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s.example.com\r\n%s%s%s%s\r\n",
                   upload > 0 ? "POST" : "GET", path, hosts > 0 ? "site000000" : "www",
                   browser ? browser_fields : "", length,
                   close_each ? "Connection: close\r\n" : "", websocket > 0 ? upgrade_fields : "");
  request_head = (size_t)n;
  request = malloc(request_head + BLOCK);
  if (request == NULL) die("malloc");
  memcpy(request, head, request_head);
  fill_pattern(request + request_head, BLOCK);
  if (hosts > 0) host_number = memmem(request, request_head, "000000", 6);
  message_length = compose_frame(message, request + request_head, websocket, 1);
  echoed_length = compose_frame(echoed, request + request_head, websocket, 0);
}

static void read_options(int count, char **arguments) {
  static const struct option options[] = {
      {"connections", 1, 0, 'c'}, {"expect", 1, 0, 'e'}, {"seconds", 1, 0, 's'},
      {"warmup", 1, 0, 'w'}, {"watch", 1, 0, 'p'}, {"rate", 1, 0, 'r'}, {"close", 0, 0, 'x'},
      {"upload", 1, 0, 'u'}, {"browser", 0, 0, 'b'}, {"hold", 0, 0, 'h'},
      {"read-rate", 1, 0, 'R'}, {"sources", 1, 0, 'S'}, {"hosts", 1, 0, 'H'},
      {"errors", 1, 0, 'E'}, {"websocket", 1, 0, 'W'}, {"tls", 0, 0, 't'},
      {"handshake", 0, 0, 'k'}, {"resume", 0, 0, 'm'}, {0, 0, 0, 0}};
  for (int o; (o = getopt_long(count, arguments, "", options, NULL)) != -1;) {
    switch (o) {
      case 'c': connections = atoi(optarg); break;
      case 'e': expected = strtoull(optarg, NULL, 10); break;
      case 's': seconds = atof(optarg); break;
      case 'w': warmup = atof(optarg); break;
      case 'r': rate = atof(optarg); break;
      case 'x': close_each = 1; break;
      case 'u': upload = strtoull(optarg, NULL, 10); break;
      case 'b': browser = 1; break;
      case 'h': hold = 1; break;
      case 'R': read_rate = strtoull(optarg, NULL, 10); break;
      case 'S': sources = atoi(optarg); break;
      case 'H': hosts = (unsigned)atoi(optarg); break;
      case 'E': most_errors = strtoull(optarg, NULL, 10); break;
      case 't': use_tls = 1; break;
      case 'k': use_tls = handshakes = 1; break;
      case 'm': resume = 1; break;
      case 'W': websocket = strtoull(optarg, NULL, 10); break;
      case 'p':
        if (watched.count == WATCHED_MAX) die("too many processes to watch");
        watched.pids[watched.count++] = atoi(optarg);
        break;
      default: exit(2);
    }
  }
  if (count - optind != 2) die("usage: load PORT PATH --connections N --expect BYTES ...");
  if (websocket > WEBSOCKET_MAX) die("a message has at most %d bytes", WEBSOCKET_MAX);
  port = atoi(arguments[optind]);
  path = arguments[optind + 1];
}

// The measured run: a warm-up, the window, and for a timetable the answers still owed then.
static void run(int64_t cpu[3], double *elapsed, double *own_share) {
  uint64_t called = 0;
  timetable = now_ns();
  window_start = window_end = INT64_MAX;
  if (rate == 0)
    for (int i = 0; i < connections; i++) begin_request(&all[i]);
  run_until(timetable + (int64_t)(warmup * 1e9), &called);
  for (int kind = 0; kind < 3; kind++) cpu[kind] = watched_cpu(kind);
  int64_t own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  window_start = now_ns();
  measuring = 1;
  run_until(window_start + (int64_t)(seconds * 1e9), &called);
  window_end = now_ns();
  measuring = 0;
  for (int kind = 0; kind < 3; kind++) cpu[kind] = watched_cpu(kind) - cpu[kind];
  *elapsed = (double)(window_end - window_start) / 1e9;
  *own_share = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own) / 1e9 / *elapsed;
  if (rate == 0) return;
  for (int64_t end = now_ns() + 2000000000; now_ns() < end && answered < called && !finished;)
    turn(end);
  if (answered < called) errors.late += called - answered;
}

// --hold and --read-rate: make one request on each connection, a few at a time, then stay.
static void stay(void) {
  int begun = 0, said = 0, turn_of = 0;
  struct epoll_event event = {.events = EPOLLIN | EPOLLHUP, .data.ptr = NULL};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event) != 0) die("stdin has to be a pipe");
  uint64_t slow_started = 0;
  for (;;) {
    uint64_t settled = hold ? answered + error_count() : slow_started;
    while (begun < connections && (uint64_t)begun < settled + AT_ONCE) {
      begin_request(&all[begun++]);
      slow_started++;
    }
    if (!said && begun == connections && (!hold || answered + error_count() >= (uint64_t)begun)) {
      said = 1;
      printf("ready\n");
      fflush(stdout);
    }
    int64_t wake = now_ns() + 1000000000 / (TURNS * 8);
    if (turn(wake)) return;
    if (read_rate == 0) continue;
    while (now_ns() < wake)
      if (turn(wake)) return;
    turn_of = (turn_of + 1) % 8;
    for (int i = turn_of; i < begun; i += 8) bytes += take_slowly(&all[i]);
  }
}

static void interrupted(int number) {
  (void)number;
  finished = 1;
}

int main(int count, char **arguments) {
  signal(SIGINT, interrupted);
  signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without a flag for it
  read_options(count, arguments);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // nanoseconds: a timetable must be kept
  compose_request();
  if (use_tls) {
    tls_context = tls_new_context(TLS_client_method());
    if (resume) {
      SSL_CTX_set_session_cache_mode(
          tls_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
      SSL_CTX_sess_set_new_cb(tls_context, keep_session);
    }
  }
  poll = epoll_create1(EPOLL_CLOEXEC);
  all = calloc((size_t)connections, sizeof *all);
  if (all == NULL) die("calloc");
  for (int i = 0; i < connections; i++) all[i] = (struct connection){.fd = -1, .number = i};

  int64_t cpu[3] = {0};
  double elapsed = 0, own_share = 0;
  if (hold || read_rate > 0) stay();
  else run(cpu, &elapsed, &own_share);
  printf("{\"requests\": %llu, \"answered\": %llu, \"seconds\": %.6f, \"bytes\": %llu, ",
         (unsigned long long)requests, (unsigned long long)answered, elapsed,
         (unsigned long long)bytes);
  printf("\"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"max_us\": %.3f, ",
         quantile(&latencies, 0.5) / 1e3, quantile(&latencies, 0.9) / 1e3,
         quantile(&latencies, 0.99) / 1e3, quantile(&latencies, 1) / 1e3);
  printf("\"cpu_ns\": %lld, \"tick_user_ns\": %lld, \"tick_all_ns\": %lld, ",
         (long long)cpu[EXACT], (long long)cpu[TICKS_USER], (long long)cpu[TICKS_ALL]);
  printf("\"load_core_share\": %.4f, \"reopened\": %llu, ", own_share,
         (unsigned long long)reopened);
  printf("\"errors\": {\"connect\": %llu, \"closed\": %llu, \"status\": %llu, \"length\": %llu, "
         "\"malformed\": %llu, \"late\": %llu, \"full\": %llu}}\n",
         (unsigned long long)errors.connect, (unsigned long long)errors.closed,
         (unsigned long long)errors.status, (unsigned long long)errors.length,
         (unsigned long long)errors.malformed, (unsigned long long)errors.late,
         (unsigned long long)errors.full);
  return 0;
}
