#include "ocsp.h"
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <time.h>

static int64_t seconds(const ASN1_GENERALIZEDTIME *time, int64_t otherwise) {
  struct tm parts;
  return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : otherwise;
}

// Whether the answer at `at` is for the certificate, by the digest that the answer itself names.
static int is_for(OCSP_SINGLERESP *answer, X509 *x509, X509 *issuer) {
  ASN1_OBJECT *digest = NULL;
  const OCSP_CERTID *theirs = OCSP_SINGLERESP_get0_id(answer);
  OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)theirs);
  const EVP_MD *method = digest ? EVP_get_digestbyobj(digest) : NULL;
  OCSP_CERTID *ours = method ? OCSP_cert_to_id(method, x509, issuer) : NULL;
  int result = ours && OCSP_id_cmp(ours, theirs) == 0;
  OCSP_CERTID_free(ours);
  return result;
}

// Whether the issuer signed the response, or somebody whom it gave a certificate for that.
static int is_signed(OCSP_BASICRESP *basic, X509 *issuer) {
  X509_STORE *store = X509_STORE_new();
  STACK_OF(X509) *known = sk_X509_new_null();
  int result = 0;
  if (store && known && sk_X509_push(known, issuer) > 0 && X509_STORE_add_cert(store, issuer)) {
    // The issuer is trusted, though it be no root, as is a delegate that it has signed for.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    result = OCSP_basic_verify(basic, known, store, OCSP_PARTIAL_CHAIN) > 0;
  }
  sk_X509_free(known);
  X509_STORE_free(store);
  return result;
}

static int check(
    OCSP_BASICRESP *basic, X509 *x509, X509 *issuer, int64_t now, int64_t *until) {
  for (int i = 0; i < OCSP_resp_count(basic); i++) {
    OCSP_SINGLERESP *answer = OCSP_resp_get0(basic, i);
    if (!is_for(answer, x509, issuer)) continue;
    ASN1_GENERALIZEDTIME *from = NULL, *next = NULL;
    int status = OCSP_single_get0_status(answer, NULL, NULL, &from, &next);
    if (status != V_OCSP_CERTSTATUS_GOOD) return COPENSSL_OCSP_BAD;
    *until = seconds(next, INT64_MAX);
    // Five minutes for clocks that differ.
    if (seconds(from, INT64_MAX) > now + 300 || *until <= now) return COPENSSL_OCSP_STALE;
    return is_signed(basic, issuer) ? COPENSSL_OCSP_GOOD : COPENSSL_OCSP_UNSIGNED;
  }
  return COPENSSL_OCSP_FOREIGN;
}

int copenssl_ocsp_check(
    const uint8_t *bytes, size_t count, X509 *x509, X509 *issuer, int64_t now, int64_t *until) {
  const unsigned char *at = bytes;
  int result = COPENSSL_OCSP_MALFORMED;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)count);
  if (!response) return result;
  if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    if (basic) result = check(basic, x509, issuer, now, until);
    OCSP_BASICRESP_free(basic);
  }
  OCSP_RESPONSE_free(response);
  return result;
}
