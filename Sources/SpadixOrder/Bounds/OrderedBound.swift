import SpadixMIP

/// A lower bound in which the order of two operators that may run either way is a choice too, where few may.
///
/// Where one branch waits for another, a tensor of the one or of the other is live, but neither in every order, so that
/// `ResidencyBound` sees nothing. Here a binary `u_before_v` says which comes first, a tensor is live at an operator
/// between two of its touches, and costs a fetch to be dropped there.
struct OrderedBound {
  /// Nil when the block has other numbers of pairs of operators without an order. Without the rows of `orders` it bounds too.
  private(set) var model: Model?
  /// What makes an order of the pairs, and is not in the model yet: of three operators none is before the next one all around.
  private var orders: [Order] = []

  /// A sum of columns that is at most so much.
  private struct Order {
    var terms: [Model.Term]
    var most: Int
  }

  private let core: ScheduleCore
  /// The pairs of operators without an order, and the columns that say whether the first one runs first.
  private var columns: [(pair: Pair, column: Model.ColumnID)] = []

  /// Rows that come to the model at once.
  private static let rowsAtOnce = 400

  /// - Parameter limits: how many pairs of operators without an order there may be.
  init(_ core: ScheduleCore, capacity: Int, pairs limits: ClosedRange<Int> = 0...100) {
    self.core = core
    let ancestors = core.ancestors()
    var pairs: [Pair] = []
    for later in core.operators.indices {
      for earlier in 0..<later where !ancestors[later].contains(earlier) { pairs.append(Pair(earlier, later)) }
    }
    guard limits.contains(pairs.count) else {
      model = nil
      return
    }
    var builder = Builder(core, ancestors)
    for pair in pairs {
      columns.append((pair, Model.ColumnID(builder.model.columns.count)))
      builder.before[pair] = builder.model.addColumn("op\(pair.first)_before_op\(pair.second)", .binary)
    }
    builder.everythingFits(capacity: capacity)
    model = builder.model
    orders = builder.orders()
  }

  /// Adds rows of order that some values violate: a small part where there are many, which bounds as well as all of them.
  ///
  /// - Returns: whether there were any.
  mutating func addViolated(by values: [Double]) -> Bool {
    let violations = orders.map { row in
      row.terms.reduce(-Double(row.most)) { $0 + Double($1.coefficient) * values[$1.column.index] }
    }
    let violated = orders.indices.filter { violations[$0] > 0.01 }
      .sorted { (violations[$1], $0) < (violations[$0], $1) }.prefix(Self.rowsAtOnce)
    for row in violated { model?.addRow("order", orders[row].terms, upper: orders[row].most) }
    let added = Set(violated)
    orders = orders.indices.filter { !added.contains($0) }.map { orders[$0] }
    return !added.isEmpty
  }

  /// A legal order from values of the columns: of what is ready, that with the fewest operators before it.
  func order(_ values: [Int]) -> [Int] {
    var before = core.ancestors().map(\.population)
    for (pair, column) in columns { before[values[column.index] > 0 ? pair.second : pair.first] += 1 }
    var waiting = core.operators.map(\.predecessors.count)
    var ready = core.operators.indices.filter { waiting[$0] == 0 }
    var order: [Int] = []
    while let next = ready.indices.min(by: { (before[ready[$0]], ready[$0]) < (before[ready[$1]], ready[$1]) }) {
      let op = ready.remove(at: next)
      order.append(op)
      for successor in core.operators[op].successors {
        waiting[successor] -= 1
        if waiting[successor] == 0 { ready.append(successor) }
      }
    }
    return order
  }

  /// The model with all rows of order.
  var modelWithAllOrders: Model? {
    guard var model else { return nil }
    for row in orders { model.addRow("order", row.terms, upper: row.most) }
    return model
  }

  private struct Pair: Hashable {
    var first: Int
    var second: Int
    init(_ first: Int, _ second: Int) {
      self.first = first
      self.second = second
    }
  }

  private struct Builder {
    let core: ScheduleCore
    let ancestors: [Bitset]
    var model = Model(name: "residency and order")
    var before: [Pair: Model.ColumnID] = [:]
    private var fetches: [Pair: Model.ColumnID] = [:]
    private var spills: [Int: Model.ColumnID] = [:]
    private var drops: [Place: Model.ColumnID] = [:]
    private var effort = 0

    init(_ core: ScheduleCore, _ ancestors: [Bitset]) {
      self.core = core
      self.ancestors = ancestors
    }

    /// 1 when the first operator runs before the second.
    func isBefore(_ first: Int, _ second: Int) -> LinearExpression {
      if ancestors[second].contains(first) { return LinearExpression(constant: 1) }
      if ancestors[first].contains(second) { return LinearExpression(constant: 0) }
      if let column = before[Pair(first, second)] {
        return LinearExpression(constant: 0, terms: [Model.Term(1, column)])
      }
      guard let column = before[Pair(second, first)] else { return LinearExpression(constant: 0) }
      return LinearExpression(constant: 1, terms: [Model.Term(-1, column)])
    }

    func orders() -> [Order] {
      var rows: [Order] = []
      for pair in before.keys.sorted(by: { ($0.first, $0.second) < ($1.first, $1.second) }) {
        for third in core.operators.indices where third != pair.first && third != pair.second {
          // first before second and second before third: first before third.
          for (one, two, three) in [(pair.first, pair.second, third), (pair.second, pair.first, third)] {
            let parts = [isBefore(one, two), isBefore(two, three), isBefore(three, one)]
            let constant = parts.reduce(0) { $0 + $1.constant }
            let terms = parts.flatMap(\.terms)
            let most = constant + terms.filter { $0.coefficient > 0 }.count
            if most > 2 { rows.append(Order(terms: terms, most: 2 - constant)) }
          }
        }
      }
      return rows
    }

    /// What is live while an operator runs fits beside it.
    mutating func everythingFits(capacity: Int) {
      var rows: [BoundRow<Place>] = []
      for op in core.operators.indices {
        var places: [Place] = []
        var possible: [(tensor: Int, live: [LinearExpression])] = []
        var size = core.footprints[op]
        for (index, tensor) in core.tensors.enumerated() where core.mayBeLive(tensor, beside: op, ancestors) {
          if core.isLive(tensor, beside: op, ancestors) {
            places.append(place(index, op))
          } else {
            let live = liveness(of: tensor, at: op)
            if live.isEmpty { continue }
            possible.append((index, live))
          }
          size += tensor.size
        }
        if size <= capacity { continue }
        let row = BoundRow(op: op, places: places, excess: size - capacity)
        if possible.isEmpty { rows.append(row) } else { fits(row, possible) }
      }
      for row in BoundRow<Place>.undominated(rows) { fits(row, []) }
    }

    /// - Parameter possible: tensors that are live beside the operator in some orders; the places are those of all others.
    private mutating func fits(_ row: BoundRow<Place>, _ possible: [(tensor: Int, live: [LinearExpression])]) {
      var terms = row.places.map { Model.Term(core.tensors[$0.tensor].size, drop($0, beside: row.op)) }
      var excess = row.excess
      for (index, live) in possible {
        let kept = model.addColumn("keep_\(core.tensors[index].original)_\(row.op)", .continuous, upper: 1)
        let dropped = drop(place(index, row.op), beside: row.op)
        for expression in live {
          model.require(
            "live_\(core.tensors[index].original)_\(row.op)", .column(kept) + .column(dropped) - expression, atLeast: 0)
        }
        terms.append(Model.Term(-core.tensors[index].size, kept))
        excess -= core.tensors[index].size
      }
      if possible.isEmpty {
        let sizes = row.places.map { core.tensors[$0.tensor].size }
        excess = SubsetSums.least(of: sizes, atLeast: excess, effort: &effort)
      }
      model.addRow("operator_\(row.op)", terms, lower: excess)
    }

    /// For each two touches that can lie around an operator an expression of at most 1, and 1 when they do.
    private func liveness(of tensor: ScheduleCore.Tensor, at op: Int) -> [LinearExpression] {
      var result: [LinearExpression] = []
      for earlier in tensor.touches {
        for later in tensor.touches where earlier != later {
          let parts = [isBefore(earlier, op), isBefore(op, later)]
          let terms = parts.flatMap(\.terms)
          let constant = parts.reduce(-1) { $0 + $1.constant }
          if constant + terms.filter({ $0.coefficient > 0 }).count < 1 { continue }
          if terms.isEmpty { return [LinearExpression(constant: 1)] }
          result.append(LinearExpression(constant: constant, terms: terms))
        }
      }
      return result
    }

    /// A tensor beside an operator, the touches that may be the next ones, and those of them that surely come later.
    private struct Place: Hashable {
      var tensor: Int
      var next: [Int]
      var later: [Int]
      /// The operator; nil where it makes no difference, since all of the next touches surely come later.
      var op: Int?
    }

    private func place(_ index: Int, _ op: Int) -> Place {
      let tensor = core.tensors[index]
      let later = tensor.touches.filter { $0 != tensor.producer && !ancestors[op].contains($0) }
      // One that surely comes between makes a later one not the next.
      let next = later.filter { touch in
        !later.contains { ancestors[touch].contains($0) && ancestors[$0].contains(op) }
      }
      let sure = next.filter { ancestors[$0].contains(op) }
      return Place(tensor: index, next: next, later: sure, op: next.count == sure.count || next.count == 1 ? nil : op)
    }

    /// 1 where a tensor is dropped, which costs a fetch for its next touch.
    private mutating func drop(_ place: Place, beside op: Int) -> Model.ColumnID {
      if place.next.count == 1 { return fetch(place.tensor, place.next[0]) }
      if let known = drops[place] { return known }
      let name = "\(core.tensors[place.tensor].original)_\(place.next)"
      let column = model.addColumn("drop_\(name)", .binary)
      drops[place] = column
      let fetches = place.next.map { LinearExpression.column(fetch(place.tensor, $0)) }
      let unsure = place.next.indices.filter { !place.later.contains(place.next[$0]) }
      // One is fetched; of some that may run before the operator another one, or these do not.
      for before in Self.subsets(of: unsure) {
        let others = place.next.indices.filter { !before.contains($0) }.map { fetches[$0] }
        let after = before.map { isBefore(op, place.next[$0]) }
        model.require("fetched_\(name)", (others + after).reduce(-1 * .column(column), +), atLeast: 0)
      }
      for (number, touch) in place.next.enumerated() {
        // Unless it runs before the operator, or another one comes between: after the operator, and before the touch.
        let isUnsure = unsure.contains(number)
        let others = place.next.indices.filter { $0 != number }
        for early in Self.subsets(of: unsure.filter { $0 != number }) {
          var parts = others.map {
            early.contains($0) ? isBefore(op, place.next[$0]) : isBefore(place.next[$0], touch)
          }
          if isUnsure { parts.append(isBefore(touch, op)) }
          model.require("fetched_\(name)", parts.reduce(fetches[number] - .column(column), +), atLeast: 0)
        }
      }
      return column
    }

    /// All subsets where they are few, otherwise none, each item by itself, and all.
    private static func subsets(of items: [Int]) -> [[Int]] {
      if items.count <= 3 {
        return (0..<1 << items.count).map { bits in items.indices.filter { bits >> $0 & 1 == 1 }.map { items[$0] } }
      }
      return [[]] + items.map { [$0] } + [items]
    }

    /// A fetch of a tensor for a touch, for which what DRAM does not hold is stored.
    private mutating func fetch(_ index: Int, _ touch: Int) -> Model.ColumnID {
      if let known = fetches[Pair(index, touch)] { return known }
      let tensor = core.tensors[index]
      let column = model.addColumn("fetch_\(tensor.original)_op\(touch)", .binary, cost: tensor.bytes)
      fetches[Pair(index, touch)] = column
      if !tensor.isClean {
        let spill =
          spills[index] ?? model.addColumn("spill_\(tensor.original)", .continuous, upper: 1, cost: tensor.bytes)
        spills[index] = spill
        model.addRow("spilled_\(tensor.original)", [Model.Term(1, spill), Model.Term(-1, column)], lower: 0)
      }
      return column
    }
  }
}
