import SpadixSupport

/// A warning or a remark of compiling, as a report repeats it.
public struct MessageReport: Sendable, Hashable {
  /// `warning` or `remark`.
  public var severity: String
  public var id: String
  public var message: String
  /// `file:line:column`; nil for a message about no place.
  public var place: String?
  public var help: String?

  public init(severity: String, id: String, message: String, place: String? = nil, help: String? = nil) {
    self.severity = severity
    self.id = id
    self.message = message
    self.place = place
    self.help = help
  }

  public init(_ diagnostic: Diagnostic) {
    self.init(
      severity: diagnostic.severity.rawValue, id: diagnostic.id, message: diagnostic.message,
      place: diagnostic.range.map { range in
        let (line, column) = range.source.position(of: range.start)
        return "\(range.source.name):\(line):\(column)"
      }, help: diagnostic.help)
  }
}
