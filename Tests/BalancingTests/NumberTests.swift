// The numbers underneath: random ones, keyed ones, averages.
import Testing

@testable import Balancing

@Test func `an exponential number is what its logarithm says`() {
  // -ln(1 - x) for x = 0, 1/2, 3/4 and 1 - 2^-10.
  #expect(RandomSource.exponential(0) == 0)
  let cases: [(Double, Double)] = [
    (0.25, 0.2876820724517809), (0.5, 0.6931471805599453), (0.75, 1.3862943611198906),
    (0.875, 2.0794415416798357), (0.9990234375, 6.931471805599453), (0.4, 0.5108256237659907),
  ]
  for (x, expected) in cases {
    let value = RandomSource.exponential(UInt64(x * 0x1p64))
    #expect(abs(value / expected - 1) < 2e-5)
  }
  #expect((40...50).contains(RandomSource.exponential(.max)))
}

@Test func `an exponential number is never below its fraction, which the hash relies on`() {
  var random = RandomSource(seed: 1)
  for _ in 0..<20_000 {
    let bits = random.next() >> random.below(60)
    #expect(RandomSource.exponential(bits) >= RandomSource.fraction(bits) * (1 - 2e-5))
  }
}

@Test func `a number below a bound reaches both ends`() {
  var random = RandomSource(seed: 2)
  #expect(Set((0..<200).map { _ in random.below(3) }) == [0, 1, 2])
  #expect(random.below(0) == 0 && random.below(1) == 0)
}

@Test func `a higher latency counts at once and a lower one by and by`() {
  var latency = LatencyAverage()
  #expect(latency.current(at: 0) == 0)
  latency.observe(microseconds: 1_000, at: 0)
  latency.observe(microseconds: 9_000, at: 1)
  #expect(latency.current(at: 1) == 9_000)
  latency.observe(microseconds: 1_000, at: 1)
  #expect(latency.current(at: 1) == 9_000)
  latency.observe(microseconds: 1_000, at: 1 + LatencyAverage.halfLife)
  #expect(latency.current(at: 1 + LatencyAverage.halfLife) == 5_000)
}

@Test func `what is known fades by half in each half-life, and a clock that stands still is borne`()
{
  #expect(LatencyAverage.remaining(after: -5) == 1)
  #expect(LatencyAverage.remaining(after: 2_500) == 0.75)
  #expect(LatencyAverage.remaining(after: 5_000) == 0.5)
  #expect(LatencyAverage.remaining(after: 7_500) == 0.375)
  #expect(LatencyAverage.remaining(after: 10_000) == 0.25)
  #expect(LatencyAverage.remaining(after: .max) == 0)
}

@Test func `a latency is believed up to an hour and from a microsecond`() {
  var latency = LatencyAverage()
  latency.observe(microseconds: -5, at: 0)
  #expect(latency.current(at: 0) == 1)
  latency.observe(microseconds: .max, at: 0)
  #expect(latency.current(at: 0) == LatencyAverage.longest)
}

// MARK: SipHash

private let reference = SipHash.Key(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)

/// Of the authors' test vectors (message 00, 01, 02 …), cross-checked with OpenSSL's SIPHASH.
@Test(
  arguments: [
    (0, 0x726F_DB47_DD0E_0E31, 0xE6A8_25BA_047F_81A3, 0x9302_55C7_1472_F66D),
    (1, 0x74F8_39C5_93DC_67FD, 0x44AF_996B_D8C1_87DA, 0x45FC_229B_1159_7634),
    (8, 0x93F5_F579_9A93_2462, 0x61F5_5862_BAA9_623B, 0xB497_14F3_64E2_830F),
    (15, 0xA129_CA61_49BE_45E5, 0x11A8_B033_99E9_9354, 0xD9C3_CF97_0FEC_087E),
    (16, 0x3F2A_CC7F_57C2_9BDB, 0xBB54_B067_CAA4_E26E, 0x7705_2385_BF15_33FD),
  ] as [(Int, UInt64, UInt64, UInt64)])
func `SipHash gives the reference values`(
  _ count: Int, _ short: UInt64, _ low: UInt64, _ high: UInt64
) {
  let message = (0..<count).map(UInt8.init)
  #expect(SipHash.hash64(message.span, key: reference) == short)
  let long = SipHash.hash128(message.span, key: reference)
  #expect(long.low == low && long.high == high)
}

@Test func `a key is the same number everywhere and forever`() {
  let bytes = Array("10.0.0.1:80".utf8)
  // SAFETY: bytes have no padding to show.
  let key = HashKey.of(unsafe bytes.span.bytes)
  #expect(HashKey.of("10.0.0.1:80") == key && key == 0xDF18_E827_ECB4_8674)
  #expect(HashKey.of("10.0.0.1:80") != HashKey.of("10.0.0.1:81"))
}
