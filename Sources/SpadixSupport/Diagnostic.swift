/// A message to the user, with a stable id and the place it is about.
///
/// The message is lower case and says what was expected and what was found; the nearest way out goes into `help`.
public struct Diagnostic: Error, Sendable, CustomStringConvertible {
  public enum Severity: String, Sendable {
    case error, warning, remark
  }

  /// Another place that has to do with the diagnostic, such as the earlier of two definitions.
  public struct Note: Sendable {
    public var message: String
    public var range: SourceRange?

    public init(_ message: String, at range: SourceRange? = nil) {
      self.message = message
      self.range = range
    }
  }

  /// Stable, `area.rule` in kebab case: `ir.conv2d-padding`.
  public var id: String
  public var severity: Severity
  public var message: String
  public var range: SourceRange?
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
    if let help { text += "  help: \(help)\n" }
    return text
  }

  private static func line(_ range: SourceRange?, _ message: String) -> String {
    guard let range else { return message + "\n" }
    let (line, column) = range.source.position(of: range.start)
    let sourceLine = range.source.line(line)
    // Tabs are kept in the padding so that the caret stands under its column at any tab width.
    let before = String(decoding: sourceLine.utf8.prefix(column - 1), as: UTF8.self)
    let padding = String(before.map { $0 == "\t" ? "\t" : " " })
    let remaining = max(1, sourceLine.utf8.count - (column - 1))
    let length = max(1, min(range.end - range.start, remaining))
    let marker = "^" + String(repeating: "~", count: length - 1)
    return "\(range.source.name):\(line):\(column): \(message)\n  \(sourceLine)\n  \(padding)\(marker)\n"
  }
}

/// Several diagnostics thrown together, in source order.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  public var all: [Diagnostic]

  public init(_ all: [Diagnostic] = []) { self.all = all }

  public var hasErrors: Bool { all.contains { $0.severity == .error } }
  public var description: String { all.map(\.description).joined() }

  public mutating func report(_ diagnostic: Diagnostic) { all.append(diagnostic) }

  /// Throws the collected diagnostics when one of them is an error.
  public func throwIfErrors() throws {
    if hasErrors { throw self }
  }
}
