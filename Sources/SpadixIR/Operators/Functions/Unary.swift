import Foundation
import SpadixTensor

/// A function of each element alone.
public struct Unary: FunctionOperator {
  /// Decides what `alpha` and `beta` mean, if anything: see its `formula`.
  public var function = UnaryFunction.tanh
  /// A parameter of some functions.
  public var alpha: Float = 1
  /// A parameter of some functions.
  var beta: Float = 0

  public init() {}
  public init(_ function: UnaryFunction, alpha: Float = 1, beta: Float = 0) {
    self.function = function
    self.alpha = alpha
    self.beta = beta
  }

  public static let mnemonic = "nn.unary"
  public static let summary = "A function of each element alone"
  public static let documentation = """
    | function | y |
    |---|---|
    \(UnaryFunction.allCases.map { "| `\($0.rawValue)` | \($0.formula) |" }.joined(separator: "\n"))

    Computed in Float64 and rounded to Float32.

    Quantized: `clamp(round_half_even(f((q - zx) * sx) / sy) + zy)`, a table of 256 entries. `quantize` leaves those \
    that networks do not use as activations in f32.
    """
  public static let operands = [OperandDescription("input", "any shape")]
  public static let attributes: [AttributeField<Unary>] = [
    .choice("function", \.function, required: true, "which one"),
    .real("alpha", \.alpha, "a parameter of some functions"),
    .real("beta", \.beta, "a parameter of some functions"),
  ]

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? {
    check.realFunction(Self.operands)
    if alpha.isNaN || beta.isNaN { check.report("parameter", "alpha = \(alpha), beta = \(beta): expected numbers") }
    return check.shape(0)
  }

  public func int8Form(_ operands: [TensorType]) -> FunctionInt8Form {
    function.isActivation || operands[0].element.isQuantized ? .real : .none
  }

  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let (alpha, beta) = (Double(alpha), Double(beta))
    let function = function
    return Tensor(type, .f32(operands[0].floats.map { Float(function.value(Double($0), alpha, beta)) }))
  }

  /// In Float64.
  public func callAsFunction(_ x: Double) -> Double { function.value(x, Double(alpha), Double(beta)) }

  /// What becomes of each int8, from -128 on.
  public func table(input: Quantization, output: Quantization) -> [Int8] {
    QuantizedArithmetic.table(input: input, output: output) { self($0) }
  }

  public func evaluateInt8(_ operands: [Tensor], _ type: TensorType) throws -> Tensor? {
    guard let input = operands[0].type.element.quantization, let output = type.element.quantization, input.isPerTensor,
      output.isPerTensor
    else { return nil }
    let table = table(input: input, output: output)
    return Tensor(type, .i8(operands[0].int8s.map { QuantizedArithmetic.lookUp($0, in: table) }))
  }

  public func range(_ operands: [ValueRange?]) -> ValueRange? {
    switch function {
    case .sigmoid, .hardSigmoid: ValueRange(low: 0, high: 1)
    case .tanh, .erf, .softsign, .sin, .cos: ValueRange(low: -1, high: 1)
    default: nil
    }
  }
}

/// The functions of `nn.unary`.
public enum UnaryFunction: String, CaseIterable, Sendable {
  case abs
  case acos, acosh, asin, asinh, atan, atanh
  case ceil
  case celu
  case cos, cosh
  case elu
  case erf
  case exp
  case floor
  case gelu
  case geluTanh = "gelu_tanh"
  case hardSigmoid = "hard_sigmoid"
  case hardSwish = "hard_swish"
  case leakyRelu = "leaky_relu"
  case log
  case mish
  case not
  case pow
  case reciprocal
  case round
  case selu
  case shrink
  case sigmoid
  case sign
  case silu
  case sin, sinh
  case softplus
  case softsign
  case sqrt
  case square
  case tan
  case tanh
  case thresholdedRelu = "thresholded_relu"
  case truncate

  /// Whether its results have as even a distribution as layers' do, so that int8 can hold them.
  var isActivation: Bool {
    switch self {
    case .abs, .celu, .elu, .erf, .gelu, .geluTanh, .hardSigmoid, .hardSwish, .leakyRelu, .mish, .selu, .shrink,
      .sigmoid, .silu, .softplus, .softsign, .tanh, .thresholdedRelu:
      true
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .exp, .floor, .log, .not, .pow, .reciprocal,
      .round, .sign, .sin, .sinh, .sqrt, .square, .tan, .truncate:
      false
    }
  }

  var formula: String {
    switch self {
    case .abs: "`abs(x)`"
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cos, .cosh, .sin, .sinh, .tan, .tanh, .erf, .exp, .log, .sqrt:
      "`\(rawValue)(x)`"
    case .ceil: "the least integer not below x"
    case .celu: "`max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`"
    case .elu: "`x` from 0 on, `alpha * (exp(x) - 1)` below"
    case .floor: "the greatest integer not above x"
    case .gelu: "`0.5 * x * (1 + erf(x / sqrt(2)))`"
    case .geluTanh: "`0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`"
    case .hardSigmoid: "`max(0, min(1, alpha * x + beta))`"
    case .hardSwish: "`x * max(0, min(1, x / 6 + 0.5))`"
    case .leakyRelu: "`x` from 0 on, `alpha * x` below"
    case .mish: "`x * tanh(log(1 + exp(x)))`"
    case .not: "1 where x is 0, else 0"
    case .pow: "`x^alpha`"
    case .reciprocal: "`1 / x`"
    case .round: "the nearest integer, even ones of two"
    case .selu: "`beta * x` above 0, `beta * alpha * (exp(x) - 1)` else"
    case .shrink: "`x + beta` below -alpha, `x - beta` above alpha, else 0"
    case .sigmoid: "`1 / (1 + exp(-x))`"
    case .sign: "-1, 0 or 1"
    case .silu: "`x / (1 + exp(-alpha * x))`"
    case .softplus: "`log(1 + exp(x))`"
    case .softsign: "`x / (1 + abs(x))`"
    case .square: "`x * x`"
    case .thresholdedRelu: "`x` above alpha, else 0"
    case .truncate: "the integer part of x"
    }
  }

  func value(_ x: Double, _ alpha: Double, _ beta: Double) -> Double {
    switch self {
    case .abs: Swift.abs(x)
    case .acos: Foundation.acos(x)
    case .acosh: Foundation.acosh(x)
    case .asin: Foundation.asin(x)
    case .asinh: Foundation.asinh(x)
    case .atan: Foundation.atan(x)
    case .atanh: Foundation.atanh(x)
    case .ceil: x.rounded(.up)
    case .celu: max(0, x) + min(0, alpha * expm1(x / alpha))
    case .cos: Foundation.cos(x)
    case .cosh: Foundation.cosh(x)
    case .elu: x < 0 ? alpha * expm1(x) : x
    case .erf: Foundation.erf(x)
    case .exp: Foundation.exp(x)
    case .floor: x.rounded(.down)
    case .gelu: 0.5 * x * (1 + Foundation.erf(x * 0.5.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .hardSigmoid: max(0, min(1, alpha * x + beta))
    case .hardSwish: x * max(0, min(1, x / 6 + 0.5))
    case .leakyRelu: x < 0 ? alpha * x : x
    case .log: Foundation.log(x)
    case .mish: x * Foundation.tanh(Self.softplus(x))
    case .not: x == 0 ? 1 : 0
    case .pow: Foundation.pow(x, alpha)
    case .reciprocal: 1 / x
    case .round: x.rounded(.toNearestOrEven)
    case .selu: beta * (x > 0 ? x : alpha * expm1(x))
    case .shrink: x < -alpha ? x + beta : x > alpha ? x - beta : 0
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .sign: x > 0 ? 1 : x < 0 ? -1 : x
    case .silu: x / (1 + Foundation.exp(-alpha * x))
    case .sin: Foundation.sin(x)
    case .sinh: Foundation.sinh(x)
    case .softplus: Self.softplus(x)
    case .softsign: x / (1 + Swift.abs(x))
    case .sqrt: x.squareRoot()
    case .square: x * x
    case .tan: Foundation.tan(x)
    case .tanh: Foundation.tanh(x)
    case .thresholdedRelu: x > alpha ? x : 0
    case .truncate: x.rounded(.towardZero)
    }
  }

  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(Foundation.exp(-Swift.abs(x))) }
}
