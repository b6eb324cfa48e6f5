// Certificates (X.509, RFC 5280), what stands in them, and their use by a session.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "keys.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct stack_st_X509;
struct x509_st;

// A certificate of one reference; NULL: see errors.h.
struct x509_st *_Nullable copenssl_x509_parse(const uint8_t *_Nonnull der, size_t count);
void copenssl_x509_free(struct x509_st *_Nonnull x509);
// DER, in memory for copenssl_wipe.
uint8_t *_Nullable copenssl_x509_encode(struct x509_st *_Nonnull x509, size_t *_Nonnull count);
// Whether the key is the certificate's.
int copenssl_x509_matches(struct x509_st *_Nonnull x509, struct evp_pkey_st *_Nonnull key);
// Whether the DER of a private key names the certificate's public key: no proof that it does not when
// it is not seen, but a thousand times cheaper than reading the key, and no less telling than
// copenssl_x509_matches, which compares the same public parts.
int copenssl_x509_is_seen_in(
    struct x509_st *_Nonnull x509, const uint8_t *_Nonnull key, size_t count);
int copenssl_x509_key_kind(struct x509_st *_Nonnull x509);
// Whether it may sign other certificates.
int copenssl_x509_is_authority(struct x509_st *_Nonnull x509);
// Seconds since 1970 between which it is valid; 0: there are no such times in it.
int copenssl_x509_times(
    struct x509_st *_Nonnull x509, int64_t *_Nonnull from, int64_t *_Nonnull until);
// Its subject alternative names, and its common name if it has none of those (RFC 6125 6.4.4), each
// ended by a line feed: DNS names as they are, IP addresses behind a "/". Names with a byte that is
// not printable ASCII are left out. Writes at most `size` bytes.
// Returns the bytes that all of them take.
size_t copenssl_x509_names(struct x509_st *_Nonnull x509, char *_Nullable names, size_t size);
void copenssl_sha256(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nonnull digest);

// A chain of certificates; each keeps a reference of its own.
struct stack_st_X509 *_Nullable copenssl_chain_new(void);
int copenssl_chain_add(struct stack_st_X509 *_Nonnull chain, struct x509_st *_Nonnull x509);
void copenssl_chain_free(struct stack_st_X509 *_Nonnull chain);

// Has a session show a certificate with the certificates between it and the authority, and staple
// `ocsp` (NULL for nothing) for clients that ask for it. 1, or 0: see errors.h.
int copenssl_session_use(
    struct ssl_st *_Nonnull session, struct x509_st *_Nonnull x509,
    struct evp_pkey_st *_Nonnull key, struct stack_st_X509 *_Nullable chain,
    const uint8_t *_Nullable ocsp, size_t ocsp_count);
// Without this a context's sessions staple nothing.
void copenssl_context_staple(struct ssl_ctx_st *_Nonnull context);

// A certificate that the key signs for itself. `names` as copenssl_x509_names writes them, at least
// one. `acme` is NULL or the 32 bytes of the critical extension acmeIdentifier (RFC 8737 3).
struct x509_st *_Nullable copenssl_x509_self_signed(
    struct evp_pkey_st *_Nonnull key, const char *_Nonnull names, int64_t from, int64_t until,
    const uint8_t *_Nullable acme);
