// What the three small programs of the benchmark share: time, sockets and a way to give up.
// Everything here runs on 127.0.0.x only, so failures are bugs or full tables: we stop at once.
#ifndef BENCH_NET_H
#define BENCH_NET_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// Sockets are registered once, edge-triggered, for everything: no epoll_ctl call per request.
#define EVERYTHING (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

// Answers and uploads repeat this many bytes, so that a checker can tell what stands where.
#define PATTERN_PERIOD 65536

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...) {
  va_list arguments;
  int error = errno;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, " (%s)\n", strerror(error));
  exit(1);
}

static inline int64_t clock_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return -1;
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static inline struct sockaddr_in loopback(int host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(0x7f000000u | (uint32_t)host);
  return address;
}

static inline void set_option(int fd, int level, int option, int value) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) die("setsockopt");
}

static inline int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  struct sockaddr_in address = loopback(1, port);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind to port %d", port);
  if (listen(fd, 4096) != 0) die("listen");
  return fd;
}

// Starts a connection and does not wait for it: on loopback it usually stands when this returns.
// Returns -1 with errno set when it cannot be started. A distant client has Ethernet's segments and
// a modest window: with loopback's 64 KiB segments the kernel would take megabytes from the proxy
// for each slow reader, run out of TCP memory and be what the benchmark measures.
static inline int connect_to(int source_host, int port, int distant) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (distant) {
    set_option(fd, IPPROTO_TCP, TCP_MAXSEG, 1460);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, 32768);  // the kernel doubles it
  }
  if (source_host > 1) {
    // The kernel chooses the port at connect, so that one port serves several destinations.
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    struct sockaddr_in source = loopback(source_host, 0);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) != 0) goto failed;
  }
  struct sockaddr_in address = loopback(1, port);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS)
    return fd;
failed:;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static inline void watch(int poll, int fd, void *owner) {
  struct epoll_event event = {.events = EVERYTHING, .data.ptr = owner};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

// A listening socket is level-triggered.
static inline void watch_listener(int poll, int fd, void *owner) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = owner};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static inline void fill_pattern(char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) bytes[i] = (char)('a' + i % PATTERN_PERIOD % 23);
}

// The value of a field in a head that ends in CRLF CRLF, or NULL. `name` is "\r\nname:" in lower
// case. Case is folded by hand because strcasestr is slow enough to show in a profile.
static inline const char *field(const char *head, size_t length, const char *name) {
  size_t n = strlen(name);
  const char *end = head + length;
  for (const char *p = head; (p = memchr(p, '\r', (size_t)(end - p))) != NULL; p++) {
    if ((size_t)(end - p) < n) return NULL;
    size_t i = 1;
    while (i < n && (p[i] == name[i] || (p[i] >= 'A' && p[i] <= 'Z' && (p[i] | 32) == name[i])))
      i++;
    if (i < n) continue;
    p += n;
    while (*p == ' ') p++;
    return p;
  }
  return NULL;
}

#endif
