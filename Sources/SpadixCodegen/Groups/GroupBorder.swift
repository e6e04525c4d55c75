import SpadixPlan

/// The tensors of a range of operators that others have to do with: what they read from outside, and what is needed
/// afterwards; each once.
struct GroupBorder {
  private(set) var inputs: [KernelProblem.TensorID] = []
  private(set) var outputs: [KernelProblem.TensorID] = []

  init(_ steps: Range<Int>, _ problem: KernelProblem) {
    var made: Set<KernelProblem.TensorID> = []
    var read: Set<KernelProblem.TensorID> = []
    for step in steps {
      for tensor in problem.operators[step].inputs {
        if !made.contains(tensor), !inputs.contains(tensor) { inputs.append(tensor) }
        read.insert(tensor)
      }
      made.formUnion(problem.operators[step].outputs)
    }
    let later = Set(problem.operators[steps.upperBound...].flatMap(\.inputs))
    for step in steps {
      for tensor in problem.operators[step].outputs
      where problem.tensors[tensor].kind == .output || later.contains(tensor) || !read.contains(tensor) {
        outputs.append(tensor)
      }
    }
  }
}
