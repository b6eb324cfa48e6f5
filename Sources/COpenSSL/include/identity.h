// A certificate with its chain and key, read from PEM.
#pragma once
#include <stddef.h>

struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

// Reads the first certificate, those behind it as its chain (NULL when there are none), and the key
// from `key_pem`. 1, or 0 with the reason in the queue of errors.
int copenssl_identity_read(
    const void *_Nonnull pem, size_t count, const void *_Nonnull key_pem, size_t key_count,
    struct x509_st *_Nullable *_Nonnull certificate, struct evp_pkey_st *_Nullable *_Nonnull key,
    struct stack_st_X509 *_Nullable *_Nonnull chain);
void copenssl_identity_free(
    struct x509_st *_Nonnull certificate, struct evp_pkey_st *_Nonnull key,
    struct stack_st_X509 *_Nullable chain);
