// The queue of errors that OpenSSL keeps for each thread.
#pragma once
#include <stddef.h>

// Takes the oldest error off the calling thread's queue, drops the others, and writes its words, cut
// to `size` - 1 bytes and a NUL. 0 when there is none.
unsigned long copenssl_take_error(char *_Nonnull words, size_t size);
void copenssl_clear_errors(void);
