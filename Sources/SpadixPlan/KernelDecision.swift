import SpadixAllocation
import SpadixSupport

/// What a kernel plan decides, before addresses.
struct KernelDecision {
  /// A tensor in the scratchpad during steps `first...last`.
  struct Span: Equatable {
    var tensor: KernelProblem.TensorID
    var first: Int
    var last: Int
    var origin: KernelSolution.Origin
    var spilled: Bool
  }

  /// Alternative of each operator.
  var alternatives: [Int]
  /// Sorted by first step, then tensor.
  var spans: [Span]

  /// What the decision costs: the alternatives' own, whole fetches and spills.
  func cost(in problem: KernelProblem) -> Cost {
    var total = Cost.zero
    for (op, alternative) in zip(problem.operators, alternatives) { total += op.alternatives[alternative].cost }
    for span in spans {
      if span.origin == .fetched { total += problem.tensors[span.tensor].fetch }
      if span.spilled { total += problem.tensors[span.tensor].spill }
    }
    return total
  }

  /// What is to be minimized.
  func value(in problem: KernelProblem) -> Int { problem.objective.value(cost(in: problem)) }

  /// The rectangles to pack: the spans, then one working block per step.
  func allocation(in problem: KernelProblem) -> AllocationProblem {
    var buffers = spans.map { span in
      AllocationProblem.Buffer(
        id: problem.tensors[span.tensor].name, lower: span.first, upper: span.last + 1,
        size: problem.tensors[span.tensor].rows)
    }
    for (step, op) in problem.operators.enumerated() {
      buffers.append(
        AllocationProblem.Buffer(
          id: op.name, lower: step, upper: step + 1, size: op.alternatives[alternatives[step]].rows))
    }
    return AllocationProblem(capacity: problem.capacity, buffers: buffers)
  }
}
