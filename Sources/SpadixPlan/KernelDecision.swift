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

  /// One operator by itself, or a group of them.
  struct Unit: Equatable {
    var steps: Range<Int>
    var group: Int?
    var alternative: Int
  }

  /// In the order in which they run, all operators once.
  var units: [Unit]
  /// Sorted by first step, then tensor.
  var spans: [Span]

  init(units: [Unit], spans: [Span]) {
    self.units = units
    self.spans = spans
  }

  /// Every operator by itself.
  init(alternatives: [Int], spans: [Span]) {
    units = alternatives.enumerated().map { Unit(steps: $0..<$0 + 1, alternative: $1) }
    self.spans = spans
  }

  private func alternative(_ unit: Unit, _ problem: KernelProblem) -> KernelProblem.Alternative {
    unit.group.map { problem.groups[$0].alternatives[unit.alternative] }
      ?? problem.operators[unit.steps.lowerBound].alternatives[unit.alternative]
  }

  /// What the decision costs: the alternatives' own, whole fetches and spills.
  func cost(in problem: KernelProblem) -> Cost {
    var total = Cost.zero
    for unit in units { total += alternative(unit, problem).cost }
    for span in spans {
      if span.origin == .fetched { total += problem.tensors[span.tensor].fetch }
      if span.spilled { total += problem.tensors[span.tensor].spill }
    }
    return total
  }

  /// What is to be minimized.
  func value(in problem: KernelProblem) -> Int { problem.objective.value(cost(in: problem)) }

  /// The rectangles to pack: the spans, then one working block per unit.
  func allocation(in problem: KernelProblem) -> AllocationProblem {
    var buffers = spans.map { span in
      AllocationProblem.Buffer(
        id: problem.tensors[span.tensor].name, lower: span.first, upper: span.last + 1,
        size: problem.tensors[span.tensor].rows)
    }
    for unit in units {
      buffers.append(
        AllocationProblem.Buffer(
          id: problem.operators[unit.steps.lowerBound].name, lower: unit.steps.lowerBound,
          upper: unit.steps.upperBound, size: alternative(unit, problem).rows))
    }
    return AllocationProblem(capacity: problem.capacity, buffers: buffers)
  }
}
