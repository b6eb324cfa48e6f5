// Just enough of RFC 6455 for an echo: one handshake, and unfragmented binary frames.
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H

#include <stddef.h>
#include <string.h>

// The key and its answer are those of RFC 6455 1.3, so that nobody here needs SHA-1.
#define WEBSOCKET_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WEBSOCKET_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

// The longest payload whose length stands in the first two bytes, and the longest frame for it.
enum { WEBSOCKET_MAX = 125, FRAME_MAX = 6 + WEBSOCKET_MAX };

static const unsigned char websocket_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

// Writes a binary frame; a client's is masked (5.3). Returns its length.
static inline size_t compose_frame(unsigned char *frame, const char *payload, size_t count,
                                   int masked) {
  frame[0] = 0x82;
  frame[1] = (unsigned char)(count | (masked ? 0x80 : 0));
  size_t head = 2;
  if (masked) {
    memcpy(frame + 2, websocket_mask, 4);
    head = 6;
  }
  for (size_t i = 0; i < count; i++)
    frame[head + i] = (unsigned char)payload[i] ^ (masked ? websocket_mask[i % 4] : 0);
  return head + count;
}

// Turns the client's frame at `bytes` into the server's, in place: the mask goes, the payload
// stays. Returns the length of the client's frame, 0 when it is not all there, -1 when it is none
// of ours; `*echo` and `*length` say where the server's is.
static inline long echo_frame(unsigned char *bytes, size_t count, unsigned char **echo,
                              size_t *length) {
  if (count < 2) return 0;
  size_t payload = bytes[1] & 0x7f;
  if (bytes[0] != 0x82 || !(bytes[1] & 0x80) || payload > WEBSOCKET_MAX) return -1;
  if (count < 6 + payload) return 0;
  for (size_t i = 0; i < payload; i++) bytes[6 + i] ^= bytes[2 + i % 4];
  *echo = bytes + 4;
  (*echo)[0] = 0x82;
  (*echo)[1] = (unsigned char)payload;
  *length = 2 + payload;
  return (long)(6 + payload);
}

#endif
