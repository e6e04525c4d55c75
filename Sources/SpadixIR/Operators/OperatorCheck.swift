import SpadixTensor

/// What an operator's rule sees and where it reports: operand types, the result type, and the problems found.
public struct OperatorCheck {
  /// What a rule may know of an operand.
  public struct Operand: Sendable {
    /// Shape and elements.
    var type: TensorType
    /// Whether it comes from the graph's data; some rules demand it.
    var isConstant: Bool

    public init(type: TensorType, isConstant: Bool) {
      self.type = type
      self.isConstant = isConstant
    }
  }

  /// A broken rule, before the verifier gives it a place.
  public struct Problem: Sendable {
    /// The last part of the diagnostic's id: `padding` becomes `ir.conv2d-padding`.
    var rule: String
    /// Lower case: what was expected and what was found.
    public var message: String
    /// Operands to show in notes, with their types.
    var operands: [Int]
    /// The nearest way out; nil where there is none to offer.
    public var help: String?
  }

  /// In the operation's order.
  let operands: [Operand]
  /// Nil when only the shape is asked for.
  let resultType: TensorType?
  /// In the order in which they were reported.
  public private(set) var problems: [Problem] = []

  public init(operands: [Operand], resultType: TensorType?) {
    self.operands = operands
    self.resultType = resultType
  }

  func type(_ operand: Int) -> TensorType { operands[operand].type }
  func shape(_ operand: Int) -> [Int] { operands[operand].type.shape }
  func element(_ operand: Int) -> ElementType { operands[operand].type.element }

  /// Notes a broken rule.
  ///
  /// - Parameters:
  ///   - rule: the last part of the diagnostic's id.
  ///   - operands: those to show in notes, with their types.
  mutating func report(_ rule: String, _ message: String, operands: [Int] = [], help: String? = nil) {
    problems.append(Problem(rule: rule, message: message, operands: operands, help: help))
  }
}

// MARK: Shapes and attribute ranges

extension OperatorCheck {
  /// Whether a list attribute has the length and its elements lie in the interval; reports under `rule` if not.
  mutating func integers(_ name: String, _ values: [Int], count: Int, in bounds: ClosedRange<Int>, rule: String) -> Bool
  {
    guard values.count == count else {
      report(rule, "\(name) = \(values): expected \(counted(count, "integer")), found \(values.count)")
      return false
    }
    guard let bad = values.first(where: { !bounds.contains($0) }) else { return true }
    let limit =
      bad < bounds.lowerBound ? "of at least \(bounds.lowerBound)" : "of at most \(bounds.upperBound)"
    report(rule, "\(name) = \(values): expected integers \(limit), found \(bad)")
    return false
  }

  mutating func rank(_ operand: Int, _ name: String, _ expected: Int, layout: String) -> Bool {
    if shape(operand).count == expected { return true }
    report(
      "rank", "the \(name) has shape \(shape(operand)); expected rank \(expected), \(layout)", operands: [operand])
    return false
  }

  mutating func minimumRank(_ operand: Int, _ name: String, _ minimum: Int) -> Bool {
    if shape(operand).count >= minimum { return true }
    report("rank", "the \(name) has shape \(shape(operand)); expected at least rank \(minimum)", operands: [operand])
    return false
  }

  /// An axis counted from the front, where negative ones count from the back.
  mutating func axis(_ axis: Int, rank: Int) -> Int? {
    if (-rank..<rank).contains(axis) { return axis < 0 ? axis + rank : axis }
    report("axis", "axis = \(axis): expected an axis of a tensor of rank \(rank)", operands: [0])
    return nil
  }

  /// The spatial size [height, width] that a window leaves; reports windows that do not fit.
  mutating func windowed(_ window: Window2D, over size: [Int], rulePrefix: String = "") -> [Int]? {
    let largest = Window2D.maximumExtent
    guard integers("\(rulePrefix)strides", window.strides, count: 2, in: 1...largest, rule: "\(rulePrefix)strides"),
      integers("\(rulePrefix)padding", window.padding, count: 4, in: 0...largest, rule: "\(rulePrefix)padding"),
      integers("dilations", window.dilations, count: 2, in: 1...largest, rule: "dilations")
    else { return nil }
    let result = window.outputSize(of: size)
    for (axis, name) in ["height", "width"].enumerated() where result[axis] < 1 {
      let padded = size[axis] + window.padding[axis] + window.padding[axis + 2]
      report(
        "\(rulePrefix)window",
        "the window covers \(window.extent(axis)) in \(name); the padded input has only \(padded)", operands: [0],
        help: "enlarge the padding, or make the window smaller")
      return nil
    }
    return result
  }

  /// Whether a pooling window is sane: positive, and no window lies in the padding entirely.
  mutating func pooling(_ window: Window2D, rulePrefix: String = "") -> Bool {
    guard
      integers(
        "\(rulePrefix)window", window.size, count: 2, in: 1...Window2D.maximumExtent, rule: "\(rulePrefix)window")
    else { return false }
    guard window.padding.count == 4 else { return true }
    for side in 0..<4 where window.padding[side] >= window.size[side % 2] {
      report(
        "\(rulePrefix)padding",
        "\(rulePrefix)padding = \(window.padding): expected less than the window \(window.size) on every side")
      return false
    }
    return true
  }

  mutating func interval(low: Float, high: Float) {
    if !(low <= high) { report("bounds", "low = \(low), high = \(high): expected low <= high, neither a NaN") }
  }
}

// MARK: Element types

extension OperatorCheck {
  /// Whether the operator computes on f32 or on quantized tensors, as its first operand says.
  enum Arithmetic { case real, quantized }

  mutating func arithmetic() -> Arithmetic? {
    switch element(0) {
    case .f32: return .real
    case .q8(let quantization) where quantization.isPerTensor: return .quantized
    case .q8, .i8, .i32:
      report(
        "type", "the first operand has elements \(element(0)); expected f32, or q8 with one scale", operands: [0])
      return nil
    }
  }

  mutating func requireF32(_ operand: Int, _ name: String) {
    if element(operand) == .f32 { return }
    report("type", "the \(name) has elements \(element(operand)); expected f32", operands: [operand])
  }

  mutating func requireI32(_ operand: Int, _ name: String) {
    if element(operand) == .i32 { return }
    report("type", "the \(name) has elements \(element(operand)); expected i32", operands: [operand])
  }

  /// q8 with one scale and one zero point.
  mutating func requirePerTensor(_ operand: Int, _ name: String) {
    if element(operand).quantization?.isPerTensor == true { return }
    report("type", "the \(name) has elements \(element(operand)); expected q8 with one scale", operands: [operand])
  }

  /// q8 whose zero points are 0, with one scale or one for each index of the last axis; a constant.
  mutating func requireQuantizedWeights(_ operand: Int, _ name: String) {
    let type = type(operand)
    guard let quantization = type.element.quantization,
      quantization.isPerTensor || quantization.axis == type.rank - 1,
      quantization.zeroPoints.allSatisfy({ $0 == 0 })
    else {
      report(
        "weights-type",
        "expected \(name) of type q8 with zero points 0 and one scale, or one for each index of the last axis, found "
          + type.shortDescription, operands: [operand])
      return
    }
    requireConstant(operand, name)
  }

  mutating func requireConstant(_ operand: Int, _ name: String) {
    if operands[operand].isConstant { return }
    report("constant", "the \(name) is computed; expected a constant", operands: [operand])
  }

  mutating func requireInt8(_ operand: Int, _ name: String) {
    if element(operand).isInt8 { return }
    report("type", "the \(name) has elements \(element(operand)); expected q8 or i8", operands: [operand])
  }

  mutating func requireResult(_ accepts: (ElementType) -> Bool, _ expected: String) {
    guard let element = resultType?.element, !accepts(element) else { return }
    report("result-type", "the result has elements \(element); expected \(expected)")
  }

  mutating func requireRealResult() { requireResult({ $0 == .f32 }, "f32, as the operands have") }

  mutating func requireQuantizedResult() {
    requireResult({ $0.quantization?.isPerTensor == true }, "q8 with one scale")
  }

  mutating func requireInt8Result() { requireResult(\.isInt8, "q8 or i8") }

  /// For operators that move or select elements: the result's elements are the operand's, quantization included.
  mutating func requireSameElement(_ operand: Int) {
    guard let result = resultType?.element, result != element(operand) else { return }
    report(
      "result-type",
      "the result has elements \(result); expected \(element(operand)), as the operand has", operands: [operand],
      help: element(operand).isQuantized && result.isQuantized ? "change the scale with nn.requantize" : nil)
  }
}

extension TensorType {
  /// For messages: long lists of scales are cut short.
  var shortDescription: String {
    guard case .q8(let quantization) = element, let axis = quantization.axis, quantization.scales.count > 2 else {
      return description
    }
    return "q8<axis = \(axis), [\(quantization.scales[0]), ...]>\(shape)"
  }
}
