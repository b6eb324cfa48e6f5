// Linux calls that Swift's Glibc module does not offer: epoll, accept4, splice and friends.
// _GNU_SOURCE is defined only in CLinux.c: in a public header it changes the layout of Glibc's own
// types and breaks the debug build.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// Each returns what the system call returns, or -errno: errno's address is "const" to the compiler,
// which may keep it across a suspension point, so Swift code never reads errno itself.
int clinux_epoll_wait(int epoll, struct epoll_event *_Nonnull events, int count, int timeout_ms);
int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data);
int clinux_accept(int listener, struct sockaddr_storage *_Nonnull address);
ssize_t clinux_recv(int fd, void *_Nonnull bytes, size_t count);
ssize_t clinux_send(int fd, const void *_Nonnull bytes, size_t count, int more);
ssize_t clinux_splice_in(int from, int pipe, size_t count);
ssize_t clinux_splice_out(int pipe, int to, size_t count, int more);
int clinux_pipe(int *_Nonnull ends);
int clinux_pipe_size(int fd);
// Asks for a pipe of `size` bytes; returns its size afterwards, or -errno.
int clinux_set_pipe_size(int fd, int size);
void clinux_name_thread(const char *_Nonnull name);
// Gives free heap pages back to the system.
void clinux_trim_memory(void);
int clinux_errno(void);
// The number of cores this process may run on (sched_getaffinity), at least 1.
int clinux_available_cores(void);
// Sends bytes with open descriptors beside them (SCM_RIGHTS, unix(7)); at most CLINUX_MOST_DESCRIPTORS.
ssize_t clinux_send_descriptors(
    int socket, const void *_Nonnull bytes, size_t count, const int *_Nullable fds, int number);
// Receives bytes and the descriptors beside them, closed on exec; `fds` has room for
// CLINUX_MOST_DESCRIPTORS.
ssize_t clinux_receive_descriptors(
    int socket, void *_Nonnull bytes, size_t count, int *_Nonnull fds, int *_Nonnull number);
#define CLINUX_MOST_DESCRIPTORS 128
// Starts a program with this process's environment and no signal blocked. The process's number.
int clinux_spawn(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments);

// Users and capabilities (capabilities(7)); capabilities.c.
#define CLINUX_CAP_DAC_READ_SEARCH (1ULL << 2)
#define CLINUX_CAP_NET_BIND_SERVICE (1ULL << 10)
// Finds a user by name or number, with its group. 0 or -errno; -ENOENT when there is none.
int clinux_find_user(
    const char *_Nonnull name, unsigned *_Nonnull user, unsigned *_Nonnull group);
int clinux_find_group(const char *_Nonnull name, unsigned *_Nonnull group);
// Makes the whole process another user's for good. All threads lose all capabilities but the calling
// one, which keeps `kept`, as far as it has them, for itself and for programs it starts. 0 or -errno.
int clinux_become(
    const char *_Nonnull name, unsigned user, unsigned group, unsigned long long kept);
// Gives up all capabilities of the calling thread. 0 or -errno.
int clinux_renounce(void);
// The capabilities in force of the calling thread.
unsigned long long clinux_capabilities(void);
// No program that this thread, or one it starts, executes has more rights than it.
void clinux_forbid_new_privileges(void);
// No core dumps, and no other process of the same user may look into this one.
void clinux_forbid_dumps(void);
