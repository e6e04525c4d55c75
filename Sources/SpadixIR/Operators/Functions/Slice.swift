import SpadixTensor

/// A part of a tensor.
public struct Slice: FunctionOperator {
  /// By axis.
  var starts: [Int] = []
  /// By axis: the shape of the result.
  var sizes: [Int] = []
  /// By axis, from one index to the next; may be negative.
  var steps: [Int] = []

  public init() {}
  public init(starts: [Int], sizes: [Int], steps: [Int]) {
    self.starts = starts
    self.sizes = sizes
    self.steps = steps
  }

  public static let mnemonic = "nn.slice"
  public static let summary = "A part of a tensor"
  public static let documentation = """
    `y[i, j, ...] = x[starts[0] + i * steps[0], starts[1] + j * steps[1], ...]`, with `sizes` the shape of the result. \
    Steps may be negative.

    Quantized: moves int8; the result has the operand's quantization.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Slice>] = [
    .integers("starts", \.starts, required: true, "the first index of each axis"),
    .integers("sizes", \.sizes, required: true, "elements along each axis"),
    .integers("steps", \.steps, required: true, "from one index to the next, by axis"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.requireSameElement(0)
    let shape = check.shape(0)
    let limit = TensorType.maximumElementCount
    guard check.integers("starts", starts, count: shape.count, in: 0...limit, rule: "starts"),
      check.integers("sizes", sizes, count: shape.count, in: 1...limit, rule: "sizes"),
      check.integers("steps", steps, count: shape.count, in: -limit...limit, rule: "steps")
    else { return nil }
    for axis in shape.indices {
      let (distance, overflow) = steps[axis].multipliedReportingOverflow(by: sizes[axis] - 1)
      let last = overflow ? -1 : starts[axis] + distance
      guard starts[axis] < shape[axis], (0..<shape[axis]).contains(last), sizes[axis] == 1 || steps[axis] != 0 else {
        check.report(
          "bounds",
          "axis \(axis): \(sizes[axis]) elements from \(starts[axis]) on with step \(steps[axis]) leave 0..<\(shape[axis])",
          operands: [0])
        return nil
      }
    }
    return sizes
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .movement }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let strides = operands[0].type.strides
    var positions = [zip(starts, strides).map { $0 * $1 }.reduce(0, +)]
    for axis in sizes.indices {
      let step = steps[axis] * strides[axis]
      positions = positions.flatMap { start in (0..<sizes[axis]).map { start + $0 * step } }
    }
    return operands[0].selecting(positions, type)
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { operands[0] }
}

extension Tensor {
  /// The elements at these positions, of whatever kind.
  func selecting(_ positions: [Int], _ type: TensorType) -> Tensor {
    switch storage {
    case .f32(let values): Tensor(type, .f32(positions.map { values[$0] }))
    case .i8(let values): Tensor(type, .i8(positions.map { values[$0] }))
    case .i32(let values): Tensor(type, .i32(positions.map { values[$0] }))
    }
  }
}
