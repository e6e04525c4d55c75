import SpadixPlan
import SpadixSupport

/// Tries every combination of variants, kept gaps and spills; for problems of a handful of operators.
enum KernelBruteForce {
  private struct Gap {
    var tensor: KernelProblem.TensorID
    var first: Int
    var last: Int
  }

  /// The least (bytes, cycles) of any decision that keeps the capacity in every step; addresses are not considered.
  static func least(_ problem: KernelProblem) -> (traffic: Int, cycles: Int)? {
    let gaps = allGaps(problem)
    var best: (traffic: Int, cycles: Int)?
    var variants = [Int](repeating: 0, count: problem.operators.count)
    while true {
      for kept in 0..<(1 << gaps.count) {
        let spans = gaps.indices.filter { kept & (1 << $0) != 0 }.map { gaps[$0] }
        if let traffic = traffic(problem, variants, spans) {
          let cycles = zip(problem.operators, variants).reduce(0) { $0 + $1.0.variants[$1.1].cycles }
          if best.map({ (traffic, cycles) < $0 }) ?? true { best = (traffic, cycles) }
        }
      }
      var position = 0
      while position < variants.count {
        variants[position] += 1
        if variants[position] < problem.operators[position].variants.count { break }
        variants[position] = 0
        position += 1
      }
      if position == variants.count { return best }
    }
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

  private static func traffic(_ problem: KernelProblem, _ variants: [Int], _ kept: [Gap]) -> Int? {
    var total = 0
    var rows = problem.operators.indices.map { problem.operators[$0].variants[variants[$0]].workingRows }
    for index in problem.tensors.indices {
      let tensor = KernelProblem.TensorID(index)
      let own = kept.filter { $0.tensor == tensor }
      var isResidentResult = false
      var hasProducer = false
      var needsMemory = problem.tensors[index].kind == .output
      for (step, op) in problem.operators.enumerated() {
        let variant = op.variants[variants[step]]
        let into = own.contains { $0.last == step }
        let out = own.contains { $0.first == step }
        let over = own.contains { $0.first < step && step < $0.last }
        var present = into || out || over
        if let position = op.outputs.firstIndex(of: tensor) {
          hasProducer = true
          isResidentResult = variant.outputs[position] == .resident
          if out && !isResidentResult { return nil }
          present = present || isResidentResult
        } else if let position = op.inputs.firstIndex(of: tensor) {
          if variant.inputs[position] == .resident { present = true } else { needsMemory = true }
          if present && !into {
            total += problem.tensors[index].bytes
            needsMemory = true
          }
        }
        if present { rows[step] += problem.tensors[index].rows }
      }
      if hasProducer, needsMemory, isResidentResult { total += problem.tensors[index].bytes }
    }
    for (step, op) in problem.operators.enumerated() {
      if rows[step] > problem.capacity { return nil }
      total += op.variants[variants[step]].readBytes + op.variants[variants[step]].writtenBytes
    }
    return total
  }
}

/// A random kernel problem in which every operator has at least one variant that streams everything.
func randomKernelProblem(seed: UInt64, operators: Int, capacity: Int = 20) -> KernelProblem {
  var random = SplitMix64(seed: seed)
  var tensors = [KernelProblem.Tensor(name: "in", rows: 1 + random.below(8), bytes: 1 + random.below(40), kind: .input)]
  var ops: [KernelProblem.Operator] = []
  for number in 0..<operators {
    var inputs = [KernelProblem.TensorID(max(0, tensors.count - 1 - random.below(3)))]
    if random.chance(50) { inputs.append(KernelProblem.TensorID(random.below(tensors.count))) }
    let output = KernelProblem.TensorID(tensors.count)
    let isOutput = number == operators - 1 || random.chance(10)
    tensors.append(
      KernelProblem.Tensor(
        name: "t\(number)", rows: random.below(10), bytes: random.below(40), kind: isOutput ? .output : .activation))
    var variants = [variant(inputs.map { _ in .streamed }, .streamed, &random)]
    for _ in 0..<random.below(4) {
      var places = inputs.map { _ in random.chance(50) ? KernelProblem.Place.resident : .streamed }
      if places.count == 2, inputs[0] == inputs[1] { places[1] = places[0] }
      variants.append(variant(places, random.chance(50) ? .resident : .streamed, &random))
    }
    ops.append(KernelProblem.Operator(name: "op\(number)", inputs: inputs, outputs: [output], variants: variants))
  }
  return KernelProblem(name: "random \(seed)", capacity: capacity, tensors: tensors, operators: ops)
}

private func variant(
  _ inputs: [KernelProblem.Place], _ output: KernelProblem.Place, _ random: inout SplitMix64
) -> KernelProblem.Variant {
  let streamed = inputs.filter { $0 == .streamed }.count
  return KernelProblem.Variant(
    inputs: inputs, outputs: [output], workingRows: random.below(10), readBytes: streamed * random.below(60),
    writtenBytes: output == .streamed ? random.below(40) : 0, cycles: random.below(100))
}
