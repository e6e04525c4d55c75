import SpadixSupport
import SpadixTensor

/// Elements put at places of a tensor of zeros.
public struct Scatter: FunctionOperator {
  /// Of the result.
  var shape: [Int] = []

  public init() {}
  public init(shape: [Int]) { self.shape = shape }

  public static let mnemonic = "nn.scatter"
  public static let summary = "Elements put at places of a tensor of zeros"
  public static let documentation = """
    `y[places[i]] = x[i]` and 0 elsewhere, with places counted over all elements of the result in row-major order. Places \
    are f32 and hold whole numbers; where two are the same, the later element stays. One that is none of the result's \
    ends the evaluation with an error.

    Quantized: it stays in f32.
    """
  public static let operands = [
    OperandDescription("input", "any shape"), OperandDescription("places", "f32, the shape of the input"),
  ]
  public static let attributes: [AttributeField<Scatter>] = [
    .integers("shape", \.shape, required: true, "of the result")
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.realFunction(Self.operands)
    if check.shape(0) != check.shape(1) {
      check.report(
        "places", "the places have shape \(check.shape(1)); expected \(check.shape(0)), that of the input",
        operands: [0, 1])
    }
    guard shape.allSatisfy({ $0 > 0 }) else {
      check.report("shape", "shape = \(shape): expected sizes of 1 or more")
      return nil
    }
    return shape
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form { .none }

  public func places(_ operands: [TensorType]) -> [(operand: Int, count: Int)] { [(1, shape.reduce(1, *))] }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    var result = [Float](repeating: 0, count: type.elementCount)
    for (element, place) in zip(operands[0].floats, operands[1].floats) {
      guard place >= 0, place < Float(result.count), place == place.rounded() else {
        throw Diagnostic(
          "reference.index", "nn.scatter: the place \(place) is none of \(result.count) elements",
          help: "look at the input that holds places")
      }
      result[Int(place)] = element
    }
    return Tensor(type, .f32(result))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? {
    operands[0].map { ValueRange(low: min($0.low, 0), high: max($0.high, 0)) }
  }
}
