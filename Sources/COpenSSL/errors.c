#include "errors.h"
#include <openssl/err.h>

unsigned long copenssl_take_error(char *words, size_t size) {
  unsigned long error = ERR_get_error();
  words[0] = 0;
  if (error) {
    const char *reason = ERR_reason_error_string(error);
    if (reason) {
      size_t i = 0;
      for (; i + 1 < size && reason[i]; i++) words[i] = reason[i];
      words[i] = 0;
    } else {
      ERR_error_string_n(error, words, size);
    }
  }
  ERR_clear_error();
  return error;
}

void copenssl_clear_errors(void) { ERR_clear_error(); }
