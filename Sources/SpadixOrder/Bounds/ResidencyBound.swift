import SpadixMIP
import SpadixSupport

/// A lower bound that no order can beat: residency where tensors are live in every order.
///
/// A tensor is live at an operator in every order when some touch of it is among the operator's ancestors and another
/// among its descendants. A longest chain of its touches cuts time into windows; dropping it at an operator costs a
/// fetch in a window that the operator can lie in. Where the order is forced the bound is exact.
///
/// With cuts, an operator also has a row for the least that is live beside it in any order (`WavefrontBound`), over all
/// tensors that may be: whichever they are, so much of them is not in the scratchpad.
struct ResidencyBound {
  let model: Model
  /// Elementary steps of the cuts.
  private(set) var effort = 0

  /// Terms of the rows for cuts in all, since GLPK has to get through them.
  private static let largestCutTerms = 40_000

  /// - Parameter cutEffort: elementary steps for cuts; 0 for none.
  init(_ core: ScheduleCore, capacity: Int, cutEffort: Int = 0, cancellation: Cancellation? = nil) {
    var model = Model(name: "residency in every order")
    let ancestors = core.ancestors()
    var rows: [BoundRow<Place>] = []
    var windowsOfTensor = [Set<Int>](repeating: [], count: core.tensors.count)
    let chains = core.tensors.map { Self.longestChain($0.touches, ancestors) }
    for op in core.operators.indices {
      var places: [Place] = []
      var size = core.footprints[op]
      for (index, tensor) in core.tensors.enumerated() where core.isLive(tensor, beside: op, ancestors) {
        places.append(Place(tensor: index, beside: op, chain: chains[index], ancestors))
        size += tensor.size
      }
      if size > capacity { rows.append(BoundRow(op: op, places: places, excess: size - capacity)) }
    }
    rows = BoundRow.undominated(rows)
    if cutEffort > 0 {
      let known = Dictionary(uniqueKeysWithValues: rows.map { ($0.op, $0.excess) })
      var cuts = WavefrontBound(core, ancestors)
      let possible = core.operators.indices.map { op in
        let limits = cuts.simpleLimits(op)
        return (op: op, most: core.footprints[op] + min(limits.early, limits.late) - capacity)
      }
      var cutRows: [BoundRow<Place>] = []
      for (op, most) in possible.sorted(by: { ($0.most, $1.op) > ($1.most, $0.op) }) {
        if most <= max(0, known[op] ?? 0) || cuts.effort >= cutEffort || cancellation?.isCancelled == true { continue }
        let excess = core.footprints[op] + cuts.least(beside: op) - capacity
        if excess > max(0, known[op] ?? 0) {
          cutRows.append(BoundRow(op: op, places: Self.possiblePlaces(core, chains, ancestors, op), excess: excess))
        }
      }
      effort = cuts.effort
      var terms = 0
      for row in cutRows.sorted(by: { ($0.excess, $1.op) > ($1.excess, $0.op) }) {
        terms += row.places.count
        if terms > Self.largestCutTerms { break }
        rows.append(row)
      }
    }
    for row in rows {
      for place in row.places { windowsOfTensor[place.tensor].formUnion(place.earliest...place.latest) }
    }
    var fetched: [[Int: Model.ColumnID]] = []
    for (index, tensor) in core.tensors.enumerated() {
      let windows = windowsOfTensor[index].sorted()
      var columns: [Int: Model.ColumnID] = [:]
      let paysBoth = !tensor.isClean && windows.count == 1
      for window in windows {
        columns[window] = model.addColumn(
          "fetch_\(tensor.original)_\(window)", .binary, cost: tensor.bytes * (paysBoth ? 2 : 1))
      }
      if !tensor.isClean, windows.count > 1 {
        let spilled = model.addColumn("spill_\(tensor.original)", .continuous, upper: 1, cost: tensor.bytes)
        for window in windows {
          if let column = columns[window] {
            model.addRow("spilled_\(tensor.original)", [Model.Term(1, spilled), Model.Term(-1, column)], lower: 0)
          }
        }
      }
      fetched.append(columns)
    }
    var anywhere: [Place: Model.ColumnID] = [:]
    for row in rows {
      let excess = SubsetSums.least(
        of: row.places.map { core.tensors[$0.tensor].size }, atLeast: row.excess, effort: &effort)
      var terms: [Model.Term] = []
      for place in row.places {
        let tensor = core.tensors[place.tensor]
        let windows = (place.earliest...place.latest).compactMap { fetched[place.tensor][$0] }
        var column = windows[0]
        if windows.count > 1 {
          if let known = anywhere[place] {
            column = known
          } else {
            column = model.addColumn("drop_\(tensor.original)_\(place.earliest)_\(place.latest)", .binary)
            anywhere[place] = column
            model.addRow(
              "window_\(tensor.original)", windows.map { Model.Term(1, $0) } + [Model.Term(-1, column)], lower: 0)
          }
        }
        terms.append(Model.Term(tensor.size, column))
      }
      model.addRow("operator_\(row.op)", terms, lower: excess)
    }
    self.model = model
  }

  /// A tensor at an operator, and the windows of the tensor's chain that the operator can lie in.
  private struct Place: Hashable {
    var tensor: Int
    var earliest: Int
    var latest: Int

    /// Window w lies between the elements w - 1 and w of the chain.
    init(tensor: Int, beside op: Int, chain: [Int], _ ancestors: [Bitset]) {
      self.tensor = tensor
      earliest = chain.lastIndex { ancestors[op].contains($0) }.map { $0 + 1 } ?? 0
      latest = chain.firstIndex { ancestors[$0].contains(op) } ?? chain.count
    }

  }

  /// All tensors that may be live beside an operator, with the windows that it can lie in then.
  private static func possiblePlaces(
    _ core: ScheduleCore, _ chains: [[Int]], _ ancestors: [Bitset], _ op: Int
  ) -> [Place] {
    let operands = Set(core.operators[op].operands)
    var places: [Place] = []
    for (index, tensor) in core.tensors.enumerated() where !operands.contains(index) {
      let mayPrecede = tensor.touches.filter { !ancestors[$0].contains(op) }
      let mayFollow = tensor.touches.filter { !ancestors[op].contains($0) }
      // Two different ones, of which the producer is the first.
      guard let first = mayPrecede.first, mayFollow.contains(where: { $0 != first }) || mayPrecede.count > 1 else {
        continue
      }
      if let producer = tensor.producer, !mayPrecede.contains(producer) { continue }
      if mayFollow.isEmpty { continue }
      let chain = chains[index]
      // Before the first and after the last element of a chain of all touches it is not live.
      let isChain = chain.count == tensor.touches.count
      let start = isChain || chain.first == tensor.producer ? 1 : 0
      let end = isChain ? chain.count - 1 : chain.count
      var place = Place(tensor: index, beside: op, chain: chain, ancestors)
      (place.earliest, place.latest) = (max(start, place.earliest), min(end, place.latest))
      if place.earliest <= place.latest { places.append(place) }
    }
    return places
  }

  static func longestChain(_ touches: [Int], _ ancestors: [Bitset]) -> [Int] {
    var length = [Int](repeating: 1, count: touches.count)
    var previous = [Int](repeating: -1, count: touches.count)
    for later in touches.indices {
      for earlier in 0..<later where ancestors[touches[later]].contains(touches[earlier]) {
        if length[earlier] + 1 > length[later] {
          length[later] = length[earlier] + 1
          previous[later] = earlier
        }
      }
    }
    guard var current = touches.indices.max(by: { (length[$0], $1) < (length[$1], $0) }) else { return [] }
    var chain: [Int] = []
    while current >= 0 {
      chain.append(touches[current])
      current = previous[current]
    }
    return chain.reversed()
  }
}

/// What does not fit beside an operator, and places of which enough must be dropped.
struct BoundRow<Place: Hashable> {
  var op: Int
  var places: [Place]
  var excess: Int

  /// The rows that no other row implies.
  static func undominated(_ rows: [Self]) -> [Self] {
    let sets = rows.map { Set($0.places) }
    return rows.indices.filter { index in
      !rows.indices.contains { other in
        guard other != index, rows[other].excess >= rows[index].excess,
          sets[other].count <= sets[index].count, sets[other].isSubset(of: sets[index])
        else { return false }
        let isSame = rows[other].excess == rows[index].excess && sets[other].count == sets[index].count
        return !isSame || other < index
      }
    }.map { rows[$0] }
  }
}
