import SpadixSupport

@testable import SpadixPlan

/// Tries every combination of alternatives, kept gaps and spills; for problems of a handful of operators.
enum KernelBruteForce {
  private struct Gap {
    var tensor: KernelProblem.TensorID
    var first: Int
    var last: Int
  }

  /// The least of any decision that keeps the capacity in every step; addresses are not considered.
  static func least(_ problem: KernelProblem) -> Objective.Rank? {
    let gaps = allGaps(problem)
    var best: Objective.Rank?
    var alternatives = [Int](repeating: 0, count: problem.operators.count)
    while true {
      for kept in 0..<(1 << gaps.count) {
        let spans = gaps.indices.filter { kept & (1 << $0) != 0 }.map { gaps[$0] }
        if let cost = cost(problem, alternatives, spans) {
          let rank = problem.objective.rank(cost)
          if best.map({ rank < $0 }) ?? true { best = rank }
        }
      }
      var position = 0
      while position < alternatives.count {
        alternatives[position] += 1
        if alternatives[position] < problem.operators[position].alternatives.count { break }
        alternatives[position] = 0
        position += 1
      }
      if position == alternatives.count { return best }
    }
  }

  /// The same with groups: whichever of them run are one operator each of a problem without any.
  static func leastWithGroups(_ problem: KernelProblem) -> Objective.Rank? {
    var best: Objective.Rank?
    for chosen in 0..<(1 << problem.groups.count) {
      let groups = problem.groups.indices.filter { chosen & (1 << $0) != 0 }.map { problem.groups[$0] }
      let steps = groups.flatMap(\.operators)
      if Set(steps).count < steps.count { continue }
      if problem.groups.contains(where: { $0.isForced && !Set(steps).isSuperset(of: $0.operators) }) { continue }
      var contracted = problem
      contracted.groups = []
      contracted.operators = problem.operators.indices.compactMap { step in
        guard let group = groups.first(where: { $0.operators.contains(step) }) else { return problem.operators[step] }
        if group.operators.lowerBound < step { return nil }
        return KernelProblem.Operator(
          name: "group \(step)", inputs: group.inputs, outputs: group.outputs, alternatives: group.alternatives)
      }
      if let rank = least(contracted), best.map({ rank < $0 }) ?? true { best = rank }
    }
    return best
  }

  private static func allGaps(_ problem: KernelProblem) -> [Gap] {
    var gaps: [Gap] = []
    for index in problem.tensors.indices {
      let tensor = KernelProblem.TensorID(index)
      let steps = problem.operators.indices.filter {
        problem.operators[$0].inputs.contains(tensor) || problem.operators[$0].outputs.contains(tensor)
      }
      for (first, last) in zip(steps, steps.dropFirst()) { gaps.append(Gap(tensor: tensor, first: first, last: last)) }
    }
    return gaps
  }

  private static func cost(_ problem: KernelProblem, _ alternatives: [Int], _ kept: [Gap]) -> Cost? {
    var total = Cost.zero
    var rows = problem.operators.indices.map { problem.operators[$0].alternatives[alternatives[$0]].rows }
    for index in problem.tensors.indices {
      let tensor = KernelProblem.TensorID(index)
      let own = kept.filter { $0.tensor == tensor }
      var isResidentResult = false
      var hasProducer = false
      var needsMemory = problem.tensors[index].kind == .output
      for (step, op) in problem.operators.enumerated() {
        let alternative = op.alternatives[alternatives[step]]
        let into = own.contains { $0.last == step }
        let out = own.contains { $0.first == step }
        let over = own.contains { $0.first < step && step < $0.last }
        var present = into || out || over
        if let position = op.outputs.firstIndex(of: tensor) {
          hasProducer = true
          isResidentResult = alternative.outputs[position] == .resident
          if out && !isResidentResult { return nil }
          present = present || isResidentResult
        } else if let position = op.inputs.firstIndex(of: tensor) {
          if alternative.inputs[position] == .resident { present = true } else { needsMemory = true }
          if present && !into {
            total += problem.tensors[index].fetch
            needsMemory = true
          }
        }
        if present { rows[step] += problem.tensors[index].rows }
      }
      if hasProducer, needsMemory, isResidentResult { total += problem.tensors[index].spill }
    }
    for (step, op) in problem.operators.enumerated() {
      if rows[step] > problem.capacity { return nil }
      total += op.alternatives[alternatives[step]].cost
    }
    return total
  }
}

/// A random kernel problem in which every operator has at least one alternative that streams everything.
func randomKernelProblem(seed: UInt64, operators: Int, capacity: Int = 20) -> KernelProblem {
  var random = SplitMix64(seed: seed)
  func tensor(_ name: String, _ kind: KernelProblem.TensorKind) -> KernelProblem.Tensor {
    let bytes = random.below(40)
    return KernelProblem.Tensor(
      name: name, rows: random.below(10), fetch: Cost(readBytes: bytes, time: random.below(30)),
      spill: Cost(writtenBytes: bytes, time: random.below(30)), kind: kind)
  }
  var tensors = [tensor("in", .input)]
  var ops: [KernelProblem.Operator] = []
  for number in 0..<operators {
    var inputs = [KernelProblem.TensorID(max(0, tensors.count - 1 - random.below(3)))]
    if random.chance(50) { inputs.append(KernelProblem.TensorID(random.below(tensors.count))) }
    let output = KernelProblem.TensorID(tensors.count)
    let isOutput = number == operators - 1 || random.chance(10)
    tensors.append(tensor("t\(number)", isOutput ? .output : .activation))
    var alternatives = [alternative(inputs.map { _ in .streamed }, .streamed, &random)]
    for _ in 0..<random.below(4) {
      var places = inputs.map { _ in random.chance(50) ? KernelProblem.Place.resident : .streamed }
      if places.count == 2, inputs[0] == inputs[1] { places[1] = places[0] }
      alternatives.append(alternative(places, random.chance(50) ? .resident : .streamed, &random))
    }
    ops.append(
      KernelProblem.Operator(name: "op\(number)", inputs: inputs, outputs: [output], alternatives: alternatives))
  }
  let objectives: [Objective] = [.bytes, .time, .both(cyclesPerByte: 0.75)]
  return KernelProblem(
    name: "random \(seed)", capacity: capacity, tensors: tensors, operators: ops,
    objective: objectives[Int(seed % 3)])
}

extension KernelProblem {
  /// With random groups of consecutive operators, cheap enough to be worth it now and then.
  func withRandomGroups(seed: UInt64) -> KernelProblem {
    var random = SplitMix64(seed: seed)
    var problem = self
    for _ in 0..<(1 + random.below(3)) {
      let first = random.below(operators.count - 1)
      let steps = first..<min(operators.count, first + 2 + random.below(3))
      if problem.groups.contains(where: { $0.operators == steps }) { continue }
      var inputs: [TensorID] = []
      for step in steps {
        for tensor in operators[step].inputs
        where !inputs.contains(tensor) && !steps.contains(where: { operators[$0].outputs.contains(tensor) }) {
          inputs.append(tensor)
        }
      }
      let outputs = steps.flatMap { operators[$0].outputs }.filter { tensor in
        tensors[tensor].kind == .output
          || operators.indices.contains { !steps.contains($0) && operators[$0].inputs.contains(tensor) }
          || !steps.contains { operators[$0].inputs.contains(tensor) }
      }
      var alternatives: [Alternative] = []
      for _ in 0..<(1 + random.below(3)) {
        var it = alternative(
          inputs.map { _ in random.chance(40) ? .resident : .streamed }, .streamed, &random)
        it.outputs = outputs.map { _ in random.chance(40) ? .resident : .streamed }
        alternatives.append(it)
      }
      // One that needs nothing but its own rows, as the compiler has.
      alternatives.append(alternative(inputs.map { _ in .streamed }, .streamed, &random))
      alternatives[alternatives.count - 1].outputs = outputs.map { _ in .streamed }
      problem.groups.append(Group(operators: steps, inputs: inputs, outputs: outputs, alternatives: alternatives))
    }
    problem.groups.sort { $0.operators.lowerBound < $1.operators.lowerBound }
    return problem
  }
}

private func alternative(
  _ inputs: [KernelProblem.Place], _ output: KernelProblem.Place, _ random: inout SplitMix64
) -> KernelProblem.Alternative {
  let streamed = inputs.filter { $0 == .streamed }.count
  return KernelProblem.Alternative(
    inputs: inputs, outputs: [output], rows: random.below(10),
    cost: Cost(
      readBytes: streamed * random.below(60), writtenBytes: output == .streamed ? random.below(40) : 0,
      time: random.below(100)))
}
