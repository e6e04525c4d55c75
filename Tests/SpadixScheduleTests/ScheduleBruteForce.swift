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

  let problem: ScheduleProblem
  let scope: ScheduleProblem.Scope

  private func operands(_ op: ScheduleProblem.Operator) -> [Int] {
    Set((op.inputs + op.outputs).map(\.index)).sorted().filter {
      scope == .all || problem.tensors[$0].kind != .parameter
    }
  }

  /// The largest operator's operands.
  var smallestBudget: Int {
    problem.operators.map { operands($0).reduce(0) { $0 + problem.tensors[$1].size } }.max() ?? 0
  }

  func least(budget: Int) -> Int? {
    let all = problem.operators.map(operands)
    let count = problem.operators.count
    let full: UInt64 = count == 64 ? .max : (1 << UInt64(count)) - 1
    var firstStored: UInt64 = 0
    for (index, tensor) in problem.tensors.enumerated() where tensor.kind == .input || tensor.kind == .parameter {
      firstStored |= 1 << UInt64(index)
    }
    var best: [State: Int] = [State(executed: 0, resident: 0, stored: firstStored): 0]
    // Costs only grow with executed operators, so one pass per number of operators suffices.
    for _ in 0..<count {
      var next: [State: Int] = [:]
      for (state, cost) in best {
        for op in problem.operators.indices where state.executed >> UInt64(op) & 1 == 0 {
          run(op, all, state, cost, budget, &next)
        }
      }
      best = next
    }
    return best.filter { $0.key.executed == full }.map(\.value).min()
  }

  private func run(
    _ op: Int, _ all: [[Int]], _ state: State, _ cost: Int, _ budget: Int, _ next: inout [State: Int]
  ) {
    let executed = state.executed | 1 << UInt64(op)
    func isTouched(_ tensor: Int, _ set: UInt64) -> Bool {
      all.indices.contains { set >> UInt64($0) & 1 != 0 && all[$0].contains(tensor) }
    }
    for tensor in problem.operators[op].inputs.map(\.index) {
      if let producer = problem.operators.firstIndex(where: { $0.outputs.map(\.index).contains(tensor) }),
        state.executed >> UInt64(producer) & 1 == 0
      {
        return
      }
    }
    var resident = state.resident
    var stored = state.stored
    var total = cost
    for tensor in all[op] where resident >> UInt64(tensor) & 1 == 0 {
      // The first load of an input and the production of a result are free.
      if isTouched(tensor, state.executed) { total += problem.tensors[tensor].bytes }
      resident |= 1 << UInt64(tensor)
    }
    let size = problem.tensors.indices.reduce(0) {
      $0 + (resident >> UInt64($1) & 1 != 0 ? problem.tensors[$1].size : 0)
    }
    if size > budget { return }
    for tensor in problem.operators[op].outputs.map(\.index) where problem.tensors[tensor].kind == .output {
      stored |= 1 << UInt64(tensor)
    }
    // Afterwards any of the tensors that are still needed may go.
    let remaining = ((UInt64(1) << UInt64(problem.operators.count)) - 1) & ~executed
    var needed: [Int] = []
    for tensor in problem.tensors.indices where resident >> UInt64(tensor) & 1 != 0 {
      if isTouched(tensor, remaining) { needed.append(tensor) } else { resident &= ~(1 << UInt64(tensor)) }
    }
    for subset in 0..<(1 << needed.count) {
      var after = State(executed: executed, resident: resident, stored: stored)
      var price = total
      for (number, tensor) in needed.enumerated() where subset & (1 << number) != 0 {
        after.resident &= ~(1 << UInt64(tensor))
        if after.stored >> UInt64(tensor) & 1 == 0 {
          price += problem.tensors[tensor].bytes
          after.stored |= 1 << UInt64(tensor)
        }
      }
      if price < next[after] ?? Int.max { next[after] = price }
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
