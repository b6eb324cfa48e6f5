// Latencies in nanoseconds, counted in buckets 0.4 % wide: nothing is stored per request.
// A value below 256 has a bucket of its own; above, each power of two is cut into 256.
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { FINE_BITS = 8, FINE = 1 << FINE_BITS, BUCKETS = (64 - FINE_BITS + 1) * FINE };

struct histogram {
  uint64_t total;
  uint64_t counts[BUCKETS];
};

static inline void record(struct histogram *h, int64_t value) {
  uint64_t v = value < 0 ? 0 : (uint64_t)value;
  int shift = v < FINE ? 0 : 64 - __builtin_clzll(v) - 1 - FINE_BITS;
  h->counts[v < FINE ? v : (uint64_t)(shift + 1) * FINE + (v >> shift) - FINE]++;
  h->total++;
}

// The value that `fraction` of the recorded ones do not exceed; the middle of its bucket.
static inline double quantile(const struct histogram *h, double fraction) {
  uint64_t rank = (uint64_t)(fraction * (double)h->total), seen = 0;
  if (rank >= h->total) rank = h->total - 1;
  for (uint64_t i = 0; i < BUCKETS; i++) {
    seen += h->counts[i];
    if (seen <= rank || h->counts[i] == 0) continue;
    if (i < FINE) return (double)i;
    int shift = (int)(i / FINE) - 1;
    return ((double)(i % FINE + FINE) + 0.5) * (double)(1ull << shift);
  }
  return 0;
}

#endif
