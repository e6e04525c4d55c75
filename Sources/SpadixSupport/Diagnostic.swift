/// A message to the user, with a stable id and the place it is about.
///
/// The message is lower case and says what was expected and what was found; the nearest way out goes into `help`.
public struct Diagnostic: Error, Sendable, CustomStringConvertible {
  /// Only errors end a command with exit status 1.
  public enum Severity: String, Sendable {
    case error, warning, remark
  }

  /// Another place that has to do with the diagnostic, such as the earlier of two definitions.
  public struct Note: Sendable {
    /// Lower case, such as "the first definition is here".
    var message: String
    /// Nil for a note without a place.
    var range: SourceRange?

    public init(_ message: String, at range: SourceRange? = nil) {
      self.message = message
      self.range = range
    }
  }

  /// Stable, `area.rule` in kebab case: `ir.conv2d-padding`.
  public var id: String
  /// Printed before the message.
  public var severity: Severity
  /// One line, no full stop; what would break the line is escaped when it is printed.
  public var message: String
  /// Nil where it is about no text, such as a file that is missing.
  public var range: SourceRange?
  /// Printed after the source line, in this order.
  public var notes: [Note]
  /// The nearest way out, as one sentence; nil where there is none to offer.
  public var help: String?

  public init(
    _ id: String, _ message: String, at range: SourceRange? = nil, severity: Severity = .error, notes: [Note] = [],
    help: String? = nil
  ) {
    self.id = id
    self.severity = severity
    self.message = message
    self.range = range
    self.notes = notes
    self.help = help
  }

  /// The diagnostic as printed: one line, the source line with a caret, then notes and help.
  public var description: String {
    var text = Self.line(range, "\(severity.rawValue): \(message) [\(id)]")
    for note in notes { text += Self.line(note.range, "note: \(note.message)") }
    if let help { text += "  help: \(Self.visible(help))\n" }
    return text
  }

  /// Names come from files: what would break a line, or turn its direction, is written as an escape.
  private static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
        result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  private static func line(_ range: SourceRange?, _ message: String) -> String {
    let message = visible(message)
    guard let range else { return message + "\n" }
    let (line, column) = range.source.position(of: range.start)
    let (sourceLine, caret) = Excerpt.around(column - 1, in: Array(range.source.line(line).utf8))
    // Tabs are kept in the padding so that the caret stands under its column at any tab width.
    let before = String(decoding: sourceLine.utf8.prefix(caret), as: UTF8.self)
    let padding = String(before.map { $0 == "\t" ? "\t" : " " })
    let remaining = max(1, sourceLine.utf8.count - caret)
    let length = max(1, min(range.end - range.start, remaining))
    let marker = "^" + String(repeating: "~", count: length - 1)
    return "\(range.source.name):\(line):\(column): \(message)\n  \(sourceLine)\n  \(padding)\(marker)\n"
  }
}

/// The part of a source line that a diagnostic shows: long lines, such as lists of weights, are cut around the caret.
private enum Excerpt {
  private static let maximumLength = 160

  /// The text to show and the caret's byte offset in it.
  static func around(_ offset: Int, in line: [UInt8]) -> (text: String, caret: Int) {
    guard line.count > maximumLength else { return (String(decoding: line, as: UTF8.self), min(offset, line.count)) }
    var start = max(0, min(offset - maximumLength / 2, line.count - maximumLength))
    var end = min(line.count, start + maximumLength)
    // A character is not cut in two: bytes 10xxxxxx continue one.
    while start > 0, line[start] & 0xc0 == 0x80 { start -= 1 }
    while end < line.count, line[end] & 0xc0 == 0x80 { end += 1 }
    let prefix = start > 0 ? "..." : ""
    let suffix = end < line.count ? "..." : ""
    let text = prefix + String(decoding: line[start..<end], as: UTF8.self) + suffix
    return (text, min(offset, line.count) - start + prefix.utf8.count)
  }
}

/// Several diagnostics thrown together, in source order.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// In the order in which they were reported.
  public var all: [Diagnostic]

  public init(_ all: [Diagnostic] = []) { self.all = all }

  /// Warnings and remarks are none.
  public var hasErrors: Bool { all.contains { $0.severity == .error } }
  public var description: String { all.map(\.description).joined() }

  /// Adds one at the end.
  public mutating func report(_ diagnostic: Diagnostic) { all.append(diagnostic) }

  /// Throws the collected diagnostics when one of them is an error.
  public func throwIfErrors() throws {
    if hasErrors { throw self }
  }
}
