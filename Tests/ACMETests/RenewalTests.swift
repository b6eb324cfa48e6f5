// When a certificate is asked for again, in numbers.
import Testing

@testable import ACME

struct RenewalTests {
  private static let refused = ACMEError.problem(Problem(type: "unauthorized", status: 403))
  private static let down = ACMEError.connection(host: "ca.example", reason: "refused")

  @Test func `a certificate is renewed at two thirds of its life or a little before`() {
    let validity = 1000...1000 + 90 * 86400
    var random = SystemRandomNumberGenerator()
    var moments: Set<Int> = []
    for _ in 0..<200 {
      let moment = Renewal.moment(validity, random: &random)
      #expect((1000 + 57 * 86400 - 1...1000 + 60 * 86400).contains(moment))
      moments.insert(moment)
    }
    #expect(moments.count > 100)
  }

  @Test func `a certificate without a life is renewed at once`() {
    var random = SystemRandomNumberGenerator()
    let validity = 1000...1000
    #expect(Renewal.moment(validity, random: &random) == 1000)
  }

  /// The pauses after so many failures in a row, without chance.
  private func pauses(after error: ACMEError, _ count: Int) -> [Int64] {
    var (backOff, random) = (BackOff(), Middle())
    return (0..<count).map { _ in backOff.pause(after: error, random: &random) / 1000 }
  }

  @Test func `each failure doubles the pause, up to six hours`() {
    #expect(
      pauses(after: Self.refused, 11) == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360]
        + [21600, 21600])
    #expect(pauses(after: Self.down, 3) == [5, 10, 20])
    #expect(pauses(after: Self.down, 100).last == 21600)
  }

  @Test func `an authority that wants more time has it, up to a week`() {
    func pause(_ seconds: Int) -> Int64? {
      let problem = Problem(type: "rateLimited", status: 429, retryAfter: seconds)
      return pauses(after: .problem(problem), 1).first
    }
    #expect(pause(3) == 60)
    #expect(pause(7200) == 7200)
    #expect(pause(604_800) == 604_800)
    #expect(pause(604_801) == 604_800)
    #expect(pause(.max) == 604_800)
  }

  @Test func `names that failed together do not come back together`() {
    var random = SystemRandomNumberGenerator()
    let pauses = Set(
      (0..<100).map { _ in
        var backOff = BackOff()
        return backOff.pause(after: Self.refused, random: &random)
      })
    #expect(pauses.allSatisfy { (45_000...75_000).contains($0) })
    #expect(pauses.count > 50)
  }
}

/// Chance that always says the middle.
private struct Middle: RandomNumberGenerator {
  mutating func next() -> UInt64 { 1 << 63 }
}
