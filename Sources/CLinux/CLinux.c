#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The calls that every request makes go to the kernel directly. glibc's own are points at which a
// thread can be cancelled, which costs two atomic operations a call; no thread here ever is.

int clinux_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms) {
  long n = syscall(SYS_epoll_pwait, epoll, events, count, timeout_ms, NULL, 0);
  return n < 0 ? -errno : (int)n;
}

int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int clinux_accept(int listener, struct sockaddr_storage *address) {
  socklen_t length = sizeof *address;
  long fd = syscall(SYS_accept4, listener, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? -errno : (int)fd;
}

ssize_t clinux_recv(int fd, void *bytes, size_t count) {
  ssize_t n = syscall(SYS_recvfrom, fd, bytes, count, MSG_DONTWAIT, NULL, NULL);
  return n < 0 ? -errno : n;
}

ssize_t clinux_send(int fd, const void *bytes, size_t count, int more) {
  int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  ssize_t n = syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0);
  return n < 0 ? -errno : n;
}

ssize_t clinux_splice_in(int from, int pipe, size_t count) {
  ssize_t n = splice(from, NULL, pipe, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return n < 0 ? -errno : n;
}

ssize_t clinux_splice_out(int pipe, int to, size_t count, int more) {
  unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
  ssize_t n = splice(pipe, NULL, to, NULL, count, flags);
  return n < 0 ? -errno : n;
}

int clinux_pipe(int *ends) { return pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0; }

int clinux_pipe_size(int fd) {
  int n = fcntl(fd, F_GETPIPE_SZ);
  return n < 0 ? -errno : n;
}

int clinux_set_pipe_size(int fd, int size) {
  int n = fcntl(fd, F_SETPIPE_SZ, size);
  return n < 0 ? -errno : n;
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void clinux_trim_memory(void) { malloc_trim(0); }

int clinux_errno(void) { return errno; }

int clinux_available_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}

ssize_t clinux_send_descriptors(
    int socket, const void *bytes, size_t count, const int *fds, int number) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(CLINUX_MOST_DESCRIPTORS * sizeof(int))];
  } control;
  if (number < 0 || number > CLINUX_MOST_DESCRIPTORS) return -EINVAL;
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (number > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(number * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(number * sizeof(int));
    memcpy(CMSG_DATA(header), fds, number * sizeof(int));
  }
  ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);
  return n < 0 ? -errno : n;
}

ssize_t clinux_receive_descriptors(
    int socket, void *bytes, size_t count, int *fds, int *number) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(CLINUX_MOST_DESCRIPTORS * sizeof(int))];
  } control;
  struct iovec vector = {.iov_base = bytes, .iov_len = count};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1,
    .msg_control = control.room, .msg_controllen = sizeof control.room,
  };
  *number = 0;
  ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (n < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int had = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    // All fit: the kernel was given room for so many and no more.
    memcpy(fds + *number, CMSG_DATA(header), had * sizeof(int));
    *number += had;
  }
  return n;
}

int clinux_spawn(const char *path, char *const *arguments) {
  posix_spawnattr_t attributes;
  sigset_t none;
  pid_t pid;
  int error = posix_spawnattr_init(&attributes);
  if (error) return -error;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  error = posix_spawn(&pid, path, NULL, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  return error ? -error : pid;
}
