import SpadixSupport
import SpadixTensor

/// Parts of a tensor by index.
public struct Gather: FunctionOperator {
  /// Of the operand; negative ones count from the back.
  public internal(set) var axis = 0

  public init() {}
  public init(axis: Int) { self.axis = axis }

  public static let mnemonic = "nn.gather"
  public static let summary = "Parts of a tensor along an axis, by index"
  public static let documentation = """
    `y[..., i..., ...] = x[..., indices[i...], ...]`: the axes of `indices` take the place of the axis. Negative indices \
    count from the back. Computed indices are f32 and hold whole numbers, as token ids do; one that leaves the axis ends \
    the evaluation with an error.

    Quantized, with constant indices: moves int8; the result has the operand's quantization. With computed indices it \
    stays in f32.
    """
  public static let operands = [
    OperandDescription("input", "any shape of rank 1 or more"),
    OperandDescription("indices", "i32 constant, or f32; any shape"),
  ]
  public static let attributes: [AttributeField<Gather>] = [
    .integer("axis", \.axis, required: true, "the axis that is indexed; negative counts from the back")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    let shape = check.shape(0)
    guard check.minimumRank(0, "input", 1), let axis = check.axis(axis, rank: shape.count) else { return nil }
    check.requireSameElement(0)
    if check.element(1) == .i32 {
      check.requireConstant(1, "indices")
    } else {
      check.requireF32(1, "indices")
      check.requireF32(0, "input")
    }
    return shape[..<axis] + check.shape(1) + shape[(axis + 1)...]
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form {
    operands[1].element == .i32 ? .movement : .none
  }

  public func places(_ operands: [TensorType]) -> [(operand: Int, count: Int)] {
    let shape = operands[0].shape
    return operands[1].element == .f32 ? [(1, shape[axis < 0 ? axis + shape.count : axis])] : []
  }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let shape = operands[0].type.shape
    let axis = axis < 0 ? axis + shape.count : axis
    let inner = shape[(axis + 1)...].reduce(1, *)
    let indices = try operands[1].realValues.map { real in
      guard real >= Float(-shape[axis]), real < Float(shape[axis]), real == real.rounded() else {
        throw Diagnostic(
          "reference.index", "nn.gather: the index \(real) is none of an axis of \(shape[axis]) elements",
          help: "look at the input that holds indices")
      }
      return real < 0 ? Int(real) + shape[axis] : Int(real)
    }
    var positions: [Int] = []
    positions.reserveCapacity(type.elementCount)
    for outer in 0..<shape[..<axis].reduce(1, *) {
      for index in indices {
        let start = (outer * shape[axis] + index) * inner
        positions += start..<(start + inner)
      }
    }
    return operands[0].selecting(positions, type)
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { operands[0] }
}
