// Where the frames of a WebSocket end, wherever the bytes are cut: RFC 6455 5.2.
import Bytes
import HTTP
import Routing
import Testing

@testable import Proxy

@Suite struct WebSocketFramesTests {
  /// Frames with every form of the length, with a mask and without, empty and not.
  static let frames: [[UInt8]] = [
    [0x81, 0x00], [0x81, 0x01, 0x78], [0x02, 0x80, 1, 2, 3, 4], [0x80, 0x82, 1, 2, 3, 4, 5, 6],
    [0x82, 0x7E, 0x00, 0x7E] + [UInt8](repeating: 0x81, count: 126),
    [0x82, 0xFE, 0x01, 0x00, 9, 9, 9, 9] + [UInt8](repeating: 0x88, count: 256),
    [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 0x00, count: 65536),
    [0x89, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0],
  ]

  @Test func `each frame ends where its length says`() {
    let bytes = Self.frames.flatMap(\.self)
    var frames = WebSocketFrames()
    var position = 0
    for frame in Self.frames {
      let end = bytes.withBytes { frames.endOfFrame($0, from: position) }
      #expect(end == position + frame.count)
      #expect(frames.isBetweenFrames && !frames.saidClose)
      position = end
    }
  }

  @Test(arguments: [1, 2, 3, 7, 129, 1000])
  func `the ends are found in pieces of any size`(_ size: Int) {
    let bytes = Self.frames.flatMap(\.self)
    let ends = Set(Self.frames.indices.map { Self.frames[...$0].reduce(0) { $0 + $1.count } })
    var frames = WebSocketFrames()
    for start in stride(from: 0, to: bytes.count, by: size) {
      let end = min(start + size, bytes.count)
      Array(bytes[start..<end]).withBytes { frames.follow($0) }
      #expect(frames.isBetweenFrames == ends.contains(end))
    }
  }

  @Test func `the longest length there is overflows nothing`() {
    var frames = WebSocketFrames()
    let header: [UInt8] = [0x82, 0x7F] + [UInt8](repeating: 0xFF, count: 8)
    header.withBytes { frames.follow($0) }
    [UInt8](repeating: 0, count: 100).withBytes { frames.follow($0) }
    #expect(!frames.isBetweenFrames)
  }

  @Test func `a close frame is noticed, one in a payload is not`() {
    var frames = WebSocketFrames()
    ([0x82, 0x04] + WebSocketFrames.goingAway).withBytes { frames.follow($0) }
    #expect(frames.isBetweenFrames && !frames.saidClose)
    WebSocketFrames.goingAway.withBytes { frames.follow($0) }
    #expect(frames.isBetweenFrames && frames.saidClose)
  }
}
