// The keys of session tickets (RFC 5077, RFC 8446 4.6.1), for all contexts and threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct ssl_ctx_st;

// How many keys are known at a time, and the bytes of each: a name of 16, and 32 for AES-256 and for
// HMAC-SHA256.
#define COPENSSL_TICKET_KEYS 3
#define COPENSSL_TICKET_KEY_BYTES 80

// A set of keys with a lock of its own: any thread may use it.
struct copenssl_tickets;
struct copenssl_tickets *_Nullable copenssl_tickets_new(void);
// Only when no context uses it any more.
void copenssl_tickets_free(struct copenssl_tickets *_Nonnull tickets);
// Replaces all keys: the first one is for new tickets, the others open older ones.
void copenssl_tickets_set(
    struct copenssl_tickets *_Nonnull tickets, const uint8_t *_Nonnull keys, size_t number);
// Copies the keys to room for COPENSSL_TICKET_KEYS of them; the number of keys.
size_t copenssl_tickets_get(
    struct copenssl_tickets *_Nonnull tickets, uint8_t *_Nonnull keys);
// Has a context's tickets made with these keys. 1, or 0: see errors.h.
int copenssl_context_use_tickets(
    struct ssl_ctx_st *_Nonnull context, struct copenssl_tickets *_Nonnull tickets);
// Random bytes for keys and names. 1, or 0: see errors.h.
int copenssl_random(uint8_t *_Nonnull bytes, size_t count);
// Overwrites memory in a way that no compiler takes out.
void copenssl_cleanse(uint8_t *_Nonnull bytes, size_t count);
