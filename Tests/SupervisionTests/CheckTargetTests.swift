// What a server is known by.
import Configuration
import IO
import Proxy
import Supervision
import Testing

@Suite struct CheckTargetTests {
  @Test func `a server keeps its identity when only its weight changes`() {
    let one = Member(name: "app:80", address: .v4(0x0a00_0001, port: 80))
    var heavier = one
    heavier.weight = 3
    var elsewhere = one
    elsewhere.address = .v4(0x0a00_0002, port: 80)
    #expect(one.identity == heavier.identity)
    #expect(one.identity != elsewhere.identity)
    let target = CheckTarget(upstream: "app", member: one, options: HealthCheckOptions())
    #expect(target.member.identity == one.identity)
  }
}
