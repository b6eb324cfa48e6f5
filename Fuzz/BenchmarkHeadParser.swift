// How long one request head and its response's take, in nanoseconds of CPU time: run by hand with
// scripts/bench-parser, under callgrind where a figure is to be compared with another day's.
import Glibc

@main struct Benchmark {
  static let request = """
    GET /index/page.html?user=42&lang=en HTTP/1.1\r
    Host: www.example.com:8000\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r
    Accept: text/html,application/xhtml+xml,*/*;q=0.8\r
    Accept-Language: en-US,en;q=0.5\r
    Accept-Encoding: gzip, deflate, br\r
    Connection: keep-alive\r
    Cookie: session=0123456789abcdef0123\r
    \r\n
    """

  static let response = """
    HTTP/1.1 200 OK\r
    Server: nginx/1.22.1\r
    Date: Sat, 21 Nov 2026 10:00:00 GMT\r
    Content-Type: text/html; charset=utf-8\r
    Content-Length: 128\r
    Connection: keep-alive\r
    ETag: "65a1b2c3-80"\r
    Accept-Ranges: bytes\r
    \r\n
    """

  static func main() throws {
    let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3_000_000
    let asked = Array((request + String(repeating: "x", count: 64)).utf8)
    let answered = Array((response + String(repeating: "x", count: 128)).utf8)
    let requestHead = RequestHead()
    let responseHead = ResponseHead()
    var requests = HeadParser(limits: .request)
    var responses = HeadParser(limits: .response)
    var fields = 0
    let start = cpuTime()
    for _ in 0..<rounds {
      if try requests.parse(unsafe asked.span.bytes, into: requestHead) {
        fields += requestHead.fields.count
      }
    }
    let middle = cpuTime()
    for _ in 0..<rounds {
      if try responses.parse(unsafe answered.span.bytes, into: responseHead, requestMethod: .get) {
        fields += responseHead.fields.count
      }
    }
    let end = cpuTime()
    precondition(fields == 14 * rounds)
    print("request  \(request.utf8.count) bytes: \((middle - start) / Double(rounds)) ns")
    print("response \(response.utf8.count) bytes: \((end - middle) / Double(rounds)) ns")
    print("both     \((end - start) / Double(rounds)) ns")
  }

  static func cpuTime() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
