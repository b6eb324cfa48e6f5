// What rsp uses of PCRE2, the regular expression library, without its header: pcre2.h is made of
// macros that Swift cannot see and names every function by the width of its code units.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pcre2_real_code_8;
struct cpcre2_matcher;

enum { cpcre2_ignores_case = 1 };

// Compiles `count` bytes of pattern, for the processor itself where the system allows that. NULL
// when the pattern is wrong: then `error` holds PCRE2's number and `offset` the place of it.
struct pcre2_real_code_8 *_Nullable cpcre2_compile(const void *_Nonnull pattern, size_t count,
                                                   uint32_t options, size_t longest,
                                                   int *_Nonnull error, size_t *_Nonnull offset);
void cpcre2_free(struct pcre2_real_code_8 *_Nonnull code);

// Writes the message of an error of cpcre2_compile, cut to `size` - 1 bytes and a NUL.
void cpcre2_message(int error, char *_Nonnull buffer, size_t size);

// How many groups capture, the whole match apart.
uint32_t cpcre2_groups(const struct pcre2_real_code_8 *_Nonnull code);
// The number of a named group; 0 when there is none, or more than one.
uint32_t cpcre2_group(const struct pcre2_real_code_8 *_Nonnull code, const char *_Nonnull name);
// Bytes of memory, machine code included; whether there is machine code.
size_t cpcre2_size(const struct pcre2_real_code_8 *_Nonnull code);
// Whether a match can only begin at the first byte.
int cpcre2_is_anchored(const struct pcre2_real_code_8 *_Nonnull code);
int cpcre2_is_machine_code(const struct pcre2_real_code_8 *_Nonnull code);

// What a match needs while it runs: room for `pairs` pairs of offsets, a stack, and the limits that
// end it. For one thread at a time. NULL when there is no memory.
struct cpcre2_matcher *_Nullable cpcre2_open(uint32_t pairs, uint32_t heap_kib,
                                             size_t stack_bytes);
void cpcre2_close(struct cpcre2_matcher *_Nonnull matcher);

enum cpcre2_outcome {
  cpcre2_failed = -1,   // another error than those below
  cpcre2_no_match = 0,
  cpcre2_matched = 1,
  cpcre2_gave_up = 2,   // at one of the limits
};

// Searches `count` bytes, with at most `steps` tries from each byte at which a match could begin.
enum cpcre2_outcome cpcre2_match(const struct pcre2_real_code_8 *_Nonnull code,
                                 struct cpcre2_matcher *_Nonnull matcher,
                                 const void *_Nullable subject, size_t count, uint32_t steps);
// From here on until the next match, no group takes part.
void cpcre2_forget(struct cpcre2_matcher *_Nonnull matcher);
// Where a group of the last search starts and ends; NULL when it took no part in a match.
const size_t *_Nullable cpcre2_group_offsets(const struct cpcre2_matcher *_Nonnull matcher,
                                             uint32_t group);
