// Values with variables, such as `set = { ["X-Client"] = "$remote_addr via $host" }`: taken apart
// once, when the configuration is read, so that a request only copies pieces.
//
// The syntax is nginx's, `$name` and `${name}`, with `$$` for a dollar sign, which nginx has no way
// to write.
import Bytes

/// Why a text is no template.
package enum TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Columns are counted from 1, in bytes.
  case loneDollar(column: Int)
  case unclosedBrace(column: Int)
  case unknownVariable(String, column: Int)
  /// A field's value holds no line end and no other control character: RFC 9110 5.5.
  case controlCharacter(column: Int)
  case tooLong

  package var description: String {
    switch self {
    case .loneDollar(let column):
      "the $ at column \(column) begins no variable (write $$ for a dollar sign)"
    case .unclosedBrace(let column): "the ${ at column \(column) is not closed"
    case .unknownVariable(let name, let column): "unknown variable \"$\(name)\" at column \(column)"
    case .controlCharacter(let column): "there is a control character at column \(column)"
    case .tooLong: "is longer than \(FieldTemplate.longest) bytes"
    }
  }
}

/// Text with variables in it. Immutable.
package struct FieldTemplate: Sendable, Equatable {
  /// The most bytes of a template's text: a quarter of the largest head's 32 KiB.
  package static var longest: Int { 8192 }

  /// A piece: bytes of `text`, which are literal, or the own name of a variable.
  private struct Piece: Sendable, Equatable, BitwiseCopyable {
    var variable: TemplateVariable?
    var start: UInt16
    var count: UInt16
  }

  private var text: [UInt8] = []
  private var pieces: [Piece] = []

  package init(_ template: String) throws(TemplateError) {
    let bytes = Array(template.utf8)
    guard bytes.count <= Self.longest else { throw .tooLong }
    var i = 0
    while i < bytes.count {
      let byte = bytes[i]
      guard byte == 0x09 || byte >= 0x20 && byte != 0x7f else {
        throw .controlCharacter(column: i + 1)
      }
      if byte != 0x24 {
        addLiteral(byte)
        i += 1
      } else if i + 1 < bytes.count, bytes[i + 1] == 0x24 {
        addLiteral(byte)
        i += 2
      } else {
        i = try addVariable(bytes, i)
      }
    }
  }

  /// A part of a template that is made by the program itself.
  package enum Part {
    case text(StaticString)
    case number(UInt16)
    /// One without a name of its own.
    case variable(TemplateVariable)
  }

  /// A template of parts, which cannot fail; they are short.
  package init(_ parts: [Part]) {
    for part in parts {
      switch part {
      case .text(let text): for byte in "\(text)".utf8 { addLiteral(byte) }
      case .number(let number): for byte in "\(number)".utf8 { addLiteral(byte) }
      case .variable(let variable):
        pieces.append(Piece(variable: variable, start: UInt16(text.count), count: 0))
      }
    }
  }

  private mutating func addLiteral(_ byte: UInt8) {
    if let last = pieces.indices.last, pieces[last].variable == nil {
      pieces[last].count += 1
    } else {
      pieces.append(Piece(variable: nil, start: UInt16(text.count), count: 1))
    }
    text.append(byte)
  }

  /// Reads the variable whose "$" is at `dollar`; returns where it ends.
  private mutating func addVariable(_ bytes: [UInt8], _ dollar: Int) throws(TemplateError) -> Int {
    var start = dollar + 1
    let isBraced = start < bytes.count && bytes[start] == 0x7b
    if isBraced { start += 1 }
    var end = start
    // `$1` is one digit, so that `$10` is group 1 and a zero; other names begin with a letter.
    if end < bytes.count, 0x31...0x39 ~= bytes[end] {
      end += 1
    } else if end < bytes.count, !(0x30...0x39 ~= bytes[end]) {
      while end < bytes.count, Self.isName(bytes[end]) { end += 1 }
    }
    guard !isBraced || end < bytes.count && bytes[end] == 0x7d else {
      throw .unclosedBrace(column: dollar + 1)
    }
    guard end > start else { throw .loneDollar(column: dollar + 1) }
    let written = String(decoding: bytes[start..<end], as: UTF8.self)
    guard let (variable, name) = TemplateVariable.named(written) else {
      throw .unknownVariable(written, column: dollar + 1)
    }
    pieces.append(
      Piece(variable: variable, start: UInt16(text.count), count: UInt16(name.utf8.count)))
    text.append(contentsOf: name.utf8)
    return isBraced ? end + 1 : end
  }

  private static func isName(_ byte: UInt8) -> Bool {
    0x30...0x39 ~= byte || 0x41...0x5a ~= byte || 0x61...0x7a ~= byte || byte == 0x5f
  }

  /// Whether there is no variable in it.
  package var isConstant: Bool { pieces.allSatisfy { $0.variable == nil } }

  /// The variables that are in it.
  package var variables: [TemplateVariable] { pieces.compactMap(\.variable) }

  /// The template as it may be written.
  package var source: String {
    var source = ""
    for piece in pieces {
      let text = String(
        decoding: text[Int(piece.start)..<Int(piece.start) + Int(piece.count)], as: UTF8.self)
      guard let variable = piece.variable else {
        source += text.split(separator: "$", omittingEmptySubsequences: false)
          .joined(separator: "$$")
        continue
      }
      source += "${\(variable.written(text))}"
    }
    return source
  }

  /// Bytes of its text, without its variables.
  package var literalByteCount: Int {
    pieces.reduce(0) { $0 + ($1.variable == nil ? Int($1.count) : 0) }
  }

  /// What became of a rendering.
  package enum Outcome: Sendable, Equatable {
    case rendered
    /// It did not fit in the buffer.
    case noRoom
    /// A variable's value held a control character, which would end the field early.
    case forbiddenByte
  }

  /// Appends the template's text with the values of its variables.
  ///
  /// - Parameters:
  ///   - buffer: holds what it held before unless the outcome is `.rendered`. If nothing was added,
  ///     the value is empty: as in nginx, such a field is not to be sent.
  ///   - value: appends the value of a variable; nothing if there is none. Gets the name of a
  ///     field (small letters), argument or cookie, the digit of a group, otherwise no bytes.
  ///     Returns false if the buffer has no room for it.
  package func render(
    into buffer: inout ByteBuffer,
    value: (TemplateVariable, RawSpan, inout ByteBuffer) -> Bool
  ) -> Outcome {
    let before = buffer.count
    // SAFETY: a UInt8 has no padding that could be read.
    let text = unsafe self.text.span.bytes
    for piece in pieces {
      let name = text.extracting(Int(piece.start)..<Int(piece.start) + Int(piece.count))
      let start = buffer.count
      let hasRoom: Bool
      if let variable = piece.variable {
        hasRoom = value(variable, name, &buffer)
      } else {
        hasRoom = name.byteCount <= buffer.tailroom
        if hasRoom { buffer.append(name) }
      }
      guard hasRoom else {
        buffer.truncate(buffer.count - before)
        return .noRoom
      }
      if piece.variable != nil, buffer.bytes.hasControl(from: start) {
        buffer.truncate(buffer.count - before)
        return .forbiddenByte
      }
    }
    return .rendered
  }
}

extension RawSpan {
  /// Whether there is a control character but HTAB from `start` on.
  fileprivate func hasControl(from start: Int) -> Bool {
    for i in start..<byteCount {
      let byte = octet(i)
      if byte < 0x20 && byte != 0x09 || byte == 0x7f { return true }
    }
    return false
  }
}
