import SpadixSupport

/// A warning or a remark of compiling, as a report repeats it.
public struct MessageReport: Sendable, Hashable {
  /// `warning` or `remark`.
  var severity: String
  /// Of the diagnostic.
  var id: String
  /// Of the diagnostic, without its notes.
  var message: String
  /// `file:line:column`; nil for a message about no place.
  var place: String?
  /// The nearest way out; nil where there is none to offer.
  var help: String?

  init(severity: String, id: String, message: String, place: String? = nil, help: String? = nil) {
    self.severity = severity
    self.id = id
    self.message = message
    self.place = place
    self.help = help
  }

  /// Keeps the place as text: a report outlives its sources.
  public init(_ diagnostic: Diagnostic) {
    self.init(
      severity: diagnostic.severity.rawValue, id: diagnostic.id, message: diagnostic.message,
      place: diagnostic.range.map { range in
        let (line, column) = range.source.position(of: range.start)
        return "\(range.source.name):\(line):\(column)"
      }, help: diagnostic.help)
  }
}
