// JSON (RFC 8259) as values, for the control socket and for authorities of certificates. The reader
// is in JSON+Reading.swift, the writer in JSON+Writing.swift.

/// A JSON value. Numbers that are whole and fit are integers.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  /// In the order they were written; no name twice.
  case object([Field])

  package struct Field: Sendable, Equatable {
    package var name: String
    package var value: JSON

    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// The value of a field; nil without it, and for what is no object.
  package subscript(_ name: String) -> JSON? {
    guard case .object(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }

  package var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  package var int: Int? {
    if case .integer(let number) = self { number } else { nil }
  }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The elements; none for what is no array.
  package var elements: [JSON] {
    if case .array(let elements) = self { elements } else { [] }
  }

  /// Adds a field to an object.
  package mutating func append(_ name: String, _ value: JSON) {
    guard case .object(var fields) = self else { return }
    fields.append(Field(name, value))
    self = .object(fields)
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Field($0.0, $0.1) })
  }
}
