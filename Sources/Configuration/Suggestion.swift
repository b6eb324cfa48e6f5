// "Did you mean": finding the name a mistyped one was meant to be.

/// ` (did you mean "balance"?)` when one of `names` is close to `name`, otherwise nothing.
func suggestion(for name: String, among names: some Sequence<String>) -> String {
  let limit = max(1, name.count / 3)
  let ranked = names.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= limit,
    best.name != name
  else { return "" }
  return " (did you mean \"\(best.name)\"?)"
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to turn one
/// word into the other (the optimal string alignment distance).
func editDistance(_ left: String, _ right: String) -> Int {
  let left = Array(left)
  let right = Array(right)
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for (row, leftLetter) in left.enumerated() {
    var current = [row + 1]
    for (column, rightLetter) in right.enumerated() {
      let replaced = last[column] + (leftLetter == rightLetter ? 0 : 1)
      var best = min(replaced, last[column + 1] + 1, current[column] + 1)
      if row > 0, column > 0, leftLetter == right[column - 1], left[row - 1] == rightLetter {
        best = min(best, beforeLast[column - 1] + 1)
      }
      current.append(best)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
