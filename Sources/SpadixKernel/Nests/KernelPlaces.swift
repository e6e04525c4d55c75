/// Which of a kernel's operands and results are in the scratchpad as a whole.
public struct KernelPlaces: Sendable, Hashable {
  /// The contraction's input.
  public var inputIsResident = false
  /// Weights that are an activation; constant ones never are.
  public var weightsAreResident = false
  /// Per identity term, its addend.
  public var identityIsResident: [Bool] = []
  /// The result.
  public var outputIsResident = false

  public init() {}

  /// - Parameter inputs: per input of the operator, whether the tensor is in the scratchpad.
  public init(_ kernel: TileKernel, inputs: [Bool], output: Bool) {
    if let contraction = kernel.contraction {
      inputIsResident = contraction.input.map { inputs[$0] } ?? false
      if case .activation(let input, _) = contraction.weights { weightsAreResident = inputs[input] }
    }
    identityIsResident = kernel.identities.map { inputs[$0.input] }
    outputIsResident = output
  }
}

extension TileForm {
  /// Whether the form is for operands in these places.
  public func serves(_ inputs: [Bool]) -> Bool {
    guard let read = kernel.contraction?.input else { return true }
    switch input {
    case .any: return true
    case .resident: return inputs[read]
    case .streamed: return !inputs[read]
    }
  }
}
