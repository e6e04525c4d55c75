import SpadixTensor

/// An nn operator that says itself what it computes. References, quantizer, verification and host steps work from this
/// alone: nothing about it stands in any of them.
public protocol FunctionOperator: OperatorDefinition {
  /// What becomes of it in an int8 graph, for operands of these types.
  func int8Form(_ operands: [TensorType]) -> FunctionInt8Form

  /// The result, in plain loops. Real numbers are f32; an operator that moves elements moves those of every kind.
  func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor

  /// The result for int8 where the function has a meaning of its own in integers; nil where it is computed in f32.
  func evaluateInt8(_ operands: [Tensor], _ type: TensorType) throws -> Tensor?

  /// The operands that say places, and how many places there are: whole numbers, which int8 would make others of.
  func places(_ operands: [TensorType]) -> [(operand: Int, count: Int)]

  /// What elements of the result can be at most, from the ranges of the operands; nil where they do not say.
  func range(_ operands: [ValueRange?]) -> ValueRange?
}

extension FunctionOperator {
  public func evaluateInt8(_ operands: [Tensor], _ type: TensorType) throws -> Tensor? { nil }

  public func places(_ operands: [TensorType]) -> [(operand: Int, count: Int)] { [] }
}

/// What becomes of a function in an int8 graph.
public enum FunctionInt8Form: Sendable {
  /// It moves or selects elements of operand 0: operand and result have one quantization, other operands stay as they are.
  case movement
  /// Int8 operands are dequantized, the function is computed in f32, and its result quantized. Constants stay f32.
  case real
  /// It stays in f32: int8 would lose what it is there for.
  case none
}

/// One of the functions, with its attributes.
public struct OperatorFunction: Hashable, Sendable {
  /// The function with its attributes.
  public let definition: any FunctionOperator

  public init(_ definition: any FunctionOperator) { self.definition = definition }

  /// Every function there is: a new one is a line here and a file in Functions.
  static let kinds: [OperatorKind] = [
    OperatorKind(function: Unary.self),
    OperatorKind(function: Binary.self),
    OperatorKind(function: Select.self),
    OperatorKind(function: Slice.self),
    OperatorKind(function: Gather.self),
    OperatorKind(function: Scatter.self),
    OperatorKind(function: LayerNorm.self),
    OperatorKind(function: LocalResponseNorm.self),
    OperatorKind(function: FakeQuantize.self),
  ]

  public static func == (left: Self, right: Self) -> Bool {
    AnyHashable(left.definition) == AnyHashable(right.definition)
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(definition)) }

  /// The result for operands in f32 or int8.
  public func evaluate(_ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    guard case .real = definition.int8Form(operands.map(\.type)), let output = type.element.quantization else {
      return try definition.evaluate(operands, type)
    }
    if let result = try definition.evaluateInt8(operands, type) { return result }
    let reals = operands.map { operand in
      operand.type.element.isQuantized ? Tensor(shape: operand.type.shape, operand.realValues) : operand
    }
    let result = try definition.evaluate(reals, .f32(type.shape))
    return Tensor(type, .i8(QuantizedArithmetic.quantize(result.floats, shape: type.shape, output)))
  }
}

extension OperatorKind {
  fileprivate init<Payload: FunctionOperator>(function: Payload.Type) {
    self.init { (payload: Payload) in .function(OperatorFunction(payload)) }
  }
}

extension Operator {
  /// An operator of a function.
  public static func computing(_ definition: some FunctionOperator) -> Operator {
    .function(OperatorFunction(definition))
  }
}

extension OperatorCheck {
  /// Operands and result in f32, or in q8 with one scale, where constants may stay f32.
  mutating func realFunction(_ names: [OperandDescription]) {
    let isQuantized = operands.contains { $0.type.element.isQuantized }
    for operand in operands.indices {
      let name = names[min(operand, names.count - 1)].name
      if !isQuantized || operands[operand].isConstant && element(operand) == .f32 {
        requireF32(operand, name)
      } else {
        requirePerTensor(operand, name)
      }
    }
    if isQuantized { requireQuantizedResult() } else { requireRealResult() }
  }
}
