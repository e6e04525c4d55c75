import Foundation
import SpadixTensor

/// A function of two elements, broadcast as numpy does.
public struct Binary: FunctionOperator {
  /// Whether it has a form in int8 depends on it.
  public var function = BinaryFunction.mul
  /// Of two int8: as uint8.
  public var isUnsigned = false

  public init() {}
  public init(_ function: BinaryFunction) { self.function = function }

  public static let mnemonic = "nn.binary"
  public static let summary = "A function of two tensors, element by element, broadcast as numpy does"
  public static let documentation = """
    | function | y |
    |---|---|
    \(BinaryFunction.allCases.map { "| `\($0.rawValue)` | \($0.formula) |" }.joined(separator: "\n"))

    Shapes are aligned at their last axes; axes of size 1 are repeated. What is true is 1, what is false 0.

    Quantized, for `add` and `sub` of two int8: `clamp(round_half_even(fma(qa, ra, fma(qb, rb, zy - fma(ra, za, rb * \
    zb)))))` in Float32, with `ra = sa / sy` and `rb = sb / sy`, negative for `sub`; for `mul` `clamp(round_half_even(\
    (qa - za) * (qb - zb) * ((sa * sb) / sy) + zy))`. The zero point stands inside the rounding, as in ONNX Runtime's \
    QLinearAdd and QLinearMul; `nn.add` has it outside.

    For these with a constant, which stays f32, and for `max`, `min` and `prelu`: int8 operands are dequantized, the \
    function is computed in Float32, and quantized: `clamp(round_half_even(y / sy) + zy)`. The others stay in f32.
    """
  public static let operands = [
    OperandDescription("a", "any shape"), OperandDescription("b", "a shape that broadcasts with that of a"),
  ]
  public static let attributes: [AttributeField<Binary>] = [
    .choice("function", \.function, required: true, "which one"),
    .flag(
      "unsigned", \.isUnsigned,
      "sums and products of two int8 are computed as of uint8: 128 is added to integers and zero points, and taken off the "
        + "result"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.realFunction(Self.operands)
    return check.broadcast()
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form {
    switch function {
    case .add, .sub, .mul, .max, .min, .prelu: .real
    case .div, .pow, .mod, .fmod, .integerDiv, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor:
      .none
    }
  }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let function = function
    let left = Broadcast.expand(operands[0].floats, operands[0].type.shape, to: type.shape)
    let right = Broadcast.expand(operands[1].floats, operands[1].type.shape, to: type.shape)
    return Tensor(type, .f32(zip(left, right).map { function.value($0, $1) }))
  }

  /// The integer form for operands and result of these types, which are int8 with one scale; nil where there is none.
  public func pairStage(_ a: TensorType, _ b: TensorType, _ result: TensorType) -> PairStage? {
    guard let a = a.element.quantization, let b = b.element.quantization, let output = result.element.quantization,
      a.isPerTensor, b.isPerTensor, output.isPerTensor
    else { return nil }
    switch function {
    case .add: return .sum(a, b, output: output, isUnsigned: isUnsigned)
    case .sub: return .sum(a, b, output: output, subtracts: true, isUnsigned: isUnsigned)
    case .mul: return .product(a, b, output: output, isUnsigned: isUnsigned)
    case .div, .integerDiv, .pow, .mod, .fmod, .max, .min, .prelu, .equal, .less, .lessOrEqual, .greater,
      .greaterOrEqual, .and, .or, .xor:
      return nil
    }
  }

  public func evaluateInt8(_ operands: [Tensor], _ type: TensorType) throws -> Tensor? {
    guard let pair = pairStage(operands[0].type, operands[1].type, type) else { return nil }
    let left = Broadcast.expand(operands[0].int8s, operands[0].type.shape, to: type.shape)
    let right = Broadcast.expand(operands[1].int8s, operands[1].type.shape, to: type.shape)
    return Tensor(type, .i8(zip(left, right).map { pair($0, $1) }))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? { nil }
}

/// The functions of `nn.binary`.
public enum BinaryFunction: String, CaseIterable, Sendable {
  case add, sub, mul, div
  case integerDiv = "integer_div"
  case pow
  case mod, fmod
  case max, min
  case prelu
  case equal, less
  case lessOrEqual = "less_or_equal"
  case greater
  case greaterOrEqual = "greater_or_equal"
  case and, or, xor

  /// Whether its results are true or false.
  public var isCondition: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor: true
    case .add, .sub, .mul, .div, .integerDiv, .pow, .mod, .fmod, .max, .min, .prelu: false
    }
  }

  var formula: String {
    switch self {
    case .add: "`a + b`"
    case .sub: "`a - b`"
    case .mul: "`a * b`"
    case .div: "`a / b`"
    case .integerDiv: "the integer part of `a / b`"
    case .pow: "`a^b`, in Float64 and rounded"
    case .mod: "the rest of `a / b`, with the sign of b"
    case .fmod: "the rest of `a / b`, with the sign of a"
    case .max, .min: "`\(rawValue)(a, b)`"
    case .prelu: "`a` from 0 on, `a * b` below"
    case .equal: "`a = b`"
    case .less: "`a < b`"
    case .lessOrEqual: "`a <= b`"
    case .greater: "`a > b`"
    case .greaterOrEqual: "`a >= b`"
    case .and, .or, .xor: "`a \(rawValue) b`, of which all but 0 is true"
    }
  }

  /// The function of two numbers, in their precision where the formula does not name another.
  public func value<Real: BinaryFloatingPoint>(_ a: Real, _ b: Real) -> Real {
    switch self {
    case .add: a + b
    case .sub: a - b
    case .mul: a * b
    case .div: a / b
    case .integerDiv: (a / b).rounded(.towardZero)
    case .pow: Real(Foundation.pow(Double(a), Double(b)))
    case .mod: a - (a / b).rounded(.down) * b
    case .fmod: a.truncatingRemainder(dividingBy: b)
    case .max: a.isNaN || b.isNaN ? .nan : Swift.max(a, b)
    case .min: a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
    case .prelu: a < 0 ? a * b : a
    case .equal: a == b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .and: a != 0 && b != 0 ? 1 : 0
    case .or: a != 0 || b != 0 ? 1 : 0
    case .xor: (a != 0) != (b != 0) ? 1 : 0
    }
  }
}

/// Shapes and elements repeated along axes of size 1.
enum Broadcast {
  /// The shape that all have in common; nil where there is none.
  static func shape(_ shapes: [[Int]]) -> [Int]? {
    var result = [Int](repeating: 1, count: shapes.map(\.count).max() ?? 0)
    for shape in shapes {
      for (axis, size) in zip((result.count - shape.count)..., shape) where size != 1 {
        guard result[axis] == 1 || result[axis] == size else { return nil }
        result[axis] = size
      }
    }
    return result
  }

  static func expand<Element>(_ values: [Element], _ shape: [Int], to result: [Int]) -> [Element] {
    let padded = [Int](repeating: 1, count: result.count - shape.count) + shape
    if padded == result { return values }
    var current = values
    // From the last axis to the first: a run of elements is repeated whole.
    var run = 1
    for axis in result.indices.reversed() {
      run *= result[axis]
      guard padded[axis] != result[axis] else { continue }
      let length = run / result[axis]
      var next: [Element] = []
      next.reserveCapacity(current.count * result[axis])
      for start in stride(from: 0, to: current.count, by: length) {
        for _ in 0..<result[axis] { next += current[start..<(start + length)] }
      }
      current = next
    }
    return current
  }
}

extension OperatorCheck {
  /// The shape that the operands broadcast to.
  mutating func broadcast() -> [Int]? {
    let shapes = operands.map(\.type.shape)
    if let shape = Broadcast.shape(shapes) { return shape }
    report(
      "shapes",
      "the operands have shapes \(shapes.map { "\($0)" }.joined(separator: ", ")); expected sizes that are equal or 1, "
        + "from the last axis on", operands: Array(operands.indices))
    return nil
  }
}
