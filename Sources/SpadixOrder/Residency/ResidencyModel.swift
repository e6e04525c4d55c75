import SpadixMIP

/// Which gaps between consecutive uses a tensor spends outside the scratchpad, for a given order, at the least cost.
///
/// One binary column per gap that could matter: `drop[t, g]`. A tensor that pays for its first store has `spill[t]`
/// above all its drops. A row per step asks for enough drops; steps that another step implies are left out.
struct ResidencyModel {
  struct Gap {
    var tensor: Int
    /// The touches at both ends, as steps.
    var first: Int
    var last: Int
  }

  private(set) var model: Model
  /// Gaps with a column, in the order of columns `columns`.
  private(set) var gaps: [Gap] = []
  private var columns: [Model.ColumnID] = []
  private let core: ScheduleCore
  private let stepOf: [Int]

  /// - Parameter capacity: room at each step; an operator that needs more by itself has just that, and nothing beside it.
  init(_ core: ScheduleCore, order: [Int], capacity: Int) {
    self.core = core
    var stepOf = [Int](repeating: 0, count: core.count)
    for (step, op) in order.enumerated() { stepOf[op] = step }
    self.stepOf = stepOf
    model = Model(name: "residency for a given order")

    var all: [Gap] = []
    var starting = [[Int]](repeating: [], count: order.count)
    for index in core.tensors.indices {
      let steps = core.tensors[index].touches.map { stepOf[$0] }.sorted()
      for (first, last) in zip(steps, steps.dropFirst()) where last - first > 1 {
        starting[first].append(all.count)
        all.append(Gap(tensor: index, first: first, last: last))
      }
    }
    // Steps at which not everything live fits, with what passes over them.
    var passing: [Int] = []
    var rows: [(step: Int, gaps: [Int], excess: Int)] = []
    for (step, op) in order.enumerated() {
      passing.removeAll { all[$0].last <= step }
      let size = passing.reduce(0) { $0 + core.tensors[all[$1].tensor].size }
      let excess = core.footprints[op] + size - max(capacity, core.footprints[op])
      if excess > 0 {
        let row = (step: step, gaps: passing, excess: excess)
        if let last = rows.last, isImplied(last, by: row) { rows.removeLast() }
        if rows.last.map({ !isImplied(row, by: $0) }) ?? true { rows.append(row) }
      }
      passing += starting[step]
    }
    addColumns(all, rows)
  }

  /// Whether every choice of drops that meets `stronger` meets `weaker`.
  private func isImplied(
    _ weaker: (step: Int, gaps: [Int], excess: Int), by stronger: (step: Int, gaps: [Int], excess: Int)
  ) -> Bool {
    weaker.excess <= stronger.excess && Set(stronger.gaps).isSubset(of: weaker.gaps)
  }

  private mutating func addColumns(_ all: [Gap], _ rows: [(step: Int, gaps: [Int], excess: Int)]) {
    let used = Set(rows.flatMap(\.gaps)).sorted()
    var gapsOfTensor = [Int](repeating: 0, count: core.tensors.count)
    for gap in used { gapsOfTensor[all[gap].tensor] += 1 }
    var columnOf: [Int: Model.ColumnID] = [:]
    var spill: [Int: Model.ColumnID] = [:]
    for gap in used {
      let index = all[gap].tensor
      let tensor = core.tensors[index]
      let paysBoth = !tensor.isClean && gapsOfTensor[index] == 1
      let column = model.addColumn(
        "drop_\(tensor.original)_\(all[gap].first)_\(all[gap].last)", .binary, cost: tensor.bytes * (paysBoth ? 2 : 1))
      columnOf[gap] = column
      gaps.append(all[gap])
      columns.append(column)
      if !tensor.isClean, !paysBoth {
        let spilled =
          spill[index] ?? model.addColumn("spill_\(tensor.original)", .continuous, upper: 1, cost: tensor.bytes)
        spill[index] = spilled
        model.addRow("spilled_\(tensor.original)", [Model.Term(1, spilled), Model.Term(-1, column)], lower: 0)
      }
    }
    var effort = 0
    for row in rows {
      // What leaves leaves as a whole.
      let excess = SubsetSums.least(
        of: row.gaps.map { core.tensors[all[$0].tensor].size }, atLeast: row.excess, effort: &effort)
      let terms = row.gaps.compactMap { gap in
        columnOf[gap].map { Model.Term(core.tensors[all[gap].tensor].size, $0) }
      }
      model.addRow("step_\(row.step)", terms, lower: excess)
    }
  }

  /// The gaps that a solution drops.
  func drops(_ values: [Int]) -> [Gap] {
    zip(gaps, columns).filter { values[$0.1.index] == 1 }.map(\.0)
  }

  /// Forbids dropping none of the given gaps: the rest that such plans have in common could not be packed.
  mutating func requireOne(of kept: [Gap]) {
    let terms = zip(gaps, columns).filter { item in
      kept.contains { $0.tensor == item.0.tensor && $0.first == item.0.first }
    }.map { Model.Term(1, $0.1) }
    model.addRow("unpackable_\(model.rows.count)", terms, lower: 1)
  }

  /// Bytes that a set of drops moves.
  static func cost(_ drops: [Gap], _ core: ScheduleCore) -> Int {
    var dropped: Set<Int> = []
    var total = 0
    for gap in drops {
      let tensor = core.tensors[gap.tensor]
      total += tensor.bytes
      if !tensor.isClean, dropped.insert(gap.tensor).inserted { total += tensor.bytes }
    }
    return total
  }
}
