#include "requests.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

// A list of DNS names for a subjectAltName. They are put in as they are: X509V3_EXT_conf_nid would
// give commas and colons in them a meaning.
static GENERAL_NAMES *general_names(const char *const *names, size_t count) {
  GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
  for (size_t i = 0; list && i < count; i++) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!name || !text || !ASN1_STRING_set(text, names[i], -1)
        || !sk_GENERAL_NAME_push(list, name)) {
      GENERAL_NAME_free(name);
      ASN1_IA5STRING_free(text);
      GENERAL_NAMES_free(list);
      return NULL;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
  }
  return list;
}

size_t copenssl_request_write(
    EVP_PKEY *key, const char *const *names, size_t count, uint8_t *out, size_t size) {
  size_t written = 0;
  X509_REQ *request = X509_REQ_new();
  GENERAL_NAMES *list = general_names(names, count);
  X509_EXTENSION *extension =
      list ? X509V3_EXT_i2d(NID_subject_alt_name, 0, list) : NULL;
  STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
  if (request && extension && extensions && sk_X509_EXTENSION_push(extensions, extension)) {
    extension = NULL;  // the stack's now
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) && X509_REQ_set_pubkey(request, key)
        && X509_REQ_add_extensions(request, extensions)
        && X509_REQ_sign(request, key, EVP_sha256()) > 0) {
      int length = i2d_X509_REQ(request, NULL);
      if (length > 0 && (size_t)length <= size) {
        uint8_t *at = out;
        written = (size_t)i2d_X509_REQ(request, &at);
      }
    }
  }
  X509_EXTENSION_free(extension);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  GENERAL_NAMES_free(list);
  X509_REQ_free(request);
  return written;
}

// id-pe-acmeIdentifier, RFC 8737 6.1. Its value is an OCTET STRING within that of the extension.
static int add_identifier(X509 *certificate, const uint8_t *digest) {
  uint8_t value[34] = {0x04, 32};
  memcpy(value + 2, digest, 32);
  ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
  X509_EXTENSION *extension = NULL;
  int ok = kind && octets && ASN1_OCTET_STRING_set(octets, value, sizeof value)
           && (extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, octets))
           && X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
  ASN1_OBJECT_free(kind);
  return ok;
}

static int fill(X509 *certificate, EVP_PKEY *key, const char *name, int days) {
  // 63 random bits: positive, and never the same twice (RFC 5280 4.1.2.2).
  uint64_t serial;
  if (RAND_bytes((uint8_t *)&serial, sizeof serial) != 1) return 0;
  X509_NAME *subject = X509_get_subject_name(certificate);
  // A common name has 64 bytes at most (RFC 5280 A.1); the name that counts is in the extension.
  const char *common = strlen(name) <= 64 ? name : "rsp";
  GENERAL_NAMES *list = general_names(&name, 1);
  int ok = list && X509_set_version(certificate, X509_VERSION_3)
           && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1)
           && X509_gmtime_adj(X509_getm_notBefore(certificate), -24 * 3600)
           && X509_gmtime_adj(X509_getm_notAfter(certificate), (long)(days - 1) * 24 * 3600)
           && X509_NAME_add_entry_by_txt(
               subject, "CN", MBSTRING_ASC, (const uint8_t *)common, -1, -1, 0)
           && X509_set_issuer_name(certificate, subject) && X509_set_pubkey(certificate, key)
           && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
  GENERAL_NAMES_free(list);
  return ok;
}

size_t copenssl_self_signed_write(
    EVP_PKEY *key, const char *name, int days, const uint8_t *digest, uint8_t *out, size_t size) {
  size_t written = 0;
  X509 *certificate = X509_new();
  BIO *bio = BIO_new(BIO_s_mem());
  if (certificate && bio && fill(certificate, key, name, days)
      && (!digest || add_identifier(certificate, digest))
      && X509_sign(certificate, key, EVP_sha256()) > 0 && PEM_write_bio_X509(bio, certificate)) {
    char *text;
    long count = BIO_get_mem_data(bio, &text);
    if (count > 0 && (size_t)count <= size) {
      memcpy(out, text, (size_t)count);
      written = (size_t)count;
    }
  }
  BIO_free(bio);
  X509_free(certificate);
  return written;
}

static int64_t seconds(const ASN1_TIME *time) {
  struct tm parts;
  return ASN1_TIME_to_tm(time, &parts) ? (int64_t)timegm(&parts) : 0;
}

int copenssl_certificate_dates(
    const uint8_t *pem, size_t count, EVP_PKEY *key, const char *name,
    struct copenssl_dates *out) {
  BIO *bio = count <= 1 << 20 ? BIO_new_mem_buf(pem, (int)count) : NULL;
  X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
  BIO_free(bio);
  if (!certificate) return 0;
  out->not_before = seconds(X509_get0_notBefore(certificate));
  out->not_after = seconds(X509_get0_notAfter(certificate));
  out->has_key = X509_check_private_key(certificate, key);
  out->covers_name = X509_check_host(certificate, name, 0, 0, NULL) == 1;
  X509_free(certificate);
  ERR_clear_error();
  return 1;
}
