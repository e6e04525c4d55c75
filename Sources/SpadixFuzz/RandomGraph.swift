import SpadixIR
import SpadixSupport
import SpadixTensor

/// Random float graphs over all operators, as text, for comparing the machine with the reference.
///
/// Shapes are the awkward ones: 1, 3, 5, 17 channels, 1, 7, 14 pixels, strides, dilations, groups. Every value has a
/// `range`, so that no calibration is needed. Outputs are of every kind: values that others read as well, inputs, constants
/// of every type, the same one twice; some operations nobody reads, some graphs have no inputs. Names are words, numbers
/// against the order of definition, or such as ONNX has. The same seed gives the same text.
struct RandomGraph {
  private struct Value {
    var name: String
    var shape: [Int]
    var range: (low: Float, high: Float)
  }

  private enum NameStyle {
    case words
    case numbers
    case foreign
  }

  private var generator: SplitMix64
  private let seed: UInt64
  private var data: [String] = []
  private var body: [String] = []
  private var values: [Value] = []
  /// What the concatenations so far join.
  private var joined: [(axis: Int, parts: [Value])] = []
  private var used: Set<String> = []
  private var next = 0
  private var style = NameStyle.words
  /// What can be an output without being computed: inputs and constants.
  private var given: [(name: String, type: String)] = []
  /// The names of inputs and outputs as the text has them, without `%` and quotes; after `text()`.
  private(set) var inputNames: [String] = []
  /// Without `%` and quotes; after `text()`.
  private(set) var outputNames: [String] = []

  init(seed: UInt64) {
    self.seed = seed
    generator = SplitMix64(seed: seed)
  }

  /// The graph's text.
  mutating func text() -> String {
    style = pick([.words, .words, .words, .numbers, .foreign])
    let shape = [
      pick([1, 1, 1, 2]), pick([1, 2, 4, 5, 7, 8, 14]), pick([1, 3, 4, 7, 8, 14, 19]),
      pick([1, 3, 5, 8, 16, 17, 32, 40]),
    ]
    var inputs: [String] = []
    let inputCount = pick([0, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    for _ in 0..<max(1, inputCount) {
      let range = range()
      if inputCount == 0 {
        values.append(Value(name: constant(shape, low: range.low, high: range.high), shape: shape, range: range))
        continue
      }
      let value = Value(name: name("x"), shape: shape, range: range)
      values.append(value)
      given.append((value.name, type(shape)))
      inputs.append("\(value.name): \(type(shape)) {\(text(range))}")
      inputNames.append(Self.plain(value.name))
    }
    let firstComputed = values.count
    let count = Int.random(in: 1...8, using: &generator)
    var attempts = 0
    while body.filter({ !$0.contains("constant") }).count < count && attempts < 60 {
      attempts += 1
      step()
    }
    if values.count == firstComputed { relu(values[0]) }
    let outputs = outputs(from: firstComputed)
    outputNames = outputs.map { Self.plain($0.name) }
    let result = outputs.count == 1 ? outputs[0].type : "(\(outputs.map(\.type).joined(separator: ", ")))"
    return """
      // spadix fuzz --seed \(seed) --count 1
      \(data.joined(separator: "\n"))

      graph @random(\(inputs.joined(separator: ", "))) -> \(result) {
      \(body.map { "  " + $0 }.joined(separator: "\n"))
        return \(outputs.map(\.name).joined(separator: ", "))
      }

      """
  }

  /// Everything that nobody reads, mostly, and a few others.
  private mutating func outputs(from firstComputed: Int) -> [(name: String, type: String)] {
    let computed = values[firstComputed...].map { (name: $0.name, type: type($0.shape)) }
    var outputs = computed.filter { !used.contains($0.name) }
    if outputs.count > 1 && chance(20) { outputs.remove(at: Int.random(in: outputs.indices, using: &generator)) }
    if chance(25) { outputs.append(pick(computed)) }
    if chance(10) { outputs = [] }
    if chance(10) { outputs.append(typedConstant()) }
    if !given.isEmpty && chance(20) { outputs.append(pick(given)) }
    if outputs.isEmpty { outputs = [pick(computed)] }
    if chance(10) { outputs.append(pick(outputs)) }
    if chance(50) { outputs.shuffle(using: &generator) }
    return outputs
  }

  /// A constant that only an output refers to.
  private mutating func typedConstant() -> (name: String, type: String) {
    let name = name("k")
    let channels = pick([1, 2, 3, 17])
    let scales = (0..<channels).map { _ in Float(Int.random(in: 1...64, using: &generator)) / 64 }
    let zeroPoints = (0..<channels).map { _ in Int.random(in: -128...127, using: &generator) }
    let shape = list([pick([1, 3]), channels])
    let type = pick([
      "f32\(shape)", "i8\(shape)", "i32\(shape)", "f32[]", "q8<\(scales[0]), \(zeroPoints[0])>\(shape)",
      "q8<axis = 1, \(scales), \(zeroPoints)>\(shape)",
    ])
    let dataSeed = UInt64.random(in: 1...999_999, using: &generator)
    data.append("data @\(Self.dataName(next)) : \(type) = random(seed = \(dataSeed))")
    body.append("\(name) = constant @\(Self.dataName(next)) : \(type)")
    next += 1
    return (name, type)
  }

  // MARK: Names

  /// A new name with its `%`.
  private mutating func name(_ word: String) -> String {
    next += 1
    return switch style {
    case .words: "%\(word)\(next)"
    case .numbers: "%\(999 - next)"
    case .foreign: "%\"block/\(word):\(next)\""
    }
  }

  private static func dataName(_ number: Int) -> String { "d\(number)" }

  private static func plain(_ name: String) -> String { name.filter { $0 != "%" && $0 != "\"" } }

  // MARK: Random choices

  private mutating func pick<Element>(_ choices: [Element]) -> Element { choices.randomElement(using: &generator)! }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
  private mutating func range() -> (low: Float, high: Float) {
    let high = Float(Int.random(in: 1...32, using: &generator)) / 4
    return chance(30) ? (0, high) : (-Float(Int.random(in: 1...32, using: &generator)) / 4, high)
  }

  private func type(_ shape: [Int]) -> String { "f32[" + shape.map(String.init).joined(separator: ", ") + "]" }
  private func text(_ range: (low: Float, high: Float)) -> String { "range = [\(range.low), \(range.high)]" }
  private func list(_ values: [Int]) -> String { "[" + values.map(String.init).joined(separator: ", ") + "]" }

  // MARK: Statements

  private mutating func constant(_ shape: [Int], low: Float, high: Float) -> String {
    let name = name("c")
    let dataSeed = UInt64.random(in: 1...999_999, using: &generator)
    data.append(
      "data @\(Self.dataName(next)) : \(type(shape)) = random(seed = \(dataSeed), low = \(low), high = \(high))")
    body.append("\(name) = constant @\(Self.dataName(next)) : \(type(shape))")
    given.append((name, type(shape)))
    return name
  }

  @discardableResult
  private mutating func emit(
    _ op: String, _ operands: [String], _ attributes: [String], _ shape: [Int],
    range given: (low: Float, high: Float)? = nil
  ) -> Value {
    let value = Value(name: name("v"), shape: shape, range: given ?? range())
    used.formUnion(operands)
    let all = attributes + [text(value.range)]
    body.append(
      "\(value.name) = \(op) \(operands.joined(separator: ", ")) {\(all.joined(separator: ", "))} : \(type(shape))")
    values.append(value)
    return value
  }

  private mutating func step() {
    let value = chance(70) ? values[values.count - 1] : pick(values)
    switch Int.random(in: 0..<27, using: &generator) {
    case 0...5: convolution(value)
    case 6: relu(value)
    case 7: clamp(value)
    case 8, 9: addition(value)
    case 10: pooling(value, "nn.max_pool2d")
    case 11: pooling(value, "nn.avg_pool2d")
    case 12:
      if value.shape.count == 4 {
        emit("nn.global_avg_pool2d", [value.name], [], [value.shape[0], 1, 1, value.shape[3]])
      }
    case 13: concatenation(value)
    case 14: reshape(value)
    case 15: transpose(value)
    case 16: padding(value)
    case 17: batchNorm(value)
    case 18:
      if chance(50) {
        emit("nn.softmax", [value.name], ["axis = \(value.shape.count - 1)"], value.shape, range: (0, 1))
      }
    case 19: scaling(value)
    case 20: matrixProduct(value)
    case 21: activationProduct(value)
    case 22, 23, 24: function(value)
    default: elementwise(value)
    }
  }

  private mutating func relu(_ value: Value) {
    emit("nn.relu", [value.name], [], value.shape, range: (0, max(0.25, value.range.high)))
  }

  /// Bounds of every kind: relu6, symmetric or not, on one side only, both above or both below zero.
  private mutating func clamp(_ value: Value) {
    let near = Float(Int.random(in: 1...16, using: &generator)) / 8
    let far = near + Float(Int.random(in: 1...32, using: &generator)) / 8
    let (low, high) = pick([
      (0, 6), (-near, near), (-near, far), (-far, near), (near, far), (-far, -near), (-near, .infinity),
      (-.infinity, near), (near, .infinity), (-.infinity, 0),
    ])
    var attributes = [String]()
    if high.isFinite { attributes.append("high = \(high)") }
    if low.isFinite { attributes.append("low = \(low)") }
    func confined(_ bound: Float) -> Float { min(max(bound, low), high) }
    emit(
      "nn.clamp", [value.name], attributes, value.shape,
      range: (confined(value.range.low), confined(value.range.high)))
  }

  private mutating func convolution(_ value: Value) {
    guard value.shape.count == 4 else { return }
    let channels = value.shape[3]
    let kernel = [pick([1, 1, 2, 3, 3, 5, 7]), pick([1, 1, 2, 3, 3, 5, 7])]
    let strides = [pick([1, 1, 1, 2, 3]), pick([1, 1, 1, 2, 3])]
    let dilations = [pick([1, 1, 1, 2]), pick([1, 1, 1, 2])]
    var padding: [Int] = []
    for index in 0..<4 { padding.append(chance(50) ? 0 : Int.random(in: 0...kernel[index % 2], using: &generator)) }
    var size: [Int] = []
    for axis in 0..<2 {
      let room = value.shape[axis + 1] + padding[axis] + padding[axis + 2] - (kernel[axis] - 1) * dilations[axis] - 1
      if room < 0 { return }
      size.append(room / strides[axis] + 1)
    }
    var groups = 1
    var outputs = pick([1, 3, 5, 8, 16, 17, 32, 48])
    if chance(35) {
      groups = pick((1...channels).filter { channels % $0 == 0 })
      outputs = groups * pick([1, 1, 1, 2, 3])
    }
    if size[0] * size[1] * outputs * kernel[0] * kernel[1] * channels > 40_000_000 { return }
    let fan = Float(kernel[0] * kernel[1] * channels / groups)
    let bound = 2 / fan.squareRoot()
    var operands = [
      value.name, constant([kernel[0], kernel[1], channels / groups, outputs], low: -bound, high: bound),
    ]
    if chance(70) { operands.append(constant([outputs], low: -1, high: 1)) }
    let result = emit(
      "nn.conv2d", operands,
      [
        "strides = \(list(strides))", "padding = \(list(padding))", "dilations = \(list(dilations))",
        "groups = \(groups)",
      ], [value.shape[0], size[0], size[1], outputs])
    if chance(20) { batchNorm(result) }
    let same = values.filter { $0.shape == result.shape && $0.name != values.last!.name }
    if !same.isEmpty && chance(60) {
      emit("nn.add", [values.last!.name, pick(same).name], [], result.shape)
    }
    if chance(50) { relu(values.last!) }
    if chance(20) { pooling(values.last!, "nn.max_pool2d") }
  }

  private mutating func pooling(_ value: Value, _ op: String) {
    guard value.shape.count == 4 else { return }
    let isAverage = op == "nn.avg_pool2d"
    let window =
      isAverage
      ? [pick([1, 2, 3, 4]), pick([1, 2, 3, 5])] : chance(80) ? pick([[2, 2], [3, 3]]) : [pick([1, 4]), 2]
    let strides = chance(80) ? pick([[1, 1], [2, 2], [3, 3]]) : [1, 2]
    let pad = chance(60) ? 0 : 1
    let padding = [pad, pad, chance(50) ? pad : 0, pad].map { min($0, min(window[0], window[1]) - 1) }
    var size: [Int] = []
    for axis in 0..<2 {
      let room = value.shape[axis + 1] + padding[axis] + padding[axis + 2] - window[axis]
      if room < 0 { return }
      size.append(room / strides[axis] + 1)
    }
    var attributes = [
      "window = \(list(window))", "strides = \(list(strides))", "padding = \(list(padding))",
    ]
    if isAverage && padding.contains(where: { $0 > 0 }) { attributes.append("count_include_pad = true") }
    emit(
      op, [value.name], attributes, [value.shape[0], size[0], size[1], value.shape[3]],
      range: isAverage ? nil : value.range)
  }

  private mutating func addition(_ value: Value) {
    let same = values.filter { $0.shape == value.shape }
    emit("nn.add", [value.name, pick(same).name], [], value.shape)
    if chance(30) { relu(values.last!) }
  }

  private mutating func concatenation(_ value: Value) {
    let axis = value.shape.count == 4 ? pick([1, 2, 3, 3, 3]) : value.shape.count - 1
    let partners = values.filter { other in
      other.shape.count == value.shape.count
        && other.shape.indices.allSatisfy { $0 == axis || other.shape[$0] == value.shape[$0] }
    }
    var parts = [value]
    let fitting = Set(partners.map(\.name))
    let earlier = joined.filter { $0.axis == axis && $0.parts.allSatisfy { fitting.contains($0.name) } }
    if !earlier.isEmpty && chance(50) {
      // As where each layer reads all results before it.
      parts.insert(contentsOf: pick(earlier).parts, at: pick([0, 0, 1]))
    } else {
      for _ in 0..<pick([1, 1, 2]) { parts.append(pick(partners)) }
    }
    var shape = value.shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    if shape.reduce(1, *) > 60_000 { return }
    joined.append((axis, parts))
    emit("nn.concat", parts.map(\.name), ["axis = \(axis)"], shape)
  }

  private mutating func reshape(_ value: Value) {
    let count = value.shape.reduce(1, *)
    let divisors = (1...min(count, 64)).filter { count % $0 == 0 }
    let columns = chance(50) ? value.shape.last! : pick(divisors)
    let rows = count / columns
    let shape: [Int]
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: shape = [rows, columns]
    case 1:
      let outer = pick((1...min(rows, 16)).filter { rows % $0 == 0 })
      shape = [outer, rows / outer, columns]
    default:
      let outer = pick((1...min(rows, 16)).filter { rows % $0 == 0 })
      shape = [1, outer, rows / outer, columns]
    }
    emit("nn.reshape", [value.name], [], shape, range: value.range)
  }

  private mutating func transpose(_ value: Value) {
    var permutation = Array(value.shape.indices)
    if chance(70) {
      permutation = Array(permutation.dropLast()).shuffled(using: &generator) + [value.shape.count - 1]
    } else {
      permutation.shuffle(using: &generator)
    }
    emit(
      "nn.transpose", [value.name], ["permutation = \(list(permutation))"], permutation.map { value.shape[$0] },
      range: value.range)
  }

  private mutating func padding(_ value: Value) {
    let low = value.shape.map { _ in chance(30) ? 1 : 0 }
    let high = value.shape.map { _ in chance(30) ? 2 : 0 }
    let shape = value.shape.indices.map { value.shape[$0] + low[$0] + high[$0] }
    if shape.reduce(1, *) > 60_000 { return }
    emit(
      "nn.pad", [value.name], ["low = \(list(low))", "high = \(list(high))", "value = 0.0"], shape, range: value.range)
  }

  private mutating func batchNorm(_ value: Value) {
    let channels = [value.shape.last!]
    let operands = [
      value.name, constant(channels, low: 0.5, high: 1.5), constant(channels, low: -1, high: 1),
      constant(channels, low: -1, high: 1), constant(channels, low: 0.5, high: 2),
    ]
    emit("nn.batch_norm", operands, [], value.shape)
  }

  private mutating func scaling(_ value: Value) {
    let shape = chance(50) ? [value.shape.last!] : [1]
    emit("nn.mul", [value.name, constant(shape, low: -1, high: 2)], [], value.shape)
  }

  /// Functions that are not defined or not finite everywhere: constants that they are folded for would be refused.
  private static let partial: Set<UnaryFunction> = [
    .acos, .acosh, .asin, .atanh, .cosh, .exp, .log, .pow, .reciprocal, .sinh, .sqrt, .tan,
  ]

  /// A function of single elements, which may follow another one.
  private mutating func function(_ value: Value) {
    let function = pick(UnaryFunction.allCases.filter { !Self.partial.contains($0) })
    var attributes = ["function = \(function.rawValue)"]
    switch function {
    case .hardSigmoid: attributes += ["alpha = \(pick([0.2, 0.16666667]))", "beta = 0.5"]
    case .leakyRelu, .celu, .elu, .thresholdedRelu: attributes.append("alpha = \(pick([0.01, 0.25, 1.5]))")
    case .selu, .shrink: attributes += ["alpha = 1.5", "beta = \(pick([0.5, 1.0]))"]
    default: break
    }
    emit("nn.unary", [value.name], attributes, value.shape)
    if chance(20) { relu(values.last!) }
    if chance(20) { pooling(values.last!, "nn.max_pool2d") }
  }

  /// A sum, difference or product of two activations: of one shape, or the second with a row for each of the first axes.
  private mutating func elementwise(_ value: Value) {
    var other = pick(values.filter { $0.shape == value.shape })
    if value.shape.count == 4 && chance(60) {
      other = emit("nn.global_avg_pool2d", [value.name], [], [value.shape[0], 1, 1, value.shape[3]])
      if chance(50) {
        other = emit("nn.unary", [other.name], ["function = sigmoid"], other.shape, range: (0, 1))
      }
    }
    let function = pick(["mul", "mul", "add", "sub", "max"])
    var operands = [value.name, other.name]
    if function == "mul" && chance(30) { operands.reverse() }
    emit("nn.binary", operands, ["function = \(function)"], value.shape)
    if chance(20) { self.function(values.last!) }
  }

  private mutating func matrixProduct(_ value: Value) {
    guard value.shape.count >= 2 else { return }
    let inner = value.shape.last!
    let outputs = pick([1, 3, 10, 16, 33])
    let transposed = chance(20)
    let bound = 2 / Float(inner).squareRoot()
    let batch = value.shape.count > 2 && chance(25) ? Array(value.shape.dropLast(2)) : []
    let matrix = batch + (transposed ? [outputs, inner] : [inner, outputs])
    if matrix.reduce(1, *) > 60_000 { return }
    var operands = [value.name, constant(matrix, low: -bound, high: bound)]
    if chance(60) { operands.append(constant([outputs], low: -1, high: 1)) }
    emit(
      "nn.matmul", operands, transposed ? ["transpose_b = true"] : [], Array(value.shape.dropLast()) + [outputs])
  }

  private mutating func activationProduct(_ value: Value) {
    guard value.shape.count == 2 || value.shape.count == 3 else {
      reshape(value)
      return
    }
    let batch = Array(value.shape.dropLast(2))
    let inner = value.shape.last!
    let partners = values.filter { $0.shape.count == value.shape.count && Array($0.shape.dropLast(2)) == batch }
    let plain = partners.filter { $0.shape[$0.shape.count - 2] == inner }
    let transposed = partners.filter { $0.shape.last! == inner }
    let rows = value.shape[value.shape.count - 2]
    if !plain.isEmpty && chance(50) {
      let other = pick(plain)
      emit("nn.matmul", [value.name, other.name], [], batch + [rows, other.shape.last!])
    } else if !transposed.isEmpty {
      let other = pick(transposed)
      emit(
        "nn.matmul", [value.name, other.name], ["transpose_b = true"],
        batch + [rows, other.shape[other.shape.count - 2]])
    }
  }
}
