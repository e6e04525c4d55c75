import SpadixSchedule

/// The least traffic over all orders and all ways to keep tensors, by Dijkstra's algorithm over whole states; for
/// graphs of a dozen operators. Shares nothing with the scheduler but the conventions of docs/scheduling.md.
struct ScheduleBruteForce {
  private struct State: Hashable {
    var executed: UInt64
    var resident: UInt64
    /// Tensors that DRAM holds.
    var stored: UInt64
  }

  private let sizes: [Int]
  private let bytes: [Int]
  /// What DRAM holds from the start, or gets anyway once it is produced.
  private let held: UInt64
  /// Tensors of each operator, those of them that are final results, and the operators that must run before.
  private let operands: [UInt64]
  private let outputs: [UInt64]
  private let predecessors: [UInt64]
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
    touches = problem.tensors.indices.map { tensor in
      mask(operands.indices.filter { operands[$0] >> UInt64(tensor) & 1 != 0 })
    }
  }

  private func elements(_ mask: UInt64) -> [Int] { sizes.indices.filter { mask >> UInt64($0) & 1 != 0 } }

  /// The largest operator's operands.
  var smallestBudget: Int { operands.map { elements($0).reduce(0) { $0 + sizes[$1] } }.max() ?? 0 }

  /// The least traffic, nil when it is above a limit or there is no schedule.
  func least(budget: Int, atMost limit: Int = Int.max) -> Int? {
    var best: [State: Int] = [State(executed: 0, resident: 0, stored: held): 0]
    // Every step runs one operator, so one pass per step suffices.
    for _ in operands.indices {
      var next: [State: Int] = [:]
      for (state, cost) in best {
        for op in operands.indices
        where state.executed >> UInt64(op) & 1 == 0 && predecessors[op] & ~state.executed == 0 {
          run(op, state, cost, budget, limit, &next)
        }
      }
      best = next
    }
    return best.values.min()
  }

  private func run(
    _ op: Int, _ state: State, _ cost: Int, _ budget: Int, _ limit: Int, _ next: inout [State: Int]
  ) {
    var total = cost
    // The first load of an input and the production of a result are free.
    for tensor in elements(operands[op] & ~state.resident) where touches[tensor] & state.executed != 0 {
      total += bytes[tensor]
    }
    let resident = state.resident | operands[op]
    let tensors = elements(resident)
    if total > limit || tensors.reduce(0, { $0 + sizes[$1] }) > budget { return }
    // Afterwards any of the tensors that are still needed may go.
    let executed = state.executed | 1 << UInt64(op)
    let needed = tensors.filter { touches[$0] & ~executed != 0 }
    for subset in 0..<(1 << needed.count) {
      var after = State(executed: executed, resident: 0, stored: state.stored | outputs[op])
      var price = total
      for (number, tensor) in needed.enumerated() {
        if subset & (1 << number) == 0 {
          after.resident |= 1 << UInt64(tensor)
        } else if after.stored >> UInt64(tensor) & 1 == 0 {
          price += bytes[tensor]
          after.stored |= 1 << UInt64(tensor)
        }
      }
      if price <= limit, price < next[after] ?? Int.max { next[after] = price }
    }
  }
}

/// A random graph with inputs, shared and private parameters, several results and outputs.
func randomScheduleProblem(seed: UInt64, operators: Int) -> ScheduleProblem {
  var random = SplitMix(seed: seed)
  var tensors: [ScheduleProblem.Tensor] = []
  func add(_ kind: ScheduleProblem.TensorKind, _ random: inout SplitMix) -> ScheduleProblem.TensorID {
    let size = random.chance(5) ? 0 : 1 + random.next(9)
    tensors.append(
      ScheduleProblem.Tensor(
        id: 100 + tensors.count, name: "t\(tensors.count)", size: size, bytes: size, kind: kind))
    return ScheduleProblem.TensorID(tensors.count - 1)
  }
  var available = [add(.input, &random)]
  if random.chance(40) { available.append(add(.input, &random)) }
  let shared = add(.parameter, &random)
  let reach = 1 + random.next(6)
  var ops: [ScheduleProblem.Operator] = []
  for number in 0..<operators {
    var inputs: [ScheduleProblem.TensorID] = []
    for _ in 0...random.next(3) { inputs.append(available[max(0, available.count - 1 - random.next(reach))]) }
    if random.chance(25) { inputs.append(shared) }
    if random.chance(30) { inputs.append(add(.parameter, &random)) }
    var outputs: [ScheduleProblem.TensorID] = []
    for _ in 0..<(random.chance(15) ? 2 : 1) {
      let kind: ScheduleProblem.TensorKind = number == operators - 1 || random.chance(10) ? .output : .activation
      outputs.append(add(kind, &random))
    }
    available += outputs
    ops.append(ScheduleProblem.Operator(id: 10 + number, name: "op", inputs: inputs, outputs: outputs))
  }
  return ScheduleProblem(name: "random \(seed)", tensors: tensors, operators: ops)
}

/// A random graph of chains, splits and joins: most results are read once, by an operator with no other operand, and
/// sizes are small, so that many are equal.
func randomChainProblem(seed: UInt64, operators: Int) -> ScheduleProblem {
  var random = SplitMix(seed: seed)
  var tensors: [ScheduleProblem.Tensor] = []
  func add(_ kind: ScheduleProblem.TensorKind, _ random: inout SplitMix) -> ScheduleProblem.TensorID {
    let size = 1 + random.next(4)
    tensors.append(
      ScheduleProblem.Tensor(
        id: 100 + tensors.count, name: "t\(tensors.count)", size: size, bytes: size, kind: kind))
    return ScheduleProblem.TensorID(tensors.count - 1)
  }
  var unread = [add(.input, &random), add(.input, &random)]
  var all = unread
  var ops: [ScheduleProblem.Operator] = []
  for number in 0..<operators {
    var inputs: [ScheduleProblem.TensorID] = []
    for _ in 0..<(random.chance(30) ? 2 : 1) {
      if unread.isEmpty || random.chance(20) {
        inputs.append(all[random.next(all.count)])
      } else {
        inputs.append(unread.remove(at: random.next(unread.count)))
      }
    }
    if random.chance(20) { inputs.append(add(.parameter, &random)) }
    var outputs: [ScheduleProblem.TensorID] = []
    for _ in 0..<(random.chance(30) ? 2 : 1) {
      outputs.append(add(number == operators - 1 || random.chance(5) ? .output : .activation, &random))
    }
    unread += outputs
    all += outputs
    ops.append(ScheduleProblem.Operator(id: 10 + number, name: "op", inputs: inputs, outputs: outputs))
  }
  return ScheduleProblem(name: "chains \(seed)", tensors: tensors, operators: ops)
}
