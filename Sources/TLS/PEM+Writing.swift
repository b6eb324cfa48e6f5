// Writing PEM: base64 (RFC 4648 4) in lines of 64 between BEGIN and END (RFC 7468 2).

extension PEM {
  /// The text of one block. To be wiped by the caller when it is a key.
  ///
  /// - Parameter label: `CERTIFICATE`, or `PRIVATE KEY` for PKCS #8.
  package static func text(_ label: String, _ der: SecretBytes) -> [UInt8] {
    let blocks = (der.count + 2) / 3
    var text: [UInt8] = []
    text.reserveCapacity(blocks * 4 + blocks / 16 + 2 * label.utf8.count + 40)
    text += "-----BEGIN \(label)-----\n".utf8
    var bytes = der.bytes
    for block in 0..<blocks {
      append(bytes[(block * 3)..<min(block * 3 + 3, bytes.count)], to: &text)
      if block % 16 == 15 || block == blocks - 1 { text.append(0x0a) }
    }
    bytes.wipe()
    text += "-----END \(label)-----\n".utf8
    return text
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Three bytes as four letters; fewer with `=` in place of what is not there.
  private static func append(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    var bits: UInt32 = 0
    for byte in bytes { bits = bits << 8 | UInt32(byte) }
    bits <<= UInt32(8 * (3 - bytes.count))
    for letter in 0..<4 {
      let place = Int(bits >> UInt32(18 - 6 * letter) & 63)
      text.append(letter <= bytes.count ? alphabet[place] : 0x3d)
    }
  }
}
