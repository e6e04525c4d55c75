import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// Holds a quantized graph against what the graph in floating point means, operation by operation.
///
/// Each operation gets the int8 operands that it really gets, as the real numbers that they stand for; what it makes of
/// them in floating point may differ from what its integers stand for by what `ErrorBound` allows. Results beyond the
/// range that the graph states for a value may be anywhere between the end of the range and themselves: there int8
/// saturates.
///
/// This knows the graphs and the reference evaluators, and nothing of how the one graph was made from the other but
/// which value stands for which.
public struct QuantizationCheck {
  private let real: Graph
  private let quantized: Graph
  private let data: DataStore
  private let fragments: [Fragment]
  private let ranges: [ValueRange?]
  private let floats: FloatEvaluator
  private let integers: IntegerEvaluator
  /// By fragment: the elements that are furthest from what they should be, in steps and as a part of what is allowed.
  private var worst: [QuantizationError?]
  private var worstPart: [QuantizationError?]
  /// By fragment; nil for those of which no sample was checked.
  private var noise: [OperationNoise.Energies?]
  private let readers: ReaderFunctions

  /// - Parameters:
  ///   - real: the graph in floating point, with the ranges that were quantized for.
  ///   - quantized: the graph in int8, whose values know their counterparts.
  /// Throws `verify.unmatched` where an int8 operation belongs to no operation in floating point.
  public init(real: Graph, quantized: Graph, data: DataStore) throws {
    self.real = real
    self.quantized = quantized
    self.data = data
    floats = FloatEvaluator(graph: real, data: data)
    integers = IntegerEvaluator(graph: quantized, data: data)
    fragments = try quantized.values.indices.compactMap { index in
      let value = ValueID(index)
      guard let counterpart = quantized.values[value].counterpart else { return nil }
      return try Fragment(of: value, standingFor: counterpart, real: real, quantized: quantized)
    }
    var types = [Quantization?](repeating: nil, count: real.values.count)
    var computed = Set<ValueID>()
    for fragment in fragments {
      types[fragment.counterpart.index] = quantized.values[fragment.result].type.element.quantization
      if case .computation = fragment.source { computed.insert(fragment.counterpart) }
    }
    ranges = ExpectedRanges.ranges(of: real, types: types, computed: computed)
    worst = Array(repeating: nil, count: fragments.count)
    worstPart = worst
    noise = Array(repeating: nil, count: fragments.count)
    readers = ReaderFunctions(real)
    try requireCoverage()
    try checkWeights()
  }

  /// Every int8 operation belongs to a fragment, so that none escapes.
  private func requireCoverage() throws {
    var isCovered = [Bool](repeating: false, count: quantized.operations.count)
    for fragment in fragments {
      switch fragment.source {
      case .constant, .conversion:
        if let producer = quantized.values[fragment.result].producer { isCovered[producer.index] = true }
      case .computation(let computation):
        for step in computation.steps { isCovered[step.index] = true }
      }
    }
    for (operation, isCovered) in zip(quantized.operations, isCovered) where !isCovered {
      if quantized.values[operation.result].type.element.isQuantized, !quantized.isConstant(operation.result) {
        throw Diagnostic.unmatched("\(operation.op.mnemonic) computes no value of the float graph", at: operation.range)
      }
    }
  }

  /// Checks one run of the quantized graph.
  ///
  /// - Parameters:
  ///   - values: every value of the quantized graph, by id.
  ///   - exact: every value of the graph in floating point, by id, for the same inputs; nil where noise is not asked for.
  public mutating func check(_ values: [Tensor], exact: [Tensor]? = nil) throws {
    for index in fragments.indices {
      try measure(index, isRandom: false) { values[$0.index] }
      guard let exact, noise[index] != nil else { continue }
      let counterpart = fragments[index].counterpart
      let found = values[fragments[index].result.index].realValues
      for (real, value) in zip(exact[counterpart.index].floats, found) {
        let (exact, value) = (readers.read(real, of: counterpart), readers.read(value, of: counterpart))
        noise[index]?.exact += exact * exact
        noise[index]?.total += (value - exact) * (value - exact)
      }
    }
  }

  /// Operations of more multiplications are not checked on random operands: those of a run are many.
  static let randomMultiplications = 1 << 24

  /// Checks every operation once on operands of its own: integers drawn from the whole range of each.
  public mutating func checkRandomOperands(seed: UInt64) throws {
    for (index, fragment) in fragments.enumerated() {
      guard case .computation(let computation) = fragment.source,
        real.multiplications(computation.operation) <= Self.randomMultiplications
      else { continue }
      var values: [ValueID: Tensor] = [:]
      for (position, operand) in computation.operands.enumerated() {
        guard let operand, values[operand] == nil else { continue }
        if let constant = try quantized.constantTensor(operand, from: data) {
          values[operand] = constant
        } else {
          let range = ranges[computation.operation.operands[position].index]
          values[operand] = draw(operand, range, seed: seed &+ UInt64(index) &* 0x1_0001 &+ UInt64(position))
        }
      }
      for id in computation.steps {
        let step = quantized.operations[id]
        let operands = try step.operands.map { operand in
          guard let tensor = try values[operand] ?? quantized.constantTensor(operand, from: data) else {
            throw Diagnostic.unmatched("\(step.op.mnemonic) reads a value of no operand", at: step.range)
          }
          return tensor
        }
        values[step.result] = try integers.evaluate(step, operands: operands)[0]
      }
      try measure(index, isRandom: true) { values[$0]! }
    }
  }

  private func draw(_ value: ValueID, _ range: ValueRange?, seed: UInt64) -> Tensor {
    let type = quantized.values[value].type
    var codes = (low: -128, high: 127)
    if let range, let quantization = type.element.quantization {
      func code(_ real: Float, _ rule: FloatingPointRoundingRule) -> Int {
        let exact = Double(real) / Double(quantization.scale) + Double(quantization.zeroPoint)
        return Int(min(max(exact.rounded(rule), -128), 127))
      }
      codes = (code(range.low, .up), code(range.high, .down))
      if codes.low > codes.high { codes.low = codes.high }
    }
    let elements = RandomTensor.integers(
      count: type.elementCount, seed: seed, low: Int32(codes.low), high: Int32(codes.high))
    return Tensor(type, .i8(elements.map { Int8($0) }))
  }

  // MARK: Measuring

  private mutating func measure(_ index: Int, isRandom: Bool, _ tensor: (ValueID) -> Tensor) throws {
    let fragment = fragments[index]
    let found = tensor(fragment.result)
    guard let quantization = found.type.element.quantization, quantization.isPerTensor else { return }
    let step = Double(quantization.scale)
    func compare(_ expected: [Float], _ rounding: Double, _ weighting: ErrorBound.Weighting?, isMeaning: Bool) {
      record(
        index, found: found.realValues, expected: expected, step: step, allowed: rounding, weighting: weighting,
        isMeaning: isMeaning, isRandom: isRandom)
    }
    switch fragment.source {
    case .constant:
      guard let constant = try real.constantTensor(fragment.counterpart, from: data) else { return }
      compare(constant.floats, step / 2, nil, isMeaning: true)
    case .conversion(let operand):
      compare(tensor(operand).floats, step / 2, nil, isMeaning: true)
    case .computation(let computation):
      var operands = try computation.operands.enumerated().map { position, form in
        if let form { return Tensor(.f32(tensor(form).type.shape), .f32(tensor(form).realValues)) }
        guard let constant = try real.constantTensor(computation.operation.operands[position], from: data) else {
          throw Diagnostic.unmatched("an operand has no int8 form", at: computation.operation.range)
        }
        return constant
      }
      let bound = ErrorBound(quantized: quantized, computation: computation)
      let rounding = try bound.rounding()
      let meaning = try floats.evaluate(computation.operation, operands: operands)[0].floats
      compare(meaning, rounding, try bound.weighting(operands, roundsWeights: true, floats), isMeaning: true)
      if !isRandom { addNoise(index, found: found.realValues, meaning: meaning, quantization) }
      guard let product = WeightedStep(computation, in: quantized) else { return }
      let constants = try product.constants(computation, real: real, quantized: quantized, data: data)
      if constants.isEmpty { return }
      for constant in constants { operands[constant.position] = constant.tensor }
      let rounded = try floats.evaluate(computation.operation, operands: operands)[0].floats
      compare(rounded, rounding, try bound.weighting(operands, roundsWeights: false, floats), isMeaning: false)
      if isRandom { return }
      for (exact, found) in zip(meaning, rounded) {
        let error =
          readers.read(found, of: fragment.counterpart) - readers.read(exact, of: fragment.counterpart)
        noise[index]?.weights += error * error
      }
    }
  }

  private mutating func addNoise(_ index: Int, found: [Float], meaning: [Float], _ type: Quantization) {
    var energies = noise[index] ?? OperationNoise.Energies()
    let counterpart = fragments[index].counterpart
    let (low, high) = (
      Double(-128 - type.zeroPoint) * Double(type.scale), Double(127 - type.zeroPoint) * Double(type.scale)
    )
    for (value, exact) in zip(found, meaning) {
      let real = readers.read(exact, of: counterpart)
      let error = readers.read(value, of: counterpart) - real
      energies.signal += real * real
      energies.noise += error * error
      if Double(exact) < low || Double(exact) > high { energies.cut += error * error }
    }
    noise[index] = energies
  }

  /// Holds the integers of weights and biases against the numbers that they stand for, one by one.
  private mutating func checkWeights() throws {
    for (index, fragment) in fragments.enumerated() {
      guard case .computation(let computation) = fragment.source, let product = WeightedStep(computation, in: quantized)
      else { continue }
      for (position, tensor, step) in try product.constants(computation, real: real, quantized: quantized, data: data) {
        let constant = computation.operation.operands[position]
        guard let exact = try real.constantTensor(constant, from: data) else { continue }
        for (element, (found, expected)) in zip(tensor.floats, exact.floats).enumerated() {
          // Biases have more bits than Float32.
          let error = (Double(found) - Double(expected)).magnitude - Double(expected).magnitude * 0x1p-22
          let record = QuantizationError(
            value: real.describe(constant), mnemonic: "constant", sourceLine: sourceLine(fragment),
            range: real.producer(of: fragment.counterpart)?.range, steps: max(0, error) / step(element),
            allowed: 0.5 + ErrorBound.slack, step: step(element), element: element, expected: Double(expected),
            found: Double(found), hasRandomOperands: false)
          if record.part > 1, record.part > worstPart[index]?.part ?? -1 { worstPart[index] = record }
        }
      }
    }
  }

  /// - Parameters:
  ///   - allowed: as a real number, with what `weighting` adds to it for each element.
  ///   - isMeaning: whether `expected` is what the graph in floating point says, with its own weights.
  private mutating func record(
    _ index: Int, found: [Float], expected: [Float], step: Double, allowed: Double, weighting: ErrorBound.Weighting?,
    isMeaning: Bool, isRandom: Bool
  ) {
    let fragment = fragments[index]
    let range = ranges[fragment.counterpart.index]
    for (element, value) in found.enumerated() {
      let exact = Double(expected[element])
      let least = range.map { min(exact, Double($0.high)) } ?? exact
      let most = range.map { max(exact, Double($0.low)) } ?? exact
      let nearest = min(max(Double(value), least), most)
      let error = abs(Double(value) - nearest) / step
      let isLargest = isMeaning && error > worst[index]?.steps ?? -1
      guard isLargest || error > (worstPart[index]?.part ?? -1) * allowed / step else { continue }
      let record = QuantizationError(
        value: real.describe(fragment.counterpart), mnemonic: mnemonic(fragment), sourceLine: sourceLine(fragment),
        range: real.producer(of: fragment.counterpart)?.range ?? real.values[fragment.counterpart].range, steps: error,
        allowed: (allowed + (weighting?[element] ?? 0)) / step + ErrorBound.slack, step: step, element: element,
        expected: nearest, found: Double(value), hasRandomOperands: isRandom)
      if isLargest { worst[index] = record }
      if record.part > worstPart[index]?.part ?? -1 { worstPart[index] = record }
    }
  }

  private func mnemonic(_ fragment: Fragment) -> String {
    switch fragment.source {
    case .constant: "constant"
    case .conversion: "nn.quantize"
    case .computation(let computation): computation.operation.op.mnemonic
    }
  }

  private func sourceLine(_ fragment: Fragment) -> Int? {
    real.producer(of: fragment.counterpart)?.sourceLine ?? quantized.producer(of: fragment.result)?.sourceLine
  }

  // MARK: Results

  /// Over all samples that were checked so far.
  public var summary: QuantizationSummary {
    let known = worst.compactMap { $0 }
    return QuantizationSummary(
      count: fragments.count,
      largest: known.dropFirst().reduce(known.first) { largest, next in
        next.steps > largest?.steps ?? 0 ? next : largest
      },
      operations: known,
      violations: worstPart.compactMap { $0 }.filter { $0.part > 1 },
      noise: zip(fragments, noise).compactMap { fragment, energies in
        energies.map { operationNoise(fragment, $0) }
      })
  }

  private func operationNoise(_ fragment: Fragment, _ energies: OperationNoise.Energies) -> OperationNoise {
    var scales: [Int] = []
    if case .computation(let computation) = fragment.source {
      scales = computation.steps.flatMap { quantized.operations[$0].operands }.filter(quantized.isConstant)
        .compactMap { quantized.values[$0].type.element.quantization?.scales.count }
    }
    return OperationNoise(
      value: real.describe(fragment.counterpart), mnemonic: mnemonic(fragment), sourceLine: sourceLine(fragment),
      energies: energies, hasOneWeightScale: scales.max() == 1,
      isSymmetric: quantized.values.allSatisfy {
        ($0.type.element.quantization?.zeroPoints ?? []).allSatisfy { $0 == 0 }
      })
  }
}

extension Graph {
  /// Of a convolution, before pooling, or of a matrix product; 0 for what costs next to nothing.
  fileprivate func multiplications(_ operation: Operation) -> Int {
    let result = values[operation.result].type
    switch operation.op {
    case .conv2d(let convolution):
      let weights = values[operation.operands[1]].type.shape
      let pooled = convolution.pooling.map { $0.strides[0] * $0.strides[1] } ?? 1
      return result.elementCount * pooled * weights.dropLast().reduce(1, *)
    case .matmul(let product):
      let a = values[operation.operands[0]].type.shape
      return result.elementCount * a[a.count - (product.transposeA ? 2 : 1)]
    default: return 0
    }
  }
}
