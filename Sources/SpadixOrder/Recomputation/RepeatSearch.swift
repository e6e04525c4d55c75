import SpadixSupport

/// All sequences of runs of a small problem whose operators may run again, below a cost.
///
/// By number of runs: what has run, what is in the scratchpad, what DRAM holds, and how many runs may still be repeated. A
/// tensor is evicted where room is needed, in smallest sets, with a store or without, which is paid at once.
struct RepeatSearch {
  enum Outcome {
    case found(runs: [ScheduleProblem.OperatorID], cost: Int)
    /// Nothing costs less.
    case nothing
    /// Given up.
    case limit
  }

  private struct State: Hashable {
    var executed: UInt64 = 0
    var resident: UInt64 = 0
    /// Tensors that DRAM holds; one that it holds from the start counts from its first load, which is free.
    var stored: UInt64 = 0
    var repeatsLeft: Int
  }

  private struct Entry {
    var state: State
    var cost: Int
    var parent: Int
    var op: Int
  }

  private struct Candidate {
    var bit: UInt64
    var size: Int
    /// What its store costs; nil where none is needed.
    var store: Int?
    /// Whether it may go without one.
    var mayBeDropped: Bool
  }

  private let recomputation: ScheduleSolution.Recomputation
  private let budget: Int
  private let cancellation: Cancellation?
  private let size: [Int]
  private let bytes: [Int]
  private let prices: [Int]
  private let inputs: [UInt64]
  private let outputs: [UInt64]
  private let predecessors: [UInt64]
  private let readers: [UInt64]
  private let given: UInt64
  private let results: UInt64

  private static let stateLimit = 200_000

  /// Nil for problems of more operators or tensors than a word has bits.
  init?(
    _ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int,
    _ recomputation: ScheduleSolution.Recomputation, cancellation: Cancellation?
  ) {
    guard max(problem.operators.count, problem.tensors.count) <= UInt64.bitWidth else { return nil }
    func mask(_ numbers: [Int]) -> UInt64 { numbers.reduce(0) { $0 | 1 << UInt64($1) } }
    func scheduled(_ tensors: [ScheduleProblem.TensorID]) -> UInt64 {
      mask(tensors.filter { problem.isScheduled($0, in: scope) }.map(\.index))
    }
    self.recomputation = recomputation
    self.budget = budget
    self.cancellation = cancellation
    size = problem.tensors.map(\.size)
    bytes = problem.tensors.map(\.bytes)
    prices = problem.operators.map { recomputation.cyclePrice * $0.cycles }
    let inputs = problem.operators.map { scheduled($0.inputs) }
    let outputs = problem.operators.map { scheduled($0.outputs) }
    self.inputs = inputs
    self.outputs = outputs
    predecessors = inputs.map { read in mask(outputs.indices.filter { outputs[$0] & read != 0 }) }
    readers = problem.tensors.indices.map { tensor in
      mask(inputs.indices.filter { inputs[$0] >> UInt64(tensor) & 1 != 0 })
    }
    let made = outputs.reduce(0, |)
    given = mask(Array(problem.tensors.indices)) & ~made
    results = mask(problem.tensors.indices.filter { problem.tensors[$0].kind == .output })
  }

  /// The cheapest sequence of those that cost less than the cutoff.
  func run(below cutoff: Int) -> Outcome {
    let all = UInt64.max >> UInt64(64 - inputs.count)
    var layers: [[Entry]] = [[Entry(state: State(repeatsLeft: recomputation.limit), cost: 0, parent: -1, op: -1)]]
    var best: (cost: Int, layer: Int, index: Int)?
    var count = 0
    while let layer = layers.last, !layer.isEmpty {
      var next: [Entry] = []
      var indexOfState: [State: Int] = [:]
      for (index, entry) in layer.enumerated() {
        for op in inputs.indices {
          expand(entry, op, below: best?.cost ?? cutoff) { state, cost in
            let made = Entry(state: state, cost: cost, parent: index, op: op)
            if state.executed == all {
              if cost < best?.cost ?? cutoff {
                best = (cost, layers.count, next.count)
                next.append(made)
              }
            } else if let known = indexOfState[state] {
              if cost < next[known].cost { next[known] = made }
            } else {
              indexOfState[state] = next.count
              next.append(made)
            }
          }
        }
        if count + next.count > Self.stateLimit || cancellation?.isCancelled == true { return .limit }
      }
      count += next.count
      layers.append(next)
    }
    guard let best else { return .nothing }
    var runs: [ScheduleProblem.OperatorID] = []
    var index = best.index
    for layer in stride(from: best.layer, to: 0, by: -1) {
      runs.append(ScheduleProblem.OperatorID(layers[layer][index].op))
      index = layers[layer][index].parent
    }
    return .found(runs: runs.reversed(), cost: best.cost)
  }

  private func sum(_ values: [Int], _ set: UInt64) -> Int {
    var total = 0
    var rest = set
    while rest != 0 {
      total += values[rest.trailingZeroBitCount]
      rest &= rest - 1
    }
    return total
  }

  /// Every way to run an operator next.
  private func expand(_ entry: Entry, _ op: Int, below cutoff: Int, _ emit: (State, Int) -> Void) {
    let state = entry.state
    if entry.cost >= cutoff || predecessors.count == state.executed.nonzeroBitCount { return }
    let isRepeat = state.executed >> UInt64(op) & 1 != 0
    if isRepeat {
      // Only for something that is not there.
      if state.repeatsLeft == 0 || outputs[op] & ~state.resident == 0 { return }
    } else if predecessors[op] & ~state.executed != 0 {
      return
    }
    let missing = inputs[op] & ~state.resident
    if missing & ~(state.stored | given) != 0 { return }
    let cost = entry.cost + sum(bytes, missing & state.stored) + (isRepeat ? prices[op] : 0)
    if cost >= cutoff { return }
    let operands = inputs[op] | outputs[op]
    var after = state
    after.executed |= 1 << UInt64(op)
    after.stored |= missing & given | outputs[op] & results
    after.repeatsLeft -= isRepeat ? 1 : 0
    var candidates: [Candidate] = []
    var rest = state.resident & ~operands
    while rest != 0 {
      let tensor = rest.trailingZeroBitCount
      let bit: UInt64 = 1 << UInt64(tensor)
      rest &= rest - 1
      let isClean = (state.stored | given) & bit != 0
      let isNeeded = readers[tensor] & ~after.executed != 0
      candidates.append(
        Candidate(
          bit: bit, size: size[tensor], store: isClean ? nil : bytes[tensor],
          mayBeDropped: isClean || !isNeeded || after.repeatsLeft > 0))
    }
    candidates.sort { ($0.size, $1.bit) > ($1.size, $0.bit) }
    // Taken from large to small, the last one taken is needed.
    func choose(_ number: Int, _ evicted: UInt64, _ stored: UInt64, _ excess: Int, _ cost: Int) {
      if cost >= cutoff { return }
      if excess <= 0 {
        var state = after
        state.stored |= stored
        state.resident = state.resident & ~evicted | operands
        state.resident &= ~superfluous(state)
        emit(state, cost)
        return
      }
      if number == candidates.count { return }
      let candidate = candidates[number]
      let evictedToo = evicted | candidate.bit
      if let store = candidate.store {
        choose(number + 1, evictedToo, stored | candidate.bit, excess - candidate.size, cost + store)
      }
      if candidate.mayBeDropped { choose(number + 1, evictedToo, stored, excess - candidate.size, cost) }
      choose(number + 1, evicted, stored, excess, cost)
    }
    choose(0, 0, 0, sum(size, state.resident | operands) - budget, cost)
  }

  /// Resident tensors that nothing will read.
  private func superfluous(_ state: State) -> UInt64 {
    var result: UInt64 = 0
    var rest = state.resident
    while rest != 0 {
      let tensor = rest.trailingZeroBitCount
      rest &= rest - 1
      let mayRead = state.repeatsLeft > 0 ? readers[tensor] : readers[tensor] & ~state.executed
      if mayRead == 0 { result |= 1 << UInt64(tensor) }
    }
    return result
  }
}
