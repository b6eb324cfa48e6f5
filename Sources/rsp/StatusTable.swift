// `rsp status` for the eye.
import JSON

/// What a running rsp answered to "status", as text in columns.
struct StatusTable {
  var text = ""

  init(_ status: JSON) {
    let listeners = status["listeners"]?.elements.compactMap(\.text) ?? []
    line("process", "\(status["pid"]?.int ?? 0), \(status["workers"]?.int ?? 0) workers")
    if let file = status["configuration"]?.text { line("file", file) }
    line("listening", listeners.joined(separator: ", "))
    line("sites", "\(status["site_count"]?.int ?? 0)")
    line("clients", "\(status["connections"]?.int ?? 0)")
    if let seconds = status["confirm_within"]?.int {
      line("waiting", "goes back in \(seconds) s unless `rsp confirm` comes first")
    }
    if let reload = status["last_reload"], reload["ok"]?.bool == false {
      line("failed", "the last reload: \(reload["error"]?.text ?? "")")
    }
    let upstreams = status["upstreams"]?.elements ?? []
    if !upstreams.isEmpty {
      text += "\n"
      append(Self.rows(upstreams), words: 3)
      appendFailures(upstreams)
    }
    appendSites(status["sites"]?.elements ?? [], of: status["site_count"]?.int ?? 0)
    appendCertificates(status)
    appendAutomatic(status["acme"]?.elements ?? [])
    text.removeLast()
  }

  /// Certificates that are shown one by one, those that end first.
  private static let mostCertificates = 20

  private mutating func appendCertificates(_ status: JSON) {
    for problem in status["certificate_problems"]?.elements ?? [] {
      text += "\nbad certificate: \(problem.text ?? "")\n"
    }
    let certificates = status["certificates"]?.elements ?? []
    if certificates.isEmpty { return }
    var rows = [["CERTIFICATE", "FILE", "KEY", "EXPIRES"]]
    for certificate in certificates.prefix(Self.mostCertificates) {
      let names = (certificate["names"]?.elements ?? []).compactMap(\.text)
      let others = names.count - 1
      let days = certificate["days_left"]?.int ?? 0
      rows.append([
        (names.first ?? "-") + (others > 0 ? " +\(others)" : ""),
        certificate["source"]?.text ?? "", certificate["key"]?.text ?? "",
        certificate["expired"]?.bool == true
          ? "expired" : "in \(days) day\(days == 1 ? "" : "s")",
      ])
    }
    text += "\n"
    append(rows, words: 4)
    let count = (status["certificate_count"]?.int ?? 0) - (rows.count - 1)
    if count > 0 { text += "... and \(count) more, which are valid for longer.\n" }
  }

  private mutating func appendSites(_ sites: [JSON], of count: Int) {
    if sites.isEmpty { return }
    var rows = [["SITE", "STATE", "UPSTREAMS", "ROUTES", "REQUESTS", "FAILURES"]]
    for site in sites {
      func number(_ name: String) -> String { "\(site[name]?.int ?? 0)" }
      let others = (site["names"]?.int ?? 1) - 1
      let upstreams = (site["upstreams"]?.elements ?? []).compactMap(\.text)
      rows.append([
        (site["name"]?.text ?? "") + (others > 0 ? " +\(others)" : ""),
        site["state"]?.text ?? "", upstreams.isEmpty ? "-" : upstreams.joined(separator: ", "),
        number("routes"), number("requests"), number("failures"),
      ])
    }
    text += "\n"
    append(rows, words: 3)
    if count > sites.count {
      text += "... and \(count - sites.count) more, asked less; --all-sites lists them.\n"
    }
  }

  /// Why servers failed their last active checks, below the table: the reasons are long.
  private mutating func appendFailures(_ upstreams: [JSON]) {
    var isFirst = true
    for upstream in upstreams {
      for server in upstream["servers"]?.elements ?? [] {
        guard let failure = server["check_failure"]?.text else { continue }
        if isFirst { text += "\n" }
        isFirst = false
        let (name, address) = (upstream["name"]?.text ?? "", server["address"]?.text ?? "")
        text += "\(name) \(address): the last check failed: \(failure)\n"
      }
    }
  }

  private mutating func line(_ label: String, _ words: String) {
    text += Self.padded(label, 11) + words + "\n"
  }

  private static let titles = [
    "UPSTREAM", "SERVER", "STATE", "WEIGHT", "IN FLIGHT", "REQUESTS", "FAILURES", "LATENCY",
  ]

  private static func rows(_ upstreams: [JSON]) -> [[String]] {
    var rows = [titles]
    for upstream in upstreams {
      for server in upstream["servers"]?.elements ?? [] {
        let backup = server["backup"]?.bool == true ? " backup" : ""
        func number(_ name: String) -> String { "\(server[name]?.int ?? 0)" }
        let name = server["name"]?.text ?? ""
        let address = server["address"]?.text ?? ""
        rows.append([
          upstream["name"]?.text ?? "",
          name == address || address.isEmpty ? name : "\(name) (\(address))",
          (server["state"]?.text ?? "") + backup, number("weight"), number("in_flight"),
          number("requests"), number("failures"), latency(server["latency_us"]?.int ?? 0),
        ])
      }
    }
    return rows
  }

  private static func latency(_ microseconds: Int) -> String {
    switch microseconds {
    case 0: "-"
    case ..<10_000: "\(microseconds / 1000).\(microseconds % 1000 / 100) ms"
    default: "\(microseconds / 1000) ms"
    }
  }

  /// - Parameter words: how many columns, from the left, are words; the others are numbers.
  mutating func append(_ rows: [[String]], words: Int) {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { column, cell in
        column < words
          ? Self.padded(cell, widths[column]) : Self.padded(cell, widths[column], left: true)
      }
      text += cells.joined(separator: "  ") + "\n"
    }
  }

  private static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return left ? blanks + text : text + blanks
  }
}
