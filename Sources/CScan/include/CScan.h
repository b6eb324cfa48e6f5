// Sixteen bytes classified at once: each function answers with a mask whose bit i is set when byte i
// is of the kind looked for. Swift's library has no way from a comparison of vectors to a mask of
// bits; clang's vector extensions have, on every architecture.
//
// A NUL is of every kind that ends something, so that bytes filled up with NULs need no other end.
#ifndef CSCAN_H
#define CSCAN_H

#include <stdint.h>
#include <string.h>

typedef uint8_t cscan_bytes __attribute__((ext_vector_type(16)));
typedef _Bool cscan_bits __attribute__((ext_vector_type(16)));

// One bit per lane; pmovmskb on x86.
#define CSCAN_MASK(lanes)                                                 \
  ({                                                                      \
    cscan_bits bits_ = __builtin_convertvector((lanes), cscan_bits);      \
    uint16_t mask_;                                                       \
    memcpy(&mask_, &bits_, sizeof mask_);                                 \
    (uint32_t) mask_;                                                     \
  })

/// Control bytes that no field value may hold: below 0x20 but HTAB, and DEL (RFC 9110 5.5).
static inline __attribute__((always_inline)) uint32_t cscan_controls(cscan_bytes c) {
  return CSCAN_MASK(((c < 0x20) & (c != 0x09)) | (c == 0x7f));
}

/// Bytes that are not a letter, a digit or "-": the end of nearly every name and method.
static inline __attribute__((always_inline)) uint32_t cscan_not_name(cscan_bytes c) {
  cscan_bytes letter = (c | 0x20) - 'a', digit = c - '0';
  return CSCAN_MASK(~((letter < 26) | (digit < 10) | (c == '-')));
}

/// Bytes that are not a letter, a digit, "-" or ".": the end of nearly every host.
static inline __attribute__((always_inline)) uint32_t cscan_not_host(cscan_bytes c) {
  cscan_bytes letter = (c | 0x20) - 'a', digit = c - '0';
  return CSCAN_MASK(~((letter < 26) | (digit < 10) | (c == '-') | (c == '.')));
}

/// Bytes that end a target or divide it: all but visible ASCII, "#" and "?".
static inline __attribute__((always_inline)) uint32_t cscan_target_ends(cscan_bytes c) {
  cscan_bytes visible = c - 0x21;
  return CSCAN_MASK((visible > 0x7e - 0x21) | (c == '#') | (c == '?'));
}

/// Bytes that never stand in a normal path as they are: all but visible ASCII, "#", "?", "%", "\".
static inline __attribute__((always_inline)) uint32_t cscan_path_oddities(cscan_bytes c) {
  cscan_bytes visible = c - 0x21;
  return CSCAN_MASK((visible > 0x7e - 0x21) | (c == '#') | (c == '?') | (c == '%') | (c == '\\'));
}

/// Bytes that are not those of `lowercased` once bit 5 is set in them.
static inline __attribute__((always_inline)) uint32_t cscan_differences(
    cscan_bytes c, cscan_bytes lowercased) {
  return CSCAN_MASK((c | 0x20) != lowercased);
}

static inline __attribute__((always_inline)) uint32_t cscan_slashes(cscan_bytes c) {
  return CSCAN_MASK(c == '/');
}

static inline __attribute__((always_inline)) uint32_t cscan_slashes_and_dots(cscan_bytes c) {
  return CSCAN_MASK((c == '/') | (c == '.'));
}

#endif
