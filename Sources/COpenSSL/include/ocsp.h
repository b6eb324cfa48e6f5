// Responses that say whether a certificate has been revoked (OCSP, RFC 6960).
#pragma once
#include <stddef.h>
#include <stdint.h>

struct x509_st;

enum copenssl_ocsp {
  COPENSSL_OCSP_GOOD = 0,
  // Not a response, or one that says that there is none.
  COPENSSL_OCSP_MALFORMED = 1,
  // For other certificates.
  COPENSSL_OCSP_FOREIGN = 2,
  // From a time before or after now.
  COPENSSL_OCSP_STALE = 3,
  // It says that the certificate is revoked, or unknown to the authority.
  COPENSSL_OCSP_BAD = 4,
  // Signed by nobody whom the issuer allowed to.
  COPENSSL_OCSP_UNSIGNED = 5,
};

// Looks at a response for `x509`, which `issuer` has signed. `*until` becomes the second since 1970
// after which there is to be a newer one; INT64_MAX when the response does not say.
int copenssl_ocsp_check(
    const uint8_t *_Nonnull bytes, size_t count, struct x509_st *_Nonnull x509,
    struct x509_st *_Nonnull issuer, int64_t now, int64_t *_Nonnull until);
