// Certificates that a key signs for itself: until an authority has sent one, and for its challenges.
#include "certificate.h"
#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

static GENERAL_NAME *general_name(const char *text, size_t count) {
  GENERAL_NAME *name = GENERAL_NAME_new();
  if (!name) return NULL;
  if (text[0] == '/') {
    char address[INET6_ADDRSTRLEN];
    unsigned char raw[16];
    if (count - 1 >= sizeof address) goto failed;
    memcpy(address, text + 1, count - 1);
    address[count - 1] = 0;
    int size = inet_pton(AF_INET, address, raw) == 1 ? 4
        : inet_pton(AF_INET6, address, raw) == 1     ? 16
                                                     : 0;
    ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
    if (!bytes || !size || !ASN1_OCTET_STRING_set(bytes, raw, size)) {
      ASN1_OCTET_STRING_free(bytes);
      goto failed;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  } else {
    ASN1_IA5STRING *bytes = ASN1_IA5STRING_new();
    if (!bytes || !ASN1_STRING_set(bytes, text, (int)count)) {
      ASN1_IA5STRING_free(bytes);
      goto failed;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, bytes);
  }
  return name;
failed:
  GENERAL_NAME_free(name);
  return NULL;
}

static int add_names(X509 *x509, const char *names) {
  GENERAL_NAMES *list = GENERAL_NAMES_new();
  int result = list != NULL;
  while (result && *names) {
    size_t count = strcspn(names, "\n");
    GENERAL_NAME *name = count ? general_name(names, count) : NULL;
    result = name && sk_GENERAL_NAME_push(list, name) > 0;
    if (!result) GENERAL_NAME_free(name);
    names += count + (names[count] == '\n');
  }
  result = result && X509_add1_ext_i2d(x509, NID_subject_alt_name, list, 0, 0) == 1;
  GENERAL_NAMES_free(list);
  return result;
}

// RFC 8737 3: id-pe-acmeIdentifier, critical, an OCTET STRING of the SHA-256 digest.
static int add_acme(X509 *x509, const uint8_t *digest) {
  unsigned char der[34] = {V_ASN1_OCTET_STRING, 32};
  memcpy(der + 2, digest, 32);
  ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
  X509_EXTENSION *extension = NULL;
  if (kind && value && ASN1_OCTET_STRING_set(value, der, sizeof der))
    extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 1, value);
  int result = extension && X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(kind);
  return result;
}

static int fill(
    X509 *x509, EVP_PKEY *key, const char *names, int64_t from, int64_t until,
    const uint8_t *acme) {
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return 0;
  serial[0] &= 0x7f;
  BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
  int numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
  BN_free(number);
  X509_NAME *subject = X509_get_subject_name(x509);
  return numbered && X509_set_version(x509, X509_VERSION_3)
      && ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)from)
      && ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)until)
      && X509_NAME_add_entry_by_txt(
             subject, "CN", MBSTRING_ASC, (const unsigned char *)"rsp", -1, -1, 0)
      && X509_set_issuer_name(x509, subject) && X509_set_pubkey(x509, key)
      && add_names(x509, names) && (!acme || add_acme(x509, acme))
      // Ed25519 has a digest of its own (RFC 8410).
      && X509_sign(x509, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0;
}

X509 *copenssl_x509_self_signed(
    EVP_PKEY *key, const char *names, int64_t from, int64_t until, const uint8_t *acme) {
  X509 *x509 = X509_new();
  if (x509 && fill(x509, key, names, from, until, acme)) return x509;
  X509_free(x509);
  return NULL;
}
