// Addresses: read from text, given to and taken from the system, written as text.
import Bytes
import Glibc
import IO
import Testing

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1", "127.0.0.1:80"), ("255.255.255.255", "255.255.255.255:80"),
    ("0.0.0.0", "0.0.0.0:80"), ("::1", "[::1]:80"), ("::", "[::]:80"),
    ("2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:80"), ("fd00::1:2", "[fd00::1:2]:80"),
    ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80"),
  ])
  func `an address in numbers is read and written`(text: String, written: String) {
    #expect(SocketAddress(numeric: text, port: 80)?.description == written)
  }

  @Test(arguments: [
    "", "localhost", "127.0.0", "127.0.0.256", "127.0.0.1.", " 127.0.0.1", "127.0.0.1:80",
    "[::1]", "::1%lo", ":::", "127.0.0.1\0", "::1\0.example.org",
  ])
  func `what is no address in numbers is not read`(text: String) {
    #expect(SocketAddress(numeric: text, port: 80) == nil)
  }

  @Test func `an address has a port, a path has none`() {
    #expect(SocketAddress(numeric: "127.0.0.1", port: 65535)?.port == 65535)
    #expect(SocketAddress(numeric: "::1", port: 1)?.port == 1)
    #expect(SocketAddress.unix("/run/app.sock").port == 0)
  }

  @Test func `a Unix socket is written with its path, its host as nginx writes it`() {
    let address = SocketAddress.unix("/run/app.sock")
    #expect(address.description == "unix:/run/app.sock")
    #expect(address.host == "unix")
  }

  @Test(arguments: ["10.20.30.40", "0.0.0.0", "255.255.255.255", "2001:db8::1"])
  func `an address is written into a buffer as into a text`(host: String) throws {
    let address = try #require(SocketAddress(numeric: host, port: 80))
    let pool = BufferPool()
    var buffer = pool.borrow(.small)
    buffer.append(host: address)
    let bytes = buffer.bytes
    // SAFETY: a UInt8 may have any value, and the span checks the offset.
    let written = (0..<bytes.byteCount).map {
      unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
    }
    #expect(String(decoding: written, as: UTF8.self) == host)
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func `what a socket is bound to is what it was asked to be bound to`(host: String) throws {
    let wanted = try #require(SocketAddress(numeric: host, port: 0))
    let socket = try Sockets.listen(at: wanted, backlog: 1)
    let bound = try #require(Sockets.localAddress(of: socket.number))
    #expect(bound.host == host)
    #expect(bound.port != 0)
  }

  @Test func `the IPv4 client of a dual-stack listener is seen as IPv4`() throws {
    let any = SocketAddress.v6(high: 0, low: 0, scope: 0, port: 0)
    let listener = try Sockets.listen(at: any, backlog: 1, dualStack: true)
    let port = try #require(Sockets.localAddress(of: listener.number)?.port)
    let client = try Sockets.connect(to: .v4(0x7f00_0001, port: port))
    let accepted = Descriptor(adopting: accept(listener.number, nil, nil))
    let seen = Sockets.peerAddress(of: accepted.number)
    #expect(seen == Sockets.localAddress(of: client.number))
    #expect(seen?.host == "127.0.0.1")
  }

  @Test func `the longest path that fits is used, a longer one is refused rather than cut`() throws
  {
    let directory = try TemporaryDirectory()
    let room = SocketAddress.longestPath - directory.path.utf8.count - 1
    let longest = directory.path + "/" + String(repeating: "s", count: room)
    let socket = try Sockets.listen(at: .unix(longest), backlog: 1)
    _ = try Sockets.connect(to: .unix(longest))
    #expect(throws: SystemError(code: ENAMETOOLONG)) {
      _ = try Sockets.listen(at: .unix(longest + "s"), backlog: 1)
    }
    #expect(throws: SystemError(code: ENAMETOOLONG)) {
      _ = try Sockets.connect(to: .unix(longest + "s"))
    }
    #expect(socket.number >= 0)
  }

  @Test func `moments add up, and end at never`() {
    let moment = Moment(milliseconds: 5)
    #expect(moment.advanced(by: 7) == Moment(milliseconds: 12))
    #expect(moment.advanced(by: .max) == .never)
    #expect(Moment.never.advanced(by: 1) == .never)
    #expect(moment < .never)
  }
}

/// A directory that is gone, with the sockets in it, when the test ends.
struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    var template = Array("/tmp/rsp-test-XXXXXX".utf8CString)
    // SAFETY: mkdtemp changes the six last characters of a NUL-terminated text in place.
    guard unsafe mkdtemp(&template) != nil else { throw SystemError(code: EIO) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    // SAFETY: the directory stream is opened, read and closed here.
    if let directory = unsafe opendir(path) {
      while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        _ = unsafe unlink(path + "/" + name)
      }
      unsafe closedir(directory)
    }
    _ = unsafe rmdir(path)
  }
}
