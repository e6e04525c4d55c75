@testable import SpadixOrder

/// The least traffic over all orders and all ways to keep tensors, by Dijkstra's algorithm over whole states; for
/// graphs of a dozen operators. Shares nothing with the scheduler but the conventions of docs/scheduling.md.
struct ScheduleBruteForce {
  struct State: Hashable {
    var executed: UInt64
    var resident: UInt64
    /// Tensors that DRAM holds.
    var stored: UInt64
  }

  let sizes: [Int]
  private let bytes: [Int]
  /// What DRAM holds from the start, or gets anyway once it is produced.
  let held: UInt64
  /// Tensors of each operator, those of them that are final results, and the operators that must run before.
  private let operands: [UInt64]
  private let outputs: [UInt64]
  private let predecessors: [UInt64]
  /// Tensors whose places each operator's result takes.
  private let overwritten: [UInt64]
  /// Operators that touch each tensor.
  private let touches: [UInt64]

  init(problem: ScheduleProblem, scope: ScheduleProblem.Scope) {
    func mask(_ numbers: [Int]) -> UInt64 { numbers.reduce(0) { $0 | 1 << UInt64($1) } }
    sizes = problem.tensors.map(\.size)
    bytes = problem.tensors.map(\.bytes)
    held = mask(problem.tensors.indices.filter { [.input, .parameter].contains(problem.tensors[$0].kind) })
    let operands = problem.operators.map { op in
      mask((op.inputs + op.outputs).map(\.index).filter { scope == .all || problem.tensors[$0].kind != .parameter })
    }
    self.operands = operands
    outputs = problem.operators.map { op in
      mask(op.outputs.map(\.index).filter { problem.tensors[$0].kind == .output })
    }
    predecessors = problem.operators.map { op in
      mask(problem.operators.indices.filter { !Set(problem.operators[$0].outputs).isDisjoint(with: op.inputs) })
    }
    overwritten = problem.operators.map { mask($0.overwritten.map(\.index)) }
    touches = problem.tensors.indices.map { tensor in
      mask(operands.indices.filter { operands[$0] >> UInt64(tensor) & 1 != 0 })
    }
  }

  func elements(_ mask: UInt64) -> [Int] { sizes.indices.filter { mask >> UInt64($0) & 1 != 0 } }

  /// The largest operator's operands.
  var smallestBudget: Int { operands.indices.map { size(operands[$0]) - size(overwritten[$0]) }.max() ?? 0 }

  private func size(_ mask: UInt64) -> Int { elements(mask).reduce(0) { $0 + sizes[$1] } }

  /// The least traffic, nil when it is above a limit or there is no schedule.
  func least(budget: Int, atMost limit: Int = Int.max) -> Int? {
    var best: [State: Int] = [State(executed: 0, resident: 0, stored: held): 0]
    // Every step runs one operator, so one pass per step suffices.
    for _ in operands.indices {
      var next: [State: Int] = [:]
      for (state, cost) in best {
        for op in ready(state) {
          guard let step = arrival(op, state, budget), cost + step.price <= limit else { continue }
          for (after, price) in departures(op, state, step.resident) {
            let total = cost + step.price + price
            if total <= limit, total < next[after] ?? Int.max { next[after] = total }
          }
        }
      }
      best = next
    }
    return best.values.min()
  }

  /// The operators that may run next.
  func ready(_ state: State) -> [Int] {
    operands.indices.filter {
      state.executed >> UInt64($0) & 1 == 0 && predecessors[$0] & ~state.executed == 0
    }
  }

  /// What is resident while an operator runs, and what its fetches cost; nil when that does not fit.
  func arrival(_ op: Int, _ state: State, _ budget: Int) -> (resident: UInt64, price: Int)? {
    let resident = state.resident | operands[op]
    if size(resident) - size(overwritten[op]) > budget { return nil }
    // The first load of an input and the production of a result are free.
    let fetched = elements(operands[op] & ~state.resident).filter { touches[$0] & state.executed != 0 }
    return (resident, fetched.reduce(0) { $0 + bytes[$1] })
  }

  /// The states after an operator: any of the tensors that are still needed may go, at the price of their stores.
  func departures(_ op: Int, _ state: State, _ resident: UInt64) -> [(after: State, price: Int)] {
    let executed = state.executed | 1 << UInt64(op)
    let needed = elements(resident).filter { touches[$0] & ~executed != 0 }
    return (0..<(1 << needed.count)).map { subset in
      var after = State(executed: executed, resident: 0, stored: state.stored | outputs[op])
      var price = 0
      for (number, tensor) in needed.enumerated() {
        if subset & (1 << number) == 0 {
          after.resident |= 1 << UInt64(tensor)
        } else if after.stored >> UInt64(tensor) & 1 == 0 {
          price += bytes[tensor]
          after.stored |= 1 << UInt64(tensor)
        }
      }
      return (after, price)
    }
  }
}
