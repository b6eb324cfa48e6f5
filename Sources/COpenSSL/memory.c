// OpenSSL's allocator, for two kinds of block.
//
// The struct of a session (SSL) has 7.6 KB, more than half of what an idle connection costs, and four
// fifths of them are zeros: room for 32 pipelined records and the like. So each lies in two pages of
// its own. While a connection rests its other fifth is kept in a copy, and the pages go back to the
// system; when it wakes they come back, at the address that OpenSSL knows.
//
// The buffers of records (16.7 KB) come and go with every record, so that idle connections have none
// (SSL_MODE_RELEASE_BUFFERS). A few stay with their thread, which costs less than malloc.
#include "memory.h"
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
  SLOT = 8192,
  // Addresses only: so many connections at a time can rest cheaply, the others as OpenSSL has it.
  SLOTS = 1 << 20,
  // A session is the first block of such a size that SSL_new asks for.
  LEAST = 4096,
  // Free slots that keep their pages.
  WARM = 256,
  WORD = sizeof(uint64_t),
  WORDS = SLOT / WORD,
};

static uint8_t *arena;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Under the lock: slots that were never used begin at `fresh`; warm ones are linked through their first
// bytes, cold ones through an array, since touching them would bring a page.
static uint32_t fresh;
static uint32_t warm_count;
static uint8_t *warm;
static uint32_t *cold;
static uint32_t cold_count;

static _Thread_local int expects_session;

void copenssl_expect_session(void) { expects_session = 1; }
void copenssl_expect_nothing(void) { expects_session = 0; }

static int is_slot(const void *block) {
  return arena && (uintptr_t)block - (uintptr_t)arena < (uintptr_t)SLOT * SLOTS;
}

static void *take_slot(void) {
  void *slot = NULL;
  pthread_mutex_lock(&lock);
  if (warm) {
    slot = warm;
    memcpy(&warm, slot, sizeof warm);
    warm_count--;
  } else if (cold_count > 0) {
    slot = arena + (size_t)cold[--cold_count] * SLOT;
  } else if (fresh < SLOTS) {
    slot = arena + (size_t)fresh++ * SLOT;
  }
  pthread_mutex_unlock(&lock);
  return slot;
}

static void give_slot(uint8_t *slot) {
  pthread_mutex_lock(&lock);
  if (warm_count < WARM) {
    memcpy(slot, &warm, sizeof warm);
    warm = slot;
    warm_count++;
  } else {
    madvise(slot, SLOT, MADV_DONTNEED);
    cold[cold_count++] = (uint32_t)((size_t)(slot - arena) / SLOT);
  }
  pthread_mutex_unlock(&lock);
}

// MARK: Resting

void *copenssl_pack(void *session, size_t *count) {
  if (!is_slot(session)) return NULL;
  const uint64_t *words = session;
  size_t kept = 0;
  for (size_t i = 0; i < WORDS; i++) kept += words[i] != 0;
  // A bit for each word that is kept, then those words.
  uint64_t *packed = malloc(WORDS / 8 + kept * WORD);
  if (!packed) return NULL;
  memset(packed, 0, WORDS / 8);
  uint64_t *next = packed + WORDS / 64;
  for (size_t i = 0; i < WORDS; i++) {
    if (!words[i]) continue;
    packed[i / 64] |= (uint64_t)1 << (i % 64);
    *next++ = words[i];
  }
  madvise(session, SLOT, MADV_DONTNEED);
  *count = WORDS / 8 + kept * WORD;
  return packed;
}

void copenssl_unpack(void *session, void *packed) {
  uint64_t *words = session;
  const uint64_t *bits = packed;
  const uint64_t *next = bits + WORDS / 64;
  // The pages have come back as zeros.
  for (size_t i = 0; i < WORDS; i++)
    if (bits[i / 64] >> (i % 64) & 1) words[i] = *next++;
  // There are secrets among it.
  OPENSSL_cleanse(packed, (size_t)((const uint8_t *)next - (const uint8_t *)packed));
  free(packed);
}

// MARK: Buffers

enum { LEAST_BUFFER = 16384, MOST_BUFFER = 20480, BUFFERS = 4 };
static _Thread_local void *buffers[BUFFERS];
static _Thread_local int buffer_count;

static void *allocate(size_t count, const char *file, int line) {
  (void)file, (void)line;
  if (count == 0) return NULL;
  if (expects_session && count >= LEAST) {
    expects_session = 0;
    void *slot = count <= SLOT && arena ? take_slot() : NULL;
    if (slot) return slot;
  }
  if (count >= LEAST_BUFFER && count <= MOST_BUFFER && buffer_count > 0
      && malloc_usable_size(buffers[buffer_count - 1]) >= count)
    return buffers[--buffer_count];
  return malloc(count);
}

static void release(void *block, const char *file, int line) {
  (void)file, (void)line;
  if (!block) return;
  if (is_slot(block)) return give_slot(block);
  size_t count = malloc_usable_size(block);
  if (count >= LEAST_BUFFER && count <= MOST_BUFFER && buffer_count < BUFFERS)
    buffers[buffer_count++] = block;
  else
    free(block);
}

static void *resize(void *block, size_t count, const char *file, int line) {
  if (!block) return allocate(count, file, line);
  if (count == 0) {
    release(block, file, line);
    return NULL;
  }
  if (!is_slot(block)) return realloc(block, count);
  // OpenSSL never does it to a session.
  void *larger = malloc(count);
  if (!larger) return NULL;
  memcpy(larger, block, count < SLOT ? count : SLOT);
  give_slot(block);
  return larger;
}

// Before anything else: OpenSSL refuses another allocator once it has used its own.
__attribute__((constructor)) static void prepare(void) {
  if (!CRYPTO_set_mem_functions(allocate, resize, release)) return;
  uint8_t *range = mmap(
      NULL, (size_t)SLOT * SLOTS, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  uint32_t *list = mmap(
      NULL, SLOTS * sizeof *list, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  // Where addresses are scarce sessions simply do not rest.
  if (range == MAP_FAILED || list == MAP_FAILED) return;
  // A huge page would bring 256 slots at a time.
  madvise(range, (size_t)SLOT * SLOTS, MADV_NOHUGEPAGE);
  // A dump of a crash has no need of keys.
  madvise(range, (size_t)SLOT * SLOTS, MADV_DONTDUMP);
  arena = range;
  cold = list;
}
