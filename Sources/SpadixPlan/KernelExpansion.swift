/// All ways on from a state of the dynamic program through one step.
struct KernelExpansion {
  private typealias Status = KernelStates.Status
  private typealias Choice = KernelStates.Choice

  /// What can become of one touched tensor.
  private struct Option {
    var choice: UInt8
    /// 0 where the tensor does not stay.
    var status: UInt64
    var cost: Objective.Rank
  }

  private let steps: KernelSteps
  private var step = KernelSteps.Step(touched: [], groups: [])
  /// By tensor, its position among those that the step touches; -1 for all others.
  private var touchedPosition: [Int]
  /// Rows of the tensors that have been touched.
  private var rowsOfTensor: [Int]
  /// Ways on that were looked at, in all steps.
  private(set) var work = 0

  private var wishes: [Bool]?
  private var options: [[Option]] = []
  private var chosen: [Int] = []
  private var choices: [UInt8] = []

  init(_ steps: KernelSteps) {
    self.steps = steps
    touchedPosition = Array(repeating: -1, count: steps.tensorCount)
    rowsOfTensor = Array(repeating: 0, count: steps.tensorCount)
  }

  /// - Parameter wishes: by touched tensor, whether it should stay until its next touch, where it can; nil for all ways.
  mutating func begin(_ step: KernelSteps.Step, wishes: [Bool]?) {
    self.step = step
    self.wishes = wishes
    for (position, item) in step.touched.enumerated() {
      touchedPosition[item.tensor] = position
      rowsOfTensor[item.tensor] = item.rows
    }
    options = Array(repeating: [], count: step.touched.count)
    chosen = Array(repeating: 0, count: step.touched.count)
    choices = Array(repeating: 0, count: step.touched.count)
  }

  mutating func end() {
    for item in step.touched { touchedPosition[item.tensor] = -1 }
  }

  /// Every way on from a state; false when the limit on ways cut some off.
  mutating func extend(
    _ layer: KernelStates, _ state: Int, first: Int, group number: Int?, choiceLimit: Int,
    into next: inout KernelStates
  ) -> Bool {
    // Tensors that are not touched keep their status.
    var passing: [UInt64] = []
    var passingRows = 0
    var passingHash: UInt64 = 0
    var before = [UInt64](repeating: 0, count: step.touched.count)
    var dirty: [Int] = []
    for entry in layer.residents(of: state) {
      let tensor = Int(entry >> 2)
      let position = touchedPosition[tensor]
      if position >= 0 {
        before[position] = entry & 3
        if entry & 3 == Status.dirty { dirty.append(position) }
      } else {
        passing.append(entry)
        passingRows += rowsOfTensor[tensor]
        passingHash &+= KernelStates.hash(entry)
      }
    }
    var budget = choiceLimit
    for group in step.groups {
      // What only the scratchpad holds cannot be streamed.
      if dirty.contains(where: { !group.isResident[$0] }) { continue }
      work += step.touched.count
      var isPossible = true
      for (position, item) in step.touched.enumerated() {
        options[position] = Self.options(item, group.isResident[position], before[position])
        if let wishes, options[position].count > 1 {
          let wished = options[position].filter { ($0.choice & Choice.isKept != 0) == wishes[position] }
          if !wished.isEmpty { options[position] = wished }
        }
        if options[position].isEmpty { isPossible = false }
      }
      if !isPossible { continue }
      choose(group, passing, passingRows, passingHash, &budget) { entries, hash, cost, alternative, choices in
        next.offer(
          entries, hash: hash, rank: layer.ranks[state] + cost + alternative.rank,
          way: KernelStates.Way(first: first, parent: state, group: number, alternative: alternative.index),
          choices: choices)
      }
      if budget == 0 { return false }
    }
    return true
  }

  /// Goes through the combinations of options, the first tensor's slowest.
  private mutating func choose(
    _ group: KernelSteps.Group, _ passing: [UInt64], _ passingRows: Int, _ passingHash: UInt64, _ budget: inout Int,
    _ emit: ([UInt64], UInt64, Objective.Rank, KernelSteps.Alternative, [UInt8]) -> Void
  ) {
    let touched = step.touched
    let branching = touched.indices.filter { options[$0].count > 1 }
    var rows = passingRows
    for position in touched.indices {
      chosen[position] = 0
      if options[position].count == 1, options[position][0].choice & Choice.isPresent != 0 {
        rows += touched[position].rows
      }
    }
    // Rows in use with the first `level` of the branching tensors decided.
    var rowsAt = [Int](repeating: rows, count: branching.count + 1)
    for position in branching { chosen[position] = -1 }
    var level = 0
    if rows > steps.capacity { return }
    while true {
      if level == branching.count {
        if budget == 0 { return }
        budget -= 1
        work += 1
        finish(group, passing, rowsAt[level], passingHash, emit)
        level -= 1
        if level < 0 { return }
        continue
      }
      let position = branching[level]
      chosen[position] += 1
      if chosen[position] == options[position].count {
        chosen[position] = -1
        level -= 1
        if level < 0 { return }
        continue
      }
      let isPresent = options[position][chosen[position]].choice & Choice.isPresent != 0
      let total = rowsAt[level] + (isPresent ? touched[position].rows : 0)
      if total > steps.capacity { continue }
      rowsAt[level + 1] = total
      level += 1
    }
  }

  private mutating func finish(
    _ group: KernelSteps.Group, _ passing: [UInt64], _ rows: Int, _ passingHash: UInt64,
    _ emit: ([UInt64], UInt64, Objective.Rank, KernelSteps.Alternative, [UInt8]) -> Void
  ) {
    guard let alternative = group.alternatives.first(where: { $0.rows <= steps.capacity - rows }) else { return }
    var cost = Objective.Rank.zero
    var hash = passingHash
    var entries = passing
    let start = entries.count
    for (position, item) in step.touched.enumerated() {
      let option = options[position][chosen[position]]
      choices[position] = option.choice
      cost = cost + option.cost
      if option.status != 0 {
        let entry = UInt64(item.tensor) << 2 | option.status
        entries.append(entry)
        hash &+= KernelStates.hash(entry)
      }
    }
    Self.sortIn(&entries, from: start)
    emit(entries, hash, cost, alternative, choices)
  }

  /// Sorts entries of which those before `start` are sorted already and the others are few.
  private static func sortIn(_ entries: inout [UInt64], from start: Int) {
    if entries.count - start > 16 {
      entries.sort()
      return
    }
    for index in start..<entries.count {
      let entry = entries[index]
      var at = index
      while at > 0, entries[at - 1] > entry {
        entries[at] = entries[at - 1]
        at -= 1
      }
      entries[at] = entry
    }
  }

  private static func options(_ item: KernelSteps.Touched, _ isResident: Bool, _ before: UInt64) -> [Option] {
    let present = Choice.isPresent
    if item.isProduction {
      guard isResident else { return [Option(choice: 0, status: 0, cost: .zero)] }
      guard item.hasNext else {
        return item.isOutput
          ? [Option(choice: present | Choice.isSpilled, status: 0, cost: item.spill)]
          : [Option(choice: present, status: 0, cost: .zero)]
      }
      let stored = [
        Option(choice: present | Choice.isSpilled | Choice.isKept, status: Status.clean, cost: item.spill),
        Option(choice: present | Choice.isSpilled, status: 0, cost: item.spill),
      ]
      if item.isOutput { return stored }
      return [Option(choice: present | Choice.isKept, status: Status.dirty, cost: .zero)] + stored
    }
    switch (isResident, before) {
    case (true, 0):
      let fetched = Option(choice: present | Choice.isFetched, status: 0, cost: item.fetch)
      guard item.hasNext else { return [fetched] }
      return [
        Option(choice: present | Choice.isFetched | Choice.isKept, status: Status.clean, cost: item.fetch), fetched,
      ]
    case (true, Status.clean):
      let dropped = Option(choice: present, status: 0, cost: .zero)
      guard item.hasNext else { return [dropped] }
      return [Option(choice: present | Choice.isKept, status: Status.clean, cost: .zero), dropped]
    case (true, _):
      // What DRAM does not hold can only stay, or end with its last use.
      return [
        item.hasNext
          ? Option(choice: present | Choice.isKept, status: Status.dirty, cost: .zero)
          : Option(choice: present, status: 0, cost: .zero)
      ]
    case (false, 0): return [Option(choice: 0, status: 0, cost: .zero)]
    case (false, Status.clean):
      // Kept up to a step that does not need it: worth while only to go on.
      return item.hasNext ? [Option(choice: present | Choice.isKept, status: Status.clean, cost: .zero)] : []
    case (false, _): return []
    }
  }
}
