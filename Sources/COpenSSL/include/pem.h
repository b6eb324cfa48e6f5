// PEM files (RFC 7468) block by block.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum copenssl_block {
  COPENSSL_BLOCK_OTHER = 0,
  COPENSSL_BLOCK_CERTIFICATE = 1,
  COPENSSL_BLOCK_KEY = 2,
  // A key that cannot be read without a passphrase.
  COPENSSL_BLOCK_ENCRYPTED_KEY = 3,
};

// Reads the first block at or behind `*at` and moves `*at` behind it. `*der` is for copenssl_wipe.
// 1: a block; 0: there is none any more; -1: what begins there is broken, see errors.h.
int copenssl_pem_next(
    const uint8_t *_Nonnull bytes, size_t count, size_t *_Nonnull at, int *_Nonnull kind,
    uint8_t *_Nullable *_Nonnull der, size_t *_Nonnull length);
// Memory for `count` bytes, for copenssl_wipe; NULL when there is none.
uint8_t *_Nullable copenssl_room(size_t count);
// Overwrites memory that this library gave, and gives it back.
void copenssl_wipe(uint8_t *_Nonnull bytes, size_t count);
