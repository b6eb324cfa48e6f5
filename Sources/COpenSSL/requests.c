#include "requests.h"
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// The name is put in as it is: X509V3_EXT_conf_nid would give commas and colons in it a meaning.
static GENERAL_NAMES *general_names(const char *host) {
  GENERAL_NAMES *list = GENERAL_NAMES_new();
  GENERAL_NAME *name = GENERAL_NAME_new();
  ASN1_IA5STRING *text = ASN1_IA5STRING_new();
  if (list && name && text && ASN1_STRING_set(text, host, -1) && sk_GENERAL_NAME_push(list, name)) {
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    return list;
  }
  ASN1_IA5STRING_free(text);
  GENERAL_NAME_free(name);
  GENERAL_NAMES_free(list);
  return NULL;
}

static int add_names(X509_REQ *request, GENERAL_NAMES *names) {
  STACK_OF(X509_EXTENSION) *extensions = NULL;
  int ok = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1
           && X509_REQ_add_extensions(request, extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return ok;
}

uint8_t *copenssl_request_encode(EVP_PKEY *key, const char *name, size_t *count) {
  uint8_t *der = NULL;
  X509_REQ *request = X509_REQ_new();
  GENERAL_NAMES *names = general_names(name);
  if (request && names && X509_REQ_set_version(request, X509_REQ_VERSION_1)
      && X509_REQ_set_pubkey(request, key) && add_names(request, names)
      && X509_REQ_sign(request, key, EVP_sha256()) > 0) {
    int length = i2d_X509_REQ(request, &der);
    *count = length > 0 ? (size_t)length : 0;
    if (length <= 0) der = NULL;
  }
  GENERAL_NAMES_free(names);
  X509_REQ_free(request);
  return der;
}
