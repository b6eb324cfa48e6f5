// What the connections of one listener, or to one upstream, have in common (SSL_CTX). Made once, then
// read by every thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct copenssl_context;
struct ssl_ctx_st;

// A context for connections that are accepted or opened; NULL on failure, with the reason in the
// queue of errors. `minimum` is a version such as 0x0303. `ciphers` is OpenSSL's list for TLS 1.2,
// NULL for the built-in one.
struct copenssl_context *_Nullable copenssl_server_context(int minimum, const char *_Nullable ciphers);
struct copenssl_context *_Nullable copenssl_client_context(void);
// Only when no session uses it any more.
void copenssl_context_free(struct copenssl_context *_Nonnull context);
struct ssl_ctx_st *_Nonnull copenssl_context_of_openssl(struct copenssl_context *_Nonnull context);

// The application protocols that connections speak, in ALPN's form (RFC 7301 3.1), best first; they
// are copied. 1, or 0 when there is no memory.
int copenssl_context_set_protocols(
    struct copenssl_context *_Nonnull context, const uint8_t *_Nonnull list, size_t count);

// Certificates of peers are verified against the authorities of a PEM file, or those of the system.
// 1, or 0 with the reason in the queue.
int copenssl_context_trust_file(struct copenssl_context *_Nonnull context, const char *_Nonnull path);
int copenssl_context_trust_system(struct copenssl_context *_Nonnull context);

// Servers: clients are asked for a certificate by one of the authorities of the PEM file. If it is
// not required, a bad one does not end the handshake. `identity` separates sessions of such contexts
// from others': a ticket of one is none at another.
int copenssl_context_ask_clients(
    struct copenssl_context *_Nonnull context, const char *_Nonnull path, int required);
void copenssl_context_set_session_scope(
    struct copenssl_context *_Nonnull context, const uint8_t *_Nonnull bytes, size_t count);

// Clients: servers' certificates must be good.
void copenssl_context_verify_servers(struct copenssl_context *_Nonnull context);
