import SpadixSupport

@testable import SpadixOrder

/// A random graph with inputs, shared and private parameters, several results and outputs.
func randomScheduleProblem(seed: UInt64, operators: Int) -> ScheduleProblem {
  var random = SplitMix64(seed: seed)
  var tensors: [ScheduleProblem.Tensor] = []
  func add(_ kind: ScheduleProblem.TensorKind, _ random: inout SplitMix64) -> ScheduleProblem.TensorID {
    let size = random.chance(5) ? 0 : 1 + random.below(9)
    tensors.append(
      ScheduleProblem.Tensor(
        id: 100 + tensors.count, name: "t\(tensors.count)", size: size, bytes: size, kind: kind))
    return ScheduleProblem.TensorID(tensors.count - 1)
  }
  var available = [add(.input, &random)]
  if random.chance(40) { available.append(add(.input, &random)) }
  let shared = add(.parameter, &random)
  let reach = 1 + random.below(6)
  var ops: [ScheduleProblem.Operator] = []
  for number in 0..<operators {
    var inputs: [ScheduleProblem.TensorID] = []
    for _ in 0...random.below(3) { inputs.append(available[max(0, available.count - 1 - random.below(reach))]) }
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
  var random = SplitMix64(seed: seed)
  var tensors: [ScheduleProblem.Tensor] = []
  func add(_ kind: ScheduleProblem.TensorKind, _ random: inout SplitMix64) -> ScheduleProblem.TensorID {
    let size = 1 + random.below(4)
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
        inputs.append(all[random.below(all.count)])
      } else {
        inputs.append(unread.remove(at: random.below(unread.count)))
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

/// One of a series: layers and chains in turn, and in every third of them tensors move other numbers of bytes than they take.
func randomMixedProblem(_ number: Int, from seed: Int, operators: Int) -> ScheduleProblem {
  let seed = UInt64(seed + number)
  var problem =
    number % 2 == 0
    ? randomScheduleProblem(seed: seed, operators: operators) : randomChainProblem(seed: seed, operators: operators)
  if number % 3 == 0 {
    for index in problem.tensors.indices { problem.tensors[index].bytes = 1 + problem.tensors[index].size * 2 / 3 }
  }
  return problem
}

/// A random graph of chains, splits and joins in which many operators may write over an operand, and many are
/// concatenations.
func randomPlacesProblem(seed: UInt64, operators: Int) -> ScheduleProblem {
  var problem =
    seed % 2 == 0
    ? randomScheduleProblem(seed: seed, operators: operators) : randomChainProblem(seed: seed, operators: operators)
  var random = SplitMix64(seed: seed ^ 0x5348_4152)
  for index in problem.operators.indices {
    let op = problem.operators[index]
    let result = op.outputs[0]
    // An operator may read a tensor that it names twice.
    if op.outputs.count == 1, Set(op.inputs).count == op.inputs.count, random.chance(50) {
      let size = op.inputs.reduce(0) { $0 + problem.tensors[$1].size }
      problem.tensors[result].size = size
      problem.tensors[result].bytes = size
      problem.operators[index].isConcatenation = op.inputs.count > 1 || random.chance(20)
    } else if let first = op.inputs.first, random.chance(60) {
      problem.tensors[result].size = problem.tensors[first].size
      problem.tensors[result].bytes = problem.tensors[first].size
    }
    problem.operators[index].mayOverwrite = random.chance(70)
  }
  return problem
}
