import SpadixIR
import SpadixKernel
import SpadixPlan

/// What a range of operators has to do with each other and with the rest of the graph, if it can run as a group at all.
struct GroupRange {
  /// One operator of the range.
  struct Member {
    /// Of the problem.
    var step: Int
    /// Per input, the position in the range of the operator that makes it; nil for a tensor from outside.
    var producers: [Int?]
    /// Whether operators of the range read the result, and whether it is needed afterwards.
    var isReadInside: Bool
    var isNeededOutside: Bool
  }

  let steps: Range<Int>
  let members: [Member]
  /// Tensors from outside, and results that are needed afterwards; each once.
  let inputs: [KernelProblem.TensorID]
  let outputs: [KernelProblem.TensorID]

  /// Why a range is no group, for people.
  struct Refusal: Error {
    var step: Int
    var reason: String
  }

  init(_ steps: Range<Int>, _ kernels: PreparedKernels) throws(Refusal) {
    self.steps = steps
    let problem = kernels.problem
    for step in steps {
      if let reason = GroupRange.reason(against: step, kernels) { throw Refusal(step: step, reason: reason) }
    }
    var producer: [KernelProblem.TensorID: Int] = [:]
    for step in steps { producer[problem.operators[step].outputs[0]] = step - steps.lowerBound }
    var inputs: [KernelProblem.TensorID] = []
    var readInside = [Bool](repeating: false, count: steps.count)
    var members: [Member] = []
    for step in steps {
      let op = problem.operators[step]
      var producers: [Int?] = []
      for (position, tensor) in op.inputs.enumerated() {
        producers.append(producer[tensor])
        if let made = producer[tensor] {
          if let reason = Self.reason(against: step, reading: position, of: steps.lowerBound + made, kernels) {
            throw Refusal(step: step, reason: reason)
          }
          readInside[made] = true
        } else if !inputs.contains(tensor) {
          inputs.append(tensor)
        }
      }
      members.append(Member(step: step, producers: producers, isReadInside: false, isNeededOutside: false))
    }
    var outputs: [KernelProblem.TensorID] = []
    for (position, step) in steps.enumerated() {
      let tensor = problem.operators[step].outputs[0]
      members[position].isReadInside = readInside[position]
      members[position].isNeededOutside =
        problem.tensors[tensor].kind == .output || kernels.lastUse(of: tensor) >= steps.upperBound
        || !readInside[position]
      if members[position].isNeededOutside { outputs.append(tensor) }
    }
    self.members = members
    self.inputs = inputs
    self.outputs = outputs
  }

  /// Why an operator runs in no group.
  static func reason(against step: Int, _ kernels: PreparedKernels) -> String? {
    let op = kernels.problem.operators[step]
    guard kernels.target.hasScratchpadStore else {
      return "'\(kernels.target.name)' cannot store results in the scratchpad"
    }
    guard case .tile(let forms) = kernels.kernels[step], op.outputs.count == 1,
      op.inputs.count == kernels.inputs[step].count
    else { return "\(op.name) does not run in tiles" }
    let kernel = forms[0].byRows
    if kernel.images != 1 { return "\(op.name) has \(kernel.images) images" }
    if case .activation = kernel.contraction?.weights { return "\(op.name) multiplies two activations" }
    if forms.contains(where: { $0.byRows.store.rows != kernel.store.rows }) { return "\(op.name) has several images" }
    return nil
  }

  /// Why an operator cannot read the image rows of another one's result.
  private static func reason(
    against step: Int, reading position: Int, of producer: Int, _ kernels: PreparedKernels
  ) -> String? {
    guard case .tile(let forms) = kernels.kernels[step], case .tile(let made) = kernels.kernels[producer] else {
      return nil
    }
    let name = kernels.problem.operators[step].name
    let source = made[0].byRows
    guard let form = forms.first(where: { $0.input != .streamed }) else { return "\(name) reads from DRAM only" }
    let kernel = form.byRows
    let image = [source.store.rows, source.store.columns, source.channels]
    var seen: [[Int]] = kernel.identities.filter { $0.input == position }.map { _ in
      [kernel.rows, kernel.columns, kernel.channels]
    }
    if let contraction = kernel.contraction, contraction.input == position {
      let window = contraction.window
      seen.append([window.inputRows, window.inputColumns, window.inputChannels])
    }
    if seen.contains(where: { $0 != image }) || kernels.halos[kernels.inputs[step][position]] != nil {
      return "\(name) reads another shape than \(kernels.problem.operators[producer].name) makes"
    }
    if source.store.pooling != nil, !kernels.target.hasPooledScratchpadStore {
      return "'\(kernels.target.name)' cannot pool into the scratchpad"
    }
    return nil
  }
}

extension PreparedKernels {
  /// The forms in which an operator can run in a group: those for inputs in DRAM differ from those for the scratchpad.
  func groupForms(_ step: Int, inputIsStreamed: Bool) -> [Int] {
    guard case .tile(let forms) = kernels[step] else { return [] }
    return forms.indices.filter { forms[$0].input == .any || (forms[$0].input == .streamed) == inputIsStreamed }
  }
}
