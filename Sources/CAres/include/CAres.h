// What rsp uses of c-ares, the asynchronous DNS library, without its header: ares.h includes the
// system's socket headers, and Swift would take their structures for c-ares' own.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct ares_channeldata;
struct ares_addrinfo;
struct ares_addrinfo_node;

// c-ares has opened a socket, wants it watched otherwise, or (neither) is about to close it.
typedef void (*cares_socket_changed)(void *_Nullable context, int socket, int readable,
                                     int writable);

// A query has ended. The result, if any, is the callee's to free. Called once a query.
typedef void (*cares_answered)(void *_Nullable context, int status, int timeouts,
                               struct ares_addrinfo *_Nullable result);

enum cares_status { cares_ok, cares_not_found, cares_timed_out, cares_failed };

// Opens a channel; NULL when it cannot be (no memory, no descriptors, servers that make no sense).
// servers: "address:port,...", or NULL for those of /etc/resolv.conf.
struct ares_channeldata *_Nullable cares_open(const char *_Nullable servers, int attempt_ms,
                                              int attempts, cares_socket_changed _Nonnull changed,
                                              void *_Nullable context);

// Closes a channel; each query that still runs is answered with a failure first.
void cares_close(struct ares_channeldata *_Nonnull channel);

// Asks for the IPv4 and IPv6 addresses of a host, best first if sorted (RFC 6724, which takes a
// socket for each); may answer before it returns.
void cares_look_up(struct ares_channeldata *_Nonnull channel, const char *_Nonnull host, int sorted,
                   cares_answered _Nonnull answered, void *_Nullable context);

// As cares_answered; the message, if any, is c-ares' and stands for the call.
typedef void (*cares_message_came)(void *_Nullable context, int status, int timeouts,
                                   unsigned char *_Nullable message, int length);

// Asks for a name's SRV records (RFC 2782); may answer before it returns.
void cares_look_up_services(struct ares_channeldata *_Nonnull channel, const char *_Nonnull name,
                            cares_message_came _Nonnull came, void *_Nullable context);

// Reads and writes the sockets that are ready (-1: none), then minds the timeouts.
void cares_process(struct ares_channeldata *_Nonnull channel, int readable, int writable);

// Milliseconds until a timeout has to be minded; -1: never.
int64_t cares_pause(struct ares_channeldata *_Nonnull channel);

// c-ares' status in the four kinds that matter.
enum cares_status cares_kind(int status);

// The addresses of a result, one after the other; NULL after the last.
const struct ares_addrinfo_node *_Nullable cares_first(const struct ares_addrinfo *_Nonnull result);
const struct ares_addrinfo_node *_Nullable cares_next(const struct ares_addrinfo_node *_Nonnull at);

// A struct sockaddr of so many bytes, and its time to live in seconds.
const void *_Nullable cares_address(const struct ares_addrinfo_node *_Nonnull node,
                                    size_t *_Nonnull length, int *_Nonnull ttl);

void cares_free(struct ares_addrinfo *_Nonnull result);
