/// What names of operators, ONNX's in problem files, say about the places of operands.
enum OperatorKinds {
  /// Operators whose results have each element in the place of the one element of an operand that it is made of: those that
  /// work element by element, with constants for channels perhaps, and those that only say another shape.
  private static let elementwise: Set<String> = [
    "Abs", "Add", "And", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Cos", "Div", "Dropout", "Elu",
    "Erf", "Exp", "Flatten", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Max",
    "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Reshape",
    "Round", "Selu", "Sigmoid", "Sign", "Silu", "Sin", "Softplus", "Softsign", "Sqrt", "Squeeze", "Sub", "Sum",
    "Swish", "Tanh", "ThresholdedRelu", "Unsqueeze", "Where", "Xor",
  ]

  static func isElementwise(_ name: String) -> Bool { elementwise.contains(name) }

  /// Whether an operator concatenates so that the bytes of the operands follow each other: along the first dimension that
  /// is not 1. Where shapes are not given it is believed to.
  ///
  /// - Parameters:
  ///   - inputs: their shapes, in the order of the operands.
  ///   - outputs: likewise.
  static func isConcatenation(_ name: String, inputs: [[Int]?], outputs: [[Int]?]) -> Bool {
    guard name == "Concat", outputs.count == 1 else { return false }
    guard let whole = outputs[0] else { return true }
    // The operands differ from the result in the one dimension that they are concatenated along.
    let shapes = inputs.compactMap { $0 }
    guard shapes.allSatisfy({ $0.count == whole.count }) else { return false }
    return whole.indices.allSatisfy { axis in
      shapes.allSatisfy { $0[axis] == whole[axis] } || whole[..<axis].allSatisfy { $0 == 1 }
    }
  }
}
