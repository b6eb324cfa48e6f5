#include "CAres.h"
#include <ares.h>
#include <pthread.h>
#include <sys/socket.h>

static int library_status;
static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void library_start(void) { library_status = ares_library_init(ARES_LIB_INIT_ALL); }

struct ares_channeldata *cares_open(const char *servers, int attempt_ms, int attempts,
                                    cares_socket_changed changed, void *context) {
  pthread_once(&library_once, library_start);
  if (library_status != ARES_SUCCESS) return NULL;
  struct ares_options options = {
      .timeout = attempt_ms,
      .tries = attempts,
      .sock_state_cb = changed,
      .sock_state_cb_data = context,
  };
  ares_channel channel = NULL;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) return NULL;
  if (servers && ares_set_servers_ports_csv(channel, servers) != ARES_SUCCESS) {
    ares_destroy(channel);
    return NULL;
  }
  return channel;
}

void cares_close(struct ares_channeldata *channel) { ares_destroy(channel); }

void cares_look_up(struct ares_channeldata *channel, const char *host, int sorted,
                   cares_answered answered, void *context) {
  struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                      .ai_socktype = SOCK_STREAM,
                                      .ai_flags = sorted ? 0 : ARES_AI_NOSORT};
  ares_getaddrinfo(channel, host, NULL, &hints, answered, context);
}

enum { class_internet = 1, type_srv = 33 };

void cares_look_up_services(struct ares_channeldata *channel, const char *name,
                            cares_message_came came, void *context) {
  ares_search(channel, name, class_internet, type_srv, came, context);
}

void cares_process(struct ares_channeldata *channel, int readable, int writable) {
  ares_process_fd(channel, readable, writable);
}

int64_t cares_pause(struct ares_channeldata *channel) {
  struct timeval time;
  if (!ares_timeout(channel, NULL, &time)) return -1;
  return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000 + 1;
}

enum cares_status cares_kind(int status) {
  switch (status) {
  case ARES_SUCCESS: return cares_ok;
  case ARES_ENOTFOUND:
  case ARES_ENODATA:
  case ARES_ENONAME:
  case ARES_EBADNAME:
  case ARES_EBADSTR: return cares_not_found;
  case ARES_ETIMEOUT: return cares_timed_out;
  default: return cares_failed;
  }
}

const struct ares_addrinfo_node *cares_first(const struct ares_addrinfo *result) {
  return result->nodes;
}

const struct ares_addrinfo_node *cares_next(const struct ares_addrinfo_node *at) {
  return at->ai_next;
}

const void *cares_address(const struct ares_addrinfo_node *node, size_t *length, int *ttl) {
  *length = node->ai_addr ? node->ai_addrlen : 0;
  *ttl = node->ai_ttl;
  return node->ai_addr;
}

void cares_free(struct ares_addrinfo *result) { ares_freeaddrinfo(result); }
