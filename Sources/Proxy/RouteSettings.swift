// The options of routes, with what can be worked out once: one object for all routes that have the
// same ones.
import Configuration
import HTTP
import Routing

/// Options and what follows from them. Immutable; worker-confined.
final class RouteSettings {
  let options: RouteOptions
  /// How many bytes a request's head can gain by what the options add, its host aside.
  let addedBytes: Int
  /// How many variables are among what is added. Each stands for a piece of the request, or for
  /// `ClientConnection.longestOtherVariable` bytes at most.
  let variables: Int
  /// Request fields that are never passed on as they came.
  let droppedFields: FieldNames
  /// The same when a trusted proxy sent them: what it says is added to, or kept.
  let droppedOfTrusted: FieldNames
  /// Flags of request fields that are not passed on.
  let droppedFlags: UInt8
  /// A prefix that is taken off the path on its way to the server; empty for none.
  let stripPrefix: [UInt8]
  /// Bytes of a request body.
  let maxBody: UInt64
  /// What is done to the fields of requests and of responses; nil where nothing is.
  let requestFields: FieldEditor?
  let responseFields: FieldEditor?
  /// Request fields that rsp sets and the changes take away or set themselves.
  let overriddenFields: FieldNames
  /// Whether the changes take the place of a field that rsp sets.
  let overridesForwarding: Bool
  /// Whether the groups of a route's expression are needed after the route was found.
  let usesGroups: Bool
  /// The worker's own copies of the error pages, by status.
  let errorPages: [Int: OwnResponse]
  /// The line of Strict-Transport-Security for answers over TLS; nil where none is added.
  let strictTransport: [UInt8]?

  init(_ options: RouteOptions) {
    self.options = options
    // 512 for what `writeForwarding` asks for, and as much for the rest with a server's name.
    var bytes = 1024 + (options.via?.utf8.count ?? 0)
    if case .fixed(let host) = options.host { bytes += host.utf8.count }
    requestFields = FieldEditor(options.requestFields)
    responseFields = FieldEditor(options.responseFields)
    addedBytes = bytes + (requestFields?.byteCount ?? 0)
    overriddenFields = requestFields?.dropped ?? FieldNames()
    overridesForwarding = overriddenFields.overlaps(
      .ofForwarding.union(FieldNames(.xRequestID, .via)))
    usesGroups = requestFields?.usesGroups == true || responseFields?.usesGroups == true
    var always = FieldNames.ofConnection.union(overriddenFields)
    if case .client = options.host {} else { always = always.union(.host) }
    droppedFields =
      always.union(.ofForwarding).union(options.requestID ? FieldNames(.xRequestID) : FieldNames())
    if options.forwardedFields { always = always.union(FieldNames(.xForwardedFor, .xRealIP)) }
    if options.forwarded { always = always.union(FieldNames(.forwarded)) }
    droppedOfTrusted = always
    droppedFlags =
      options.underscoresInFields
      ? FieldLine.Flags.namedByConnection.rawValue
      : FieldLine.Flags.namedByConnection.rawValue | FieldLine.Flags.unusualName.rawValue
    variables = requestFields?.variables ?? 0
    stripPrefix = options.stripPrefix.map { $0 }
    maxBody = options.maxBody.map(UInt64.init) ?? .max
    errorPages = options.errorPages.mapValues { OwnResponse($0.value) }
    // What `response_headers` sets is what was meant for this route.
    let name = "strict-transport-security"
    let isSet = responseFields?.written.contains { $0.name.lowercased() == name } == true
    strictTransport = options.strictTransportSecurity.flatMap { value in
      isSet ? nil : Array("Strict-Transport-Security: \(value)\r\n".utf8)
    }
  }

  /// Whether a field is the changes' to set or to take away.
  func overrides(_ name: FieldName) -> Bool { overriddenFields.contains(name) }

  /// Whether all options have the same values.
  func isSame(as other: RouteSettings) -> Bool { self === other || options == other.options }
}
