// The numbers of policies as the table of options sets them: `Int`, like every option's.
import Balancing

extension HealthCheckOptions {
  /// What is asked when the check is one by HTTP.
  var http: HTTPCheck {
    get { if case .http(let check) = kind { check } else { HTTPCheck() } }
    set { kind = .http(newValue) }
  }

  var portNumber: Int? {
    get { port.map { Int($0) } }
    set { port = newValue.flatMap { UInt16(exactly: $0) } }
  }
}

extension CheckPolicy {
  var intervalMilliseconds: Int {
    get { Int(interval) }
    set { interval = Milliseconds(newValue) }
  }

  var timeoutMilliseconds: Int {
    get { Int(timeout) }
    set { timeout = Milliseconds(newValue) }
  }
}

extension HealthPolicy {
  var firstEjectionMilliseconds: Int {
    get { Int(firstEjection) }
    set { firstEjection = Milliseconds(newValue) }
  }

  var longestEjectionMilliseconds: Int {
    get { Int(longestEjection) }
    set { longestEjection = Milliseconds(newValue) }
  }

  var slowStartMilliseconds: Int {
    get { Int(slowStart) }
    set { slowStart = Milliseconds(newValue) }
  }
}

extension BreakerPolicy {
  var windowMilliseconds: Int {
    get { Int(window) }
    set { window = Milliseconds(newValue) }
  }
}
