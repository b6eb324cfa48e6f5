// What is made for an authority of certificates and what comes back from it: certificate requests
// (RFC 2986), certificates signed with their own key, and the dates of a certificate.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

// Writes the DER of a request for the DNS names, each ended by a NUL, and with nothing else in it.
// The number of bytes, or 0 when the library fails or they are more than `size`.
size_t copenssl_request_write(
    struct evp_pkey_st *_Nonnull key, const char *_Nonnull const *_Nonnull names, size_t count,
    uint8_t *_Nonnull out, size_t size);

// Writes the PEM of a certificate for one DNS name, signed by its own key, good from a day ago for so
// many days. With `digest`, 32 bytes, it is one for tls-alpn-01: it has the critical extension
// acmeIdentifier (RFC 8737 3). Returned as above.
size_t copenssl_self_signed_write(
    struct evp_pkey_st *_Nonnull key, const char *_Nonnull name, int days,
    const uint8_t *_Nullable digest, uint8_t *_Nonnull out, size_t size);

// What is to be known of the first certificate of a PEM text.
struct copenssl_dates {
  // Seconds since 1970.
  int64_t not_before, not_after;
  // Whether it is of this key, and whether it is for the name.
  int has_key, covers_name;
};
// 0 when there is no certificate.
int copenssl_certificate_dates(
    const uint8_t *_Nonnull pem, size_t count, struct evp_pkey_st *_Nonnull key,
    const char *_Nonnull name, struct copenssl_dates *_Nonnull out);
