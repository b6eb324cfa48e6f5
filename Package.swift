// swift-tools-version: 6.2
// rsp, the Really Simple Proxy. The arrows between modules are drawn in docs/architecture.md, and a
// test holds this file to that picture.
import PackageDescription

let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  // Exclusivity is proved by the debug build, which every test runs on; checking it again in
  // the release build costs 17 % of the instructions of a request (docs/decisions/0001).
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
  // A section for each function, for the linker to put in order.
  .unsafeFlags(["-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

// What a request runs through stands together in the program, so that it lies in few pages; the list
// is made by scripts/order-functions (docs/decisions/0030). Only lld takes one.
let inOrder: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-use-ld=lld", "-Xlinker", "--no-warn-symbol-ordering", "-Xlinker",
      "--symbol-ordering-file=\(Context.packageDirectory)/Sources/rsp/function-order.txt",
    ], .when(platforms: [.linux], configuration: .release))
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
  name: "rsp",
  platforms: [.macOS(.v26)],
  products: [.executable(name: "rsp", targets: ["rsp"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(name: "CLinux"),
    .target(name: "CScan"),
    .target(name: "CConcurrency"),
    .target(name: "CShims", dependencies: ["CLuaJIT"]),
    .systemLibrary(name: "CLuaJIT", pkgConfig: "luajit", providers: [.apt(["libluajit2-5.1-dev"])]),
    .target(name: "CAres", linkerSettings: [.linkedLibrary("cares")]),
    .target(name: "CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),
    .target(
      name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),

    module("Bytes"),
    module("HTTP", ["Bytes", "CScan"]),
    module("IO", ["Bytes", "CLinux", "CConcurrency", "CAres"]),
    module("TLS", ["Routing", "IO", "Bytes", "COpenSSL"]),
    module("ACME", ["TLS", "JSON", "HTTP", "IO", "Bytes"]),
    module("JSON"),
    module("Balancing"),
    module("Routing", ["HTTP", "Bytes", "CPCRE2"]),
    module("Preamble", ["Routing", "Bytes"]),
    module("Scripting", ["CLuaJIT", "CShims"]),
    module("Configuration", ["Balancing", "Routing", "Scripting"]),
    module("Telemetry", ["IO"]),
    module(
      "Proxy",
      [
        "Configuration", "Telemetry", "Balancing", "Routing", "Scripting", "TLS", "Preamble",
        "HTTP", "IO", "Bytes",
      ]),
    module(
      "Supervision",
      [
        "Proxy", "Configuration", "Telemetry", "Balancing", "Routing", "ACME", "Preamble", "TLS",
        "JSON", "HTTP", "IO", "Bytes",
      ]),
    .executableTarget(
      name: "rsp",
      dependencies: [
        "Supervision", "Proxy", "Configuration", "Telemetry", "JSON", "IO", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["function-order.txt"], swiftSettings: house, linkerSettings: inOrder),

    // Run by scripts/bench-routing.
    .executableTarget(
      name: "routing-benchmark",
      dependencies: ["Proxy", "Configuration", "Balancing", "Routing", "Bytes"],
      path: "Benchmarks/routing", swiftSettings: house),

    // What several test targets share: a loop on a thread of its own, pairs of sockets.
    .target(
      name: "TestSupport", dependencies: ["IO", "Bytes"], path: "Tests/Support",
      swiftSettings: house),
    tests("BytesTests", ["Bytes"]),
    tests("HTTPTests", ["HTTP", "Bytes"]),
    tests("IOTests", ["IO", "Bytes", "TestSupport"]),
    tests("TLSTests", ["TLS", "Routing", "IO", "Bytes", "TestSupport"]),
    tests("ACMETests", ["ACME", "TLS", "JSON", "HTTP", "IO", "Bytes", "TestSupport"]),
    tests("JSONTests", ["JSON"]),
    tests("RoutingTests", ["Routing", "HTTP", "Bytes"]),
    tests("PreambleTests", ["Preamble", "Routing", "Bytes"]),
    tests("TelemetryTests", ["Telemetry", "IO"]),
    tests("BalancingTests", ["Balancing"]),
    tests("ScriptingTests", ["Scripting"]),
    tests("ConfigurationTests", ["Configuration", "Balancing", "Routing"]),
    tests(
      "ProxyTests",
      [
        "Proxy", "Configuration", "Balancing", "Routing", "Preamble", "HTTP", "IO", "Bytes",
        "TestSupport",
      ]),
    tests(
      "SupervisionTests",
      [
        "Supervision", "Proxy", "Configuration", "Balancing", "Routing", "ACME", "TLS", "JSON",
        "HTTP", "IO", "Bytes", "TestSupport",
      ]),
  ]
)
