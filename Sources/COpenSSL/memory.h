// Where OpenSSL's memory is; for the shims of this folder only.
#pragma once
#include <stddef.h>

// The next large block that the calling thread allocates is a session's own (SSL_new).
void copenssl_expect_session(void);
void copenssl_expect_nothing(void);

// Takes the memory of a session that rests: a copy of what is not zero in it, the size of which is
// `*count`; NULL when the memory is of another kind, or there is none for the copy.
void *copenssl_pack(void *session, size_t *count);
// Puts it back where it was, and frees the copy.
void copenssl_unpack(void *session, void *packed);
