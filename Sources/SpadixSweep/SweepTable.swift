import SpadixSupport

/// The answers of a sweep in the order of its points, and the files that are made of them.
public struct SweepTable: Sendable {
  /// A point with its answer.
  public struct Row: Sendable {
    /// The question.
    var point: SweepPoint
    /// Nil for a point that was not answered: its job was ended, or never ran.
    var answer: SweepAnswer?

    init(point: SweepPoint, answer: SweepAnswer?) {
      self.point = point
      self.answer = answer
    }

    var values: [String] { (point.settings + point.timing).map { String($0.drop { $0 != "=" }.dropFirst()) } }

    func figure(_ name: String) -> Int? {
      guard let answer, let index = SweepFigures.names.firstIndex(of: name), index < answer.figures.count else {
        return nil
      }
      return answer.figures[index]
    }
  }

  /// Of the sweep: columns of the table.
  let axes: [SweepAxis]
  /// In the order of the points.
  public let rows: [Row]

  init(axes: [SweepAxis], rows: [Row]) {
    self.axes = axes
    self.rows = rows
  }

  /// Programs of these groups of points that there are: those of a group that only failed are not.
  public func programs(_ groups: [[Int]]) -> Int {
    groups.count { $0.contains { rows[$0].answer?.failure == nil && rows[$0].answer != nil } }
  }

  /// Points that ended in a diagnostic.
  public var failures: Int { rows.count { $0.answer?.failure != nil } }
  /// Points that nobody answered.
  public var missing: Int { rows.count { $0.answer == nil } }

  /// RFC 4180: a header, and a line for each point in the order of the sweep.
  var csv: String {
    let header =
      ["network", "target", "formulation"] + axes.map(\.key) + ["status"] + SweepFigures.names + ["diagnostic"]
    let lines = rows.map { row in
      let status = row.answer == nil ? "missing" : row.answer?.failure == nil ? "done" : "failed"
      let figures = SweepFigures.names.map { row.figure($0).map(String.init) ?? "" }
      return [row.point.network, row.point.target, row.point.formulation.rawValue] + row.values + [status] + figures
        + [row.answer?.failure?.split(separator: "\n").first.map(String.init) ?? ""]
    }
    return ([header] + lines).map { $0.map(Self.field).joined(separator: ",") + "\n" }.joined()
  }

  private static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// For each network, in their order, the rows that no other one of it betters in both figures, by the first figure.
  func front(_ figures: [String]) -> [(network: String, rows: [Int])] {
    var networks: [String] = []
    for row in rows where networks.last != row.point.network { networks.append(row.point.network) }
    return networks.map { network in
      let known = rows.indices.compactMap { index -> (index: Int, x: Int, y: Int)? in
        guard rows[index].point.network == network, let x = rows[index].figure(figures[0]),
          let y = rows[index].figure(figures[1])
        else { return nil }
        return (index, x, y)
      }
      var front: [Int] = []
      var best = Int.max
      for row in known.sorted(by: { ($0.x, $0.y, $0.index) < ($1.x, $1.y, $1.index) }) where row.y < best {
        front.append(row.index)
        best = row.y
      }
      return (network, front)
    }
  }
}
