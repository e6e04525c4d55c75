import Foundation
import SpadixSupport

/// The points of a sweep in groups that share a program: what one process does at a time.
public struct SweepWork {
  /// As it was read.
  let sweep: SweepFile
  /// In the order of the sweep; jobs name points by their place here.
  public let points: [SweepPoint]
  private let keys: [String]
  /// The folder, which has all that was answered before.
  private(set) var results: SweepResults
  /// Indices of points by program, in the order in which the programs come first.
  public let groups: [[Int]]

  public init(_ sweep: SweepFile, _ results: SweepResults) {
    var results = results
    self.sweep = sweep
    points = sweep.points
    keys = points.map { results.key(of: $0) }
    self.results = results
    var groups: [[Int]] = []
    var byProgram: [String: Int] = [:]
    for (index, point) in points.enumerated() {
      let program = ([point.path, point.targetPath, point.formulation.rawValue] + point.program.settings).joined(
        separator: "\n")
      if let group = byProgram[program] {
        groups[group].append(index)
      } else {
        byProgram[program] = groups.count
        groups.append([index])
      }
    }
    self.groups = groups
  }

  /// What the folder has for a point; nil where it has nothing.
  func answer(_ point: Int) -> SweepAnswer? { results.answer(keys[point]) }

  /// Points of a group that have no answer yet.
  public func open(_ group: Int) -> [Int] { groups[group].filter { answer($0) == nil } }

  /// Answers what is open of a group, and writes each answer as it comes. Returns how many programs were compiled.
  public func run(_ group: Int) throws -> Int {
    var runner = PointRunner()
    var compiled = 0
    for point in open(group) {
      let answer = runner.answer(points[point])
      if answer.isCompiled { compiled += 1 }
      try results.write(answer, keys[point], points[point])
    }
    return compiled
  }

  /// All points with what the folder has for them now.
  public var table: SweepTable {
    SweepTable(axes: sweep.axes, rows: points.indices.map { SweepTable.Row(point: points[$0], answer: answer($0)) })
  }

  /// Writes `sweep.csv`, `pareto.svg` and `sweep.html`.
  public func writeFiles(_ table: SweepTable) throws {
    let page = SweepPage(table, pareto: sweep.pareto, title: "Sweep of \(points.count) points")
    try Files.write(table.csv, to: results.folder + "/sweep.csv")
    try Files.write(page.svg, to: results.folder + "/pareto.svg")
    try Files.write(page.html, to: results.folder + "/sweep.html")
  }
}
