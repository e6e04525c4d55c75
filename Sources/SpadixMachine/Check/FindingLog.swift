import SpadixISA
import SpadixSupport

/// What checks found: all of it counted, the first of each kind kept.
///
/// A program of millions of commands can repeat one finding at each of them. The limit applies to each id alone, so that
/// nothing crowds out anything else.
public struct FindingLog: Hashable, Sendable {
  /// Findings of each id and severity that are kept.
  static let maximumKept = 20

  /// Findings of one id and severity, kept or not.
  struct Tally: Hashable, Sendable {
    /// Of the findings.
    var id: String
    /// Of the findings: one id may have several.
    var severity: Diagnostic.Severity
    /// All of them.
    var count = 0
    /// Those that `kept` of the log has: at most `maximumKept`, and a fault.
    var kept = 0
  }

  /// In the order of the commands.
  private(set) var kept: [Finding] = []
  /// In the order in which the first of each came.
  private(set) var tallies: [Tally] = []

  /// All findings, kept or not.
  public var count: Int { tallies.reduce(0) { $0 + $1.count } }

  mutating func add(_ finding: Finding) {
    let index = tally(finding.id, finding.severity)
    tallies[index].count += 1
    if tallies[index].kept == Self.maximumKept { return }
    tallies[index].kept += 1
    kept.append(finding)
  }

  /// Whether one more finding of the id would only be counted: its details need not be looked up.
  func isFull(_ id: String, _ severity: Diagnostic.Severity = .error) -> Bool {
    tallies.contains { $0.id == id && $0.severity == severity && $0.kept == Self.maximumKept }
  }

  /// Counts a finding that is not kept.
  mutating func count(_ id: String, _ severity: Diagnostic.Severity = .error) {
    tallies[tally(id, severity)].count += 1
  }

  /// A fault is kept however many findings there are.
  mutating func add(fault: Finding) {
    let index = tally(fault.id, fault.severity)
    tallies[index].count += 1
    tallies[index].kept += 1
    kept.append(fault)
  }

  /// The findings of all logs in the order of the commands.
  init(merging logs: [FindingLog] = []) {
    let all = logs.flatMap(\.kept)
    for index in all.indices.sorted(by: { (all[$0].command, $0) < (all[$1].command, $1) }) { add(all[index]) }
    for tally in logs.flatMap(\.tallies) {
      tallies[self.tally(tally.id, tally.severity)].count += tally.count - tally.kept
    }
  }

  private mutating func tally(_ id: String, _ severity: Diagnostic.Severity) -> Int {
    if let index = tallies.firstIndex(where: { $0.id == id && $0.severity == severity }) { return index }
    tallies.append(Tally(id: id, severity: severity))
    return tallies.count - 1
  }
}

extension FindingLog {
  /// The findings kept; the last one of an id says how many more of it there are.
  public func diagnostics(in program: Program) -> [Diagnostic] {
    var diagnostics = kept.map { $0.diagnostic(in: program) }
    for tally in tallies where tally.count > tally.kept {
      guard let last = kept.lastIndex(where: { $0.id == tally.id && $0.severity == tally.severity }) else { continue }
      diagnostics[last].notes.append(Diagnostic.Note("and \(tally.count - tally.kept) more of \(tally.id)"))
    }
    return diagnostics
  }
}
