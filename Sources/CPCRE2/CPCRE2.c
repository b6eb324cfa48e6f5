#define PCRE2_CODE_UNIT_WIDTH 8
#include "CPCRE2.h"
#include <pcre2.h>
#include <stdlib.h>

struct cpcre2_matcher {
  pcre2_match_data *data;
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
  uint32_t set;  // how many pairs the last search has set
};

pcre2_code *cpcre2_compile(const void *pattern, size_t count, uint32_t options, size_t longest,
                           int *error, size_t *offset) {
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  if (!context) {
    *error = PCRE2_ERROR_NOMEMORY;
    *offset = 0;
    return NULL;
  }
  pcre2_set_max_pattern_length(context, longest);
  // Paths are bytes. A pattern that asked for UTF-8 could fail on a subject that is not.
  uint32_t flags = PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
  if (options & cpcre2_ignores_case) flags |= PCRE2_CASELESS;
  pcre2_code *code = pcre2_compile(pattern, count, flags, error, offset, context);
  pcre2_compile_context_free(context);
  // Where the system forbids writable code (SELinux), the interpreter does it.
  if (code) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return code;
}

void cpcre2_free(pcre2_code *code) { pcre2_code_free(code); }

void cpcre2_message(int error, char *buffer, size_t size) {
  buffer[0] = 0;
  pcre2_get_error_message(error, (PCRE2_UCHAR *)buffer, size);
}

uint32_t cpcre2_groups(const pcre2_code *code) {
  uint32_t groups = 0;
  pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
  return groups;
}

uint32_t cpcre2_group(const pcre2_code *code, const char *name) {
  int number = pcre2_substring_number_from_name(code, (PCRE2_SPTR)name);
  return number > 0 ? (uint32_t)number : 0;
}

static size_t machine_code(const pcre2_code *code) {
  size_t size = 0;
  return pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size) == 0 ? size : 0;
}

size_t cpcre2_size(const pcre2_code *code) {
  size_t size = 0;
  pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
  return size + machine_code(code);
}

int cpcre2_is_anchored(const pcre2_code *code) {
  uint32_t options = 0;
  pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
  return (options & PCRE2_ANCHORED) != 0;
}

int cpcre2_is_machine_code(const pcre2_code *code) { return machine_code(code) > 0; }

struct cpcre2_matcher *cpcre2_open(uint32_t pairs, uint32_t heap_kib, size_t stack_bytes) {
  struct cpcre2_matcher *matcher = calloc(1, sizeof *matcher);
  if (!matcher) return NULL;
  matcher->data = pcre2_match_data_create(pairs, NULL);
  matcher->context = pcre2_match_context_create(NULL);
  if (!matcher->data || !matcher->context) {
    cpcre2_close(matcher);
    return NULL;
  }
  pcre2_set_heap_limit(matcher->context, heap_kib);
  // NULL without JIT; machine code then has PCRE2's own 32 KiB of the thread's stack.
  matcher->stack = pcre2_jit_stack_create(32 * 1024, stack_bytes, NULL);
  if (matcher->stack) pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
  return matcher;
}

void cpcre2_close(struct cpcre2_matcher *matcher) {
  pcre2_jit_stack_free(matcher->stack);
  pcre2_match_context_free(matcher->context);
  pcre2_match_data_free(matcher->data);
  free(matcher);
}

enum cpcre2_outcome cpcre2_match(const pcre2_code *code, struct cpcre2_matcher *matcher,
                                 const void *subject, size_t count, uint32_t steps) {
  pcre2_set_match_limit(matcher->context, steps);
  int result = pcre2_match(code, count ? subject : "", count, 0, 0, matcher->data,
                           matcher->context);
  // 0: more groups than pairs, and all pairs are set. PCRE2 leaves the pairs beyond as they were.
  matcher->set = result > 0    ? (uint32_t)result
                 : result == 0 ? pcre2_get_ovector_count(matcher->data)
                               : 0;
  if (result >= 0) return cpcre2_matched;
  switch (result) {
  case PCRE2_ERROR_NOMATCH: return cpcre2_no_match;
  case PCRE2_ERROR_MATCHLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_JIT_STACKLIMIT: return cpcre2_gave_up;
  default: return cpcre2_failed;
  }
}

void cpcre2_forget(struct cpcre2_matcher *matcher) { matcher->set = 0; }

const size_t *cpcre2_group_offsets(const struct cpcre2_matcher *matcher, uint32_t group) {
  if (group >= matcher->set) return NULL;
  const size_t *pair = pcre2_get_ovector_pointer(matcher->data) + 2 * group;
  // Before 10.38, \K in a look-ahead could put a start behind its end.
  return pair[0] == PCRE2_UNSET || pair[0] > pair[1] ? NULL : pair;
}
