import SpadixAllocation

/// What a kernel plan decides, before addresses.
struct KernelDecision {
  /// A tensor in the scratchpad during steps `first...last`.
  struct Span: Equatable {
    var tensor: KernelProblem.TensorID
    var first: Int
    var last: Int
    var origin: KernelPlan.Origin
    var spilled: Bool
  }

  /// Variant of each operator.
  var variants: [Int]
  /// Sorted by first step, then tensor.
  var spans: [Span]

  /// DRAM bytes of the decision: the variants' own, whole fetches and spills.
  func traffic(in problem: KernelProblem) -> Int {
    var total = 0
    for (op, variant) in zip(problem.operators, variants) { total += op.variants[variant].traffic }
    for span in spans {
      if span.origin == .fetched || span.spilled { total += problem.tensors[span.tensor].bytes }
    }
    return total
  }

  func cycles(in problem: KernelProblem) -> Int {
    zip(problem.operators, variants).reduce(0) { $0 + $1.0.variants[$1.1].cycles }
  }

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
          id: op.name, lower: step, upper: step + 1, size: op.variants[variants[step]].workingRows))
    }
    return AllocationProblem(capacity: problem.capacity, buffers: buffers)
  }
}
