// The part of `rsp status` about certificates that are got from an authority: those that are missing
// first, and why they are.
import IO
import JSON

extension StatusTable {
  /// Names that are shown one by one.
  private static let mostAutomatic = 20

  mutating func appendAutomatic(_ names: [JSON], now: Int = Process.unixSeconds) {
    if names.isEmpty { return }
    let order = ["failing", "ordering", "awaited", "valid"]
    let sorted = order.flatMap { state in names.filter { $0["state"]?.text == state } }
    let shown = sorted.prefix(Self.mostAutomatic)
    var rows = [["FROM THE AUTHORITY", "STATE", "NEXT"]]
    for name in shown {
      let next =
        if let moment = name["next_attempt"]?.int {
          "next attempt " + Self.words(until: moment, from: now)
        } else if let moment = name["renewal"]?.int {
          "renewed " + Self.words(until: moment, from: now)
        } else {
          "now"
        }
      rows.append([name["name"]?.text ?? "", name["state"]?.text ?? "", next])
    }
    text += "\n"
    append(rows, words: 3)
    if sorted.count > shown.count { text += "... and \(sorted.count - shown.count) more.\n" }
    for name in shown {
      guard let error = name["error"]?.text else { continue }
      text += "\(name["name"]?.text ?? ""): \(error)\n"
    }
  }

  private static func words(until moment: Int, from now: Int) -> String {
    switch moment - now {
    case ...0: "now"
    case let seconds where seconds < 120: "in \(seconds) s"
    case let seconds where seconds < 7200: "in \(seconds / 60) min"
    case let seconds where seconds < 172_800: "in \(seconds / 3600) h"
    case let seconds: "in \(seconds / 86_400) days"
    }
  }
}
