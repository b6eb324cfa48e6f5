#define _GNU_SOURCE
#include "certificate.h"
#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

X509 *copenssl_x509_parse(const uint8_t *der, size_t count) {
  const unsigned char *at = der;
  return d2i_X509(NULL, &at, (long)count);
}

void copenssl_x509_free(X509 *x509) { X509_free(x509); }

uint8_t *copenssl_x509_encode(X509 *x509, size_t *count) {
  unsigned char *bytes = NULL;
  int length = i2d_X509(x509, &bytes);
  if (length <= 0) return NULL;
  *count = (size_t)length;
  return bytes;
}

int copenssl_x509_matches(X509 *x509, EVP_PKEY *key) {
  return X509_check_private_key(x509, key) == 1;
}

int copenssl_x509_is_seen_in(X509 *x509, const uint8_t *key, size_t count) {
  const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x509);
  if (!bits || bits->length < 32) return 0;
  const unsigned char *at = bits->data;
  size_t length = (size_t)bits->length;
  if (copenssl_x509_key_kind(x509) == COPENSSL_KEY_RSA) {
    // RFC 8017 A.1: modulus and exponent follow each other in the public key and in the private one.
    long body = 0;
    int tag = 0, class = 0;
    if (ASN1_get_object(&at, &body, &tag, &class, bits->length) & 0x80 || body < 32) return 0;
    length = (size_t)body;
  }
  return memmem(key, count, at, length) != NULL;
}

int copenssl_x509_key_kind(X509 *x509) {
  ASN1_OBJECT *algorithm = NULL;
  X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(x509));
  switch (OBJ_obj2nid(algorithm)) {
    case NID_X9_62_id_ecPublicKey: return COPENSSL_KEY_ECDSA;
    case NID_rsaEncryption: return COPENSSL_KEY_RSA;
    case NID_ED25519: return COPENSSL_KEY_ED25519;
    default: return COPENSSL_KEY_OTHER;
  }
}

int copenssl_x509_is_authority(X509 *x509) { return X509_check_ca(x509) != 0; }

static int seconds(const ASN1_TIME *time, int64_t *result) {
  struct tm parts;
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  *result = (int64_t)timegm(&parts);
  return 1;
}

int copenssl_x509_times(X509 *x509, int64_t *from, int64_t *until) {
  return seconds(X509_get0_notBefore(x509), from) && seconds(X509_get0_notAfter(x509), until);
}

// What names are written to, as far as there is room.
struct output {
  char *bytes;
  size_t size, count;
};

static void put(struct output *output, char byte) {
  if (output->count < output->size) output->bytes[output->count] = byte;
  output->count++;
}

static void put_name(struct output *output, const unsigned char *bytes, int count) {
  if (count <= 0) return;
  for (int i = 0; i < count; i++)
    if (bytes[i] <= 0x20 || bytes[i] >= 0x7f) return;
  for (int i = 0; i < count; i++) put(output, (char)bytes[i]);
  put(output, '\n');
}

static void put_address(struct output *output, const ASN1_OCTET_STRING *address) {
  char text[INET6_ADDRSTRLEN];
  int family = address->length == 4 ? AF_INET : address->length == 16 ? AF_INET6 : 0;
  if (!family || !inet_ntop(family, address->data, text, sizeof text)) return;
  put(output, '/');
  put_name(output, (const unsigned char *)text, (int)strlen(text));
}

static void put_common_name(struct output *output, X509 *x509) {
  X509_NAME *subject = X509_get_subject_name(x509);
  int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
  if (at < 0) return;
  unsigned char *text = NULL;
  ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  int count = ASN1_STRING_to_UTF8(&text, value);
  if (count < 0) return;
  put_name(output, text, count);
  OPENSSL_free(text);
}

size_t copenssl_x509_names(X509 *x509, char *names, size_t size) {
  struct output output = {names, names ? size : 0, 0};
  int found = 0;
  GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      put_name(&output, name->d.dNSName->data, name->d.dNSName->length);
      found = 1;
    } else if (name->type == GEN_IPADD) {
      put_address(&output, name->d.iPAddress);
      found = 1;
    }
  }
  GENERAL_NAMES_free(list);
  if (!found) put_common_name(&output, x509);
  return output.count;
}

void copenssl_sha256(const uint8_t *bytes, size_t count, uint8_t *digest) {
  EVP_Digest(bytes, count, digest, NULL, EVP_sha256(), NULL);
}

STACK_OF(X509) * copenssl_chain_new(void) { return sk_X509_new_null(); }

int copenssl_chain_add(STACK_OF(X509) * chain, X509 *x509) {
  if (!X509_up_ref(x509)) return 0;
  if (sk_X509_push(chain, x509) > 0) return 1;
  X509_free(x509);
  return 0;
}

void copenssl_chain_free(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }

int copenssl_session_use(
    SSL *session, X509 *x509, EVP_PKEY *key, STACK_OF(X509) * chain, const uint8_t *ocsp,
    size_t ocsp_count) {
  if (SSL_use_cert_and_key(session, x509, key, chain, 1) != 1) return 0;
  if (!ocsp) return 1;
  // The session frees it.
  unsigned char *copy = OPENSSL_memdup(ocsp, ocsp_count);
  if (!copy) return 0;
  if (SSL_set_tlsext_status_ocsp_resp(session, copy, (long)ocsp_count) == 1) return 1;
  OPENSSL_free(copy);
  return 0;
}

// Called when a client asks for a status; what is to be sent was set with the certificate.
static int staple(SSL *session, void *unused) {
  (void)unused;
  const unsigned char *ocsp = NULL;
  return SSL_get_tlsext_status_ocsp_resp(session, &ocsp) > 0 && ocsp ? SSL_TLSEXT_ERR_OK
                                                                     : SSL_TLSEXT_ERR_NOACK;
}

void copenssl_context_staple(SSL_CTX *context) {
  SSL_CTX_set_tlsext_status_cb(context, staple);
}
