/// When each tensor of a kernel problem is touched, and what of it must be stored: shared by the kernel solvers.
struct KernelTouches {
  struct Touch {
    var step: Int
    /// Position among the operator's inputs, or among its outputs when `isProduction`.
    var position: Int
    var isProduction: Bool
  }

  /// For each tensor its touches in ascending order of steps, each step once.
  var touches: [[Touch]]

  init(_ problem: KernelProblem) {
    var touches = [[Touch]](repeating: [], count: problem.tensors.count)
    for (step, op) in problem.operators.enumerated() {
      for (position, tensor) in op.inputs.enumerated() where touches[tensor.index].last?.step != step {
        touches[tensor.index].append(Touch(step: step, position: position, isProduction: false))
      }
      for (position, tensor) in op.outputs.enumerated() {
        touches[tensor.index].append(Touch(step: step, position: position, isProduction: true))
      }
    }
    self.touches = touches
  }

  func production(of tensor: KernelProblem.TensorID) -> Touch? {
    touches[tensor].first.flatMap { $0.isProduction ? $0 : nil }
  }
}

extension KernelProblem.Variant {
  /// Bytes of DRAM that the variant moves by itself.
  var traffic: Int { readBytes + writtenBytes }

  /// Whether another variant keeps the same operands in place and is no better in rows, bytes and cycles.
  func dominates(_ other: KernelProblem.Variant) -> Bool {
    inputs == other.inputs && outputs == other.outputs && workingRows <= other.workingRows
      && (traffic, cycles) <= (other.traffic, other.cycles)
  }
}
