// The retry budget at its bounds.
import Testing

@testable import Balancing

private func granted(inFlight: Int) -> Int {
  var budget = RetryBudget()
  // The window is not what bounds this: many requests have come and gone in it.
  for _ in 0..<1000 { budget.requestBegan(at: 0) }
  for _ in inFlight..<1000 { budget.requestEnded() }
  var count = 0
  while budget.takeRetry(at: 0) { count += 1 }
  return count
}

@Test(arguments: [(0, 3), (20, 3), (21, 4), (25, 4), (26, 5), (500, 99), (501, 100)])
func `retries stay below 20 percent of the requests in flight, at least 3`(
  _ inFlight: Int, _ most: Int
) {
  #expect(granted(inFlight: inFlight) == most)
}

@Test func `a retry that is over makes room for another`() {
  var budget = RetryBudget()
  for _ in 0..<100 {
    budget.requestBegan(at: 0)
    budget.requestEnded()
  }
  for _ in 0..<3 { #expect(budget.takeRetry(at: 0) == true) }
  #expect(budget.takeRetry(at: 0) == false)
  budget.retryEnded()
  #expect(budget.takeRetry(at: 0) == true)
  for _ in 0..<9 { budget.retryEnded() }
  #expect(budget.retriesInFlight == 0)
}

@Test func `retries that end at once stay within 20 percent of a second's requests`() {
  var budget = RetryBudget()
  var retries = 0
  for number in 0..<1000 {
    budget.requestBegan(at: Milliseconds(number))
    if budget.takeRetry(at: Milliseconds(number)) {
      retries += 1
      budget.retryEnded()
    }
    budget.requestEnded()
  }
  #expect(retries == 200)
}

@Test func `a quiet upstream has three retries in each second`() {
  var budget = RetryBudget()
  budget.requestBegan(at: 0)
  for second in 0..<3 as Range<Int64> {
    for expected in [true, true, true, false] {
      #expect(budget.takeRetry(at: second * 1000) == expected)
      if expected { budget.retryEnded() }
    }
    #expect(budget.takeRetry(at: second * 1000 + 999) == false)
  }
}

@Test func `requests that no server worked on do not count by the second`() {
  var budget = RetryBudget()
  for _ in 0..<50 {
    budget.requestBegan(at: 0)
    #expect(budget.takeRetry(at: 0, wasReceived: false) == true)
    budget.retryEnded()
    budget.requestEnded()
  }
  // But they do at a time.
  for _ in 0..<3 { #expect(budget.takeRetry(at: 0, wasReceived: false) == true) }
  #expect(budget.takeRetry(at: 0, wasReceived: false) == false)
}
