// One TLS connection (SSL) that sees no socket: each call lends it the bytes that have come and room
// for those that shall go. It keeps neither after the call, so an idle connection holds no buffer.
#pragma once
#include "context.h"

struct copenssl_session;
struct ssl_session_st;
struct ssl_st;

enum copenssl_outcome {
  // What was asked for is done, as far as the counts say.
  COPENSSL_DONE,
  // More has to come from the peer.
  COPENSSL_WANTS_READ,
  // There was not room enough for what has to go to the peer.
  COPENSSL_WANTS_WRITE,
  // The peer has said that it sends nothing more (close_notify).
  COPENSSL_ENDED,
  // The connection is of no more use; the reason is in the queue of errors.
  COPENSSL_FAILED,
};

// The bytes of the connection that one call may use.
struct copenssl_wire {
  const uint8_t *_Nullable in;
  size_t in_count;
  uint8_t *_Nullable out;
  size_t out_room;
  // What the call has used of both.
  size_t in_used;
  size_t out_used;
};

// The accepting or the connecting end of a connection; NULL when there is no memory.
struct copenssl_session *_Nullable copenssl_session_accept(struct copenssl_context *_Nonnull context);
struct copenssl_session *_Nullable copenssl_session_connect(
    struct copenssl_context *_Nonnull context);
void copenssl_session_free(struct copenssl_session *_Nonnull session);
// Gives most of the session's memory back until `wake`, before which nothing else may be asked of it.
// The bytes that are kept in its place; 0 when it cannot be done, which changes nothing.
size_t copenssl_session_rest(struct copenssl_session *_Nonnull session);
void copenssl_session_wake(struct copenssl_session *_Nonnull session);

// MARK: Before the handshake

// For what certificate.h does to a session.
struct ssl_st *_Nonnull copenssl_session_of_openssl(struct copenssl_session *_Nonnull session);
// This session offers or accepts these protocols, and not those of its context. They must live as
// long as the handshake takes; a literal does.
void copenssl_session_set_protocols(
    struct copenssl_session *_Nonnull session, const uint8_t *_Nonnull list, size_t count);
// The name that a connecting end asks for and, if certificates are verified, verifies; `is_address`
// for an IP address, which no SNI may hold (RFC 6066 3) and which has a SAN of its own kind.
int copenssl_session_set_peer_name(
    struct copenssl_session *_Nonnull session, const char *_Nonnull name, int is_address);
// A connecting end tries to resume what a former one was given.
void copenssl_session_resume(
    struct copenssl_session *_Nonnull session, struct ssl_session_st *_Nonnull ticket);

// MARK: Moving bytes

// Goes on with the handshake: DONE when it is complete.
enum copenssl_outcome copenssl_session_handshake(
    struct copenssl_session *_Nonnull session, struct copenssl_wire *_Nonnull wire);
// Decrypts into `plain`, record by record until it is full or the wire is empty; DONE when `*count`
// is above 0. If `out` is NULL, what has to go to the peer is kept for `take_spill`.
enum copenssl_outcome copenssl_session_read(
    struct copenssl_session *_Nonnull session, struct copenssl_wire *_Nonnull wire,
    void *_Nonnull plain, size_t room, size_t *_Nonnull count);
// Whether there is plain data, looking into records that have come: DONE if so.
enum copenssl_outcome copenssl_session_peek(
    struct copenssl_session *_Nonnull session, struct copenssl_wire *_Nonnull wire);
// Encrypts. Each 16 KiB begun need 256 bytes of room on top.
enum copenssl_outcome copenssl_session_write(
    struct copenssl_session *_Nonnull session, struct copenssl_wire *_Nonnull wire,
    const void *_Nonnull plain, size_t count, size_t *_Nonnull written);
// Says close_notify.
void copenssl_session_finish(
    struct copenssl_session *_Nonnull session, struct copenssl_wire *_Nonnull wire);
// Whether a read without more bytes of the wire would give something: data, or the end.
int copenssl_session_has_plain(const struct copenssl_session *_Nonnull session);
// What reads had to answer: key updates and alerts.
size_t copenssl_session_spilled(const struct copenssl_session *_Nonnull session);
size_t copenssl_session_take_spill(
    struct copenssl_session *_Nonnull session, void *_Nonnull to, size_t room);
// Lets go of what only the handshake needed.
void copenssl_session_settle(struct copenssl_session *_Nonnull session);

// MARK: What was agreed

// Such as 0x0304; such as "TLS_AES_128_GCM_SHA256".
int copenssl_session_version(const struct copenssl_session *_Nonnull session);
const char *_Nullable copenssl_session_cipher(const struct copenssl_session *_Nonnull session);
int copenssl_session_was_resumed(const struct copenssl_session *_Nonnull session);
// Bytes of the protocol that ALPN has chosen; NULL for none.
const uint8_t *_Nullable copenssl_session_protocol(
    const struct copenssl_session *_Nonnull session, size_t *_Nonnull count);
// The name the client has asked for; NULL for none.
const char *_Nullable copenssl_session_asked_name(const struct copenssl_session *_Nonnull session);
// Whether the peer has shown a certificate; its subject (RFC 2253), at most `room` bytes, and what
// verifying it found: X509_V_OK is 0, `words` says what another number means.
int copenssl_session_has_peer(const struct copenssl_session *_Nonnull session);
size_t copenssl_session_peer_subject(
    const struct copenssl_session *_Nonnull session, uint8_t *_Nonnull to, size_t room);
long copenssl_session_verify_result(const struct copenssl_session *_Nonnull session);
const char *_Nonnull copenssl_verify_words(long result);

// What a server gave to resume by, if it has since the last time; to be freed.
struct ssl_session_st *_Nullable copenssl_session_take_ticket(
    struct copenssl_session *_Nonnull session);
void copenssl_ticket_free(struct ssl_session_st *_Nonnull ticket);
int copenssl_ticket_is_fresh(const struct ssl_session_st *_Nonnull ticket);
