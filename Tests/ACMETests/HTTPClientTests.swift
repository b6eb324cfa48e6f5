// One request and its answer, as authorities and those who stand in for them may write it.
import HTTP
import IO
import TestSupport
import Testing

@testable import ACME

@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
  /// Asks a server that gives this answer.
  private func ask(
    _ answer: String, body: [UInt8] = []
  ) async throws -> (Result<HTTPAnswer, ACMEError>, [String]) {
    try await onLoop { worker in
      let server = try ScriptedAuthority(on: worker) { _ in answer }
      defer { server.stop() }
      let request = HTTPRequest(
        method: body.isEmpty ? .get : .post, url: try AuthorityURL(server.url + "/dir?x"),
        body: body)
      let client = try server.client()
      do throws(ACMEError) {
        let answer = try await client.send(request)
        return (.success(answer), server.asked.map { "\($0.method) \($0.path)" })
      } catch {
        return (.failure(error), server.asked.map { "\($0.method) \($0.path)" })
      }
    }
  }

  @Test func `an answer is read with the fields that matter`() async throws {
    let (result, asked) = try await ask(
      response(
        201, "{}", "replay-nonce: n1", "Location: https://ca/1", "Retry-After: 7", "X: y"))
    let answer = try result.get()
    #expect(asked == ["GET /dir?x"])
    #expect(answer.status == 201 && answer.isSuccess)
    #expect(answer.nonce == "n1" && answer.location == "https://ca/1" && answer.retryAfter == 7)
    #expect(answer.body == Array("{}".utf8))
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nabcde",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcdefgh",
  ])
  func `a body is read however it is framed`(answer: String) async throws {
    let (result, _) = try await ask(answer)
    #expect(try result.get().body == Array("abcde".utf8))
  }

  @Test func `a date in Retry-After is passed over`() async throws {
    let (result, _) = try await ask(
      response(200, "", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"))
    #expect(try result.get().retryAfter == nil)
  }

  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
  ])
  func `an answer that breaks off is none`(answer: String) async throws {
    let (result, _) = try await ask(answer)
    guard case .failure(.connection(host: "127.0.0.1", _)) = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test(arguments: [
    "SSH-2.0\r\n\r\n", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
  ])
  func `what is no answer is told`(answer: String) async throws {
    let (result, _) = try await ask(answer)
    if answer.hasPrefix("HTTP/1.1 101") {
      #expect(try result.get().status == 101)
    } else {
      #expect(throws: ACMEError.malformed("HTTP response")) { try result.get() }
    }
  }

  @Test func `more interim answers than four are too many`() async throws {
    let interim = "HTTP/1.1 103 Early\r\n\r\n"
    let most = String(repeating: interim, count: 4) + response(200)
    #expect(try await ask(most).0.get().status == 200)
    let (result, _) = try await ask(interim + most)
    #expect(throws: ACMEError.malformed("HTTP response")) { try result.get() }
  }

  @Test(arguments: [true, false])
  func `a body has 256 KiB at most`(isChunked: Bool) async throws {
    func answer(_ count: Int) -> String {
      let body = String(repeating: "a", count: count)
      return isChunked
        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        : response(200, body)
    }
    #expect(try await ask(answer(262_144)).0.get().body.count == 262_144)
    let (result, _) = try await ask(answer(262_145))
    #expect(throws: ACMEError.malformed("HTTP response")) { try result.get() }
  }

  @Test func `a host that refuses is told with its address`() async throws {
    let failure = try await onLoop { worker -> ACMEError? in
      let server = try ScriptedAuthority(on: worker)
      server.stop()
      let client = try server.client()
      let url = try AuthorityURL("http://127.0.0.1:1/")
      do throws(ACMEError) {
        _ = try await client.send(HTTPRequest(method: .get, url: url))
        return nil
      } catch {
        return error
      }
    }
    #expect(
      failure
        == .connection(host: "127.0.0.1", reason: "127.0.0.1:1: Connection refused"))
  }
}
