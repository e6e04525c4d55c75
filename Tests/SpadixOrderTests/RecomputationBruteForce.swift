@testable import SpadixOrder

/// The least traffic over all sequences in which operators may run again, by Dijkstra's algorithm over whole states; for
/// graphs of eight operators. Shares nothing with the scheduler but the conventions of docs/scheduling.md.
struct RecomputationBruteForce {
  private struct State: Hashable {
    var executed: UInt32 = 0
    var resident: UInt32 = 0
    /// Tensors that DRAM holds; an input counts once it was loaded, since only its first load is free.
    var stored: UInt32 = 0
    var repeatsLeft = 0
  }

  private let problem: ScheduleProblem
  private let inputs: [UInt32]
  private let outputs: [UInt32]
  private let predecessors: [UInt32]
  /// Inputs and parameters.
  private let given: UInt32
  private let results: UInt32

  init(problem: ScheduleProblem, scope: ScheduleProblem.Scope) {
    self.problem = problem
    func mask(_ tensors: [ScheduleProblem.TensorID]) -> UInt32 {
      tensors.filter { scope == .all || problem.tensors[$0].kind != .parameter }
        .reduce(0) { $0 | 1 << UInt32($1.index) }
    }
    inputs = problem.operators.map { mask($0.inputs) }
    outputs = problem.operators.map { mask($0.outputs) }
    predecessors = problem.operators.map { op in
      problem.operators.indices.filter { !Set(problem.operators[$0].outputs).isDisjoint(with: op.inputs) }
        .reduce(0) { $0 | 1 << UInt32($1) }
    }
    let tensors = problem.tensors.indices.map(ScheduleProblem.TensorID.init)
    given = mask(tensors.filter { [.input, .parameter].contains(problem.tensors[$0].kind) })
    results = mask(tensors.filter { problem.tensors[$0].kind == .output })
  }

  private func elements(_ mask: UInt32) -> [Int] { problem.tensors.indices.filter { mask >> UInt32($0) & 1 != 0 } }

  private func size(_ mask: UInt32) -> Int { elements(mask).reduce(0) { $0 + problem.tensors[$1].size } }

  /// The least cost of at most the limit; nil when there is none.
  func least(budget: Int, _ recomputation: ScheduleSolution.Recomputation, atMost limit: Int) -> Int? {
    let all = UInt32(1 << problem.operators.count) - 1
    var queue = [[State]](repeating: [], count: limit + 1)
    queue[0] = [State(repeatsLeft: recomputation.limit)]
    var settled: Set<State> = []
    for cost in 0...limit {
      while let state = queue[cost].popLast() {
        guard settled.insert(state).inserted else { continue }
        if state.executed == all { return cost }
        for op in problem.operators.indices {
          let isRepeat = state.executed >> UInt32(op) & 1 != 0
          if isRepeat ? state.repeatsLeft == 0 : predecessors[op] & ~state.executed != 0 { continue }
          var price = isRepeat ? recomputation.cyclePrice * problem.operators[op].cycles : 0
          let missing = inputs[op] & ~state.resident
          if missing & ~(state.stored | given) != 0 { continue }
          price += elements(missing & state.stored).reduce(0) { $0 + problem.tensors[$1].bytes }
          let operands = inputs[op] | outputs[op]
          let excess = size(state.resident | operands) - budget
          for (evicted, stored) in evictions(state, sparing: operands, excess: excess) {
            let fresh = elements(stored & ~state.stored & ~given).reduce(0) { $0 + problem.tensors[$1].bytes }
            let total = cost + price + fresh
            if total > limit { continue }
            queue[total].append(
              State(
                executed: state.executed | 1 << UInt32(op), resident: state.resident & ~evicted | operands,
                stored: state.stored | stored | missing & given | outputs[op] & results,
                repeatsLeft: state.repeatsLeft - (isRepeat ? 1 : 0)))
          }
        }
      }
    }
    return nil
  }

  /// The smallest sets of tensors to evict for an excess, with every choice of those that are stored first.
  private func evictions(_ state: State, sparing operands: UInt32, excess: Int) -> [(evicted: UInt32, stored: UInt32)] {
    if excess <= 0 { return [(0, 0)] }
    let candidates = state.resident & ~operands
    var result: [(UInt32, UInt32)] = []
    var evicted = candidates
    while evicted != 0 {
      let freed = size(evicted)
      let isMinimal = elements(evicted).allSatisfy { freed - problem.tensors[$0].size < excess }
      if freed >= excess, isMinimal {
        let dirty = evicted & ~state.stored & ~given
        var stored = dirty
        while true {
          result.append((evicted, stored))
          if stored == 0 { break }
          stored = (stored - 1) & dirty
        }
      }
      evicted = (evicted - 1) & candidates
    }
    return result
  }
}
