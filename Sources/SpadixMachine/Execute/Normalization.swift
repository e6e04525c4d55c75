import SpadixISA

/// The normalization unit: integer igelu, softmax and layernorm on rows of the accumulator (Gemmini's
/// Normalizer.scala).
///
/// All arithmetic wraps at 32 bits, as in the functional model.
struct Normalization {
  /// The functional model has four, hardware two.
  static let statisticsRegisters = 4

  struct Statistics {
    var startsOver = true
    var sum: Int32 = 0
    var count: Int32 = 0
    var mean: Int32 = 0
    var inverseDeviation: Float = 0
    var maximum: Int32 = 0
    var runningMaximum = Int32.min
    var inverseSum: Float = 0
  }

  var registers = [Statistics](repeating: Statistics(), count: statisticsRegisters)

  /// Steps that a store can run, by the number in its local address.
  enum Step: Int {
    case reset = 0
    case sum, mean, variance, inverseDeviation, maximum, sumOfExponentials, inverseSum

    /// What the blocks before the last one of a row run.
    var beforeLast: Step {
      switch self {
      case .mean: .sum
      case .inverseDeviation: .variance
      case .inverseSum: .sumOfExponentials
      case .reset, .sum, .variance, .maximum, .sumOfExponentials: self
      }
    }
  }

  /// Adds one block of a row to the statistics.
  mutating func run(_ step: Step, _ row: UnsafeBufferPointer<Int32>, _ constants: NormalizationConstants) {
    var it = registers[constants.statistics]
    if it.startsOver {
      it.sum = 0
      it.count = 0
      it.runningMaximum = Int32.min
    }
    it.startsOver = step == .reset || step == .mean || step == .inverseDeviation
    switch step {
    case .reset: break
    case .sum, .mean:
      for value in row { it.sum &+= value }
      it.count &+= Int32(row.count)
      if step == .mean { it.mean = Self.quotient(it.sum, it.count) }
    case .variance, .inverseDeviation:
      for value in row { it.sum &+= (value &- it.mean) &* (value &- it.mean) }
      it.count &+= Int32(row.count)
      if step == .inverseDeviation {
        let variance = Self.quotient(it.sum, it.count)
        // The square root of a sum that wrapped around to below zero has no meaning; 1 keeps the machine defined.
        let deviation = variance <= 0 ? 1 : Int32(Double(variance).squareRoot())
        it.inverseDeviation = 1 / Float(deviation)
      }
    case .maximum:
      for value in row { it.runningMaximum = max(it.runningMaximum, value) }
    case .sumOfExponentials, .inverseSum:
      it.maximum = it.runningMaximum
      for value in row { it.sum &+= Self.exponential(value &- it.maximum, constants) }
      if step == .inverseSum {
        it.runningMaximum = Int32.min
        it.inverseSum = 127 / Float(it.sum)
      }
    }
    registers[constants.statistics] = it
  }

  /// The activation that stands before the scale of a store.
  func activate(
    _ value: Int32, _ activation: StoreConfiguration.Activation, _ constants: NormalizationConstants,
    scaling: (Int32, Float) -> Int8
  ) -> Int32 {
    let it = registers[constants.statistics]
    switch activation {
    case .none, .relu: return value
    case .igelu: return Self.gelu(value, constants)
    case .layernorm:
      let product = Float(value &- it.mean) * it.inverseDeviation
      // Truncation, saturated where the functional model's conversion has no meaning.
      return product.magnitude < 0x1p31 ? Int32(product) : Int32.min
    case .softmax:
      return Int32(scaling(Self.exponential(value &- it.maximum, constants), it.inverseSum))
    }
  }

  private static func quotient(_ value: Int32, _ divisor: Int32) -> Int32 {
    divisor == 0 ? 0 : value.dividedReportingOverflow(by: divisor).partialValue
  }

  /// Second-order polynomial for x * erf(x).
  static func gelu(_ q: Int32, _ constants: NormalizationConstants) -> Int32 {
    let sign: Int32 = q < 0 ? -1 : 1
    let magnitude = q < 0 ? 0 &- q : q
    let clipped = min(magnitude, 0 &- constants.qb)
    let polynomial = (clipped &+ constants.qb) &* (clipped &+ constants.qb) &+ constants.qc
    return q &* (sign &* polynomial &+ constants.qc)
  }

  /// e^q for q <= 0: a power of two by shifting times a second-order polynomial.
  static func exponential(_ q: Int32, _ constants: NormalizationConstants) -> Int32 {
    let z = ((0 &- q) &* constants.qln2Inverse) >> 16
    let p = q &+ z &* constants.qln2
    let value = (p &+ constants.qb) &* (p &+ constants.qb) &+ constants.qc
    // Shifts take the number modulo 32, as the processors that run the functional model do.
    return value &>> z
  }
}

extension Executor {
  /// Stores with a statistics step or an activation: element by element, after the statistics of the whole row.
  func storeNormalized(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    let columns = Int(it.a.columns)
    let constants = configuration.normalization
    guard let step = Normalization.Step(rawValue: Int(it.normalization)) else { return }
    for r in 0..<Int(it.a.rows) {
      let first = Int(it.a.row) + r
      for done in stride(from: 0, to: columns, by: dim) {
        let row = UnsafeBufferPointer(start: accumulator + (first + done) * dim, count: min(dim, columns - done))
        normalization.run(done + dim >= columns ? step : step.beforeLast, row, constants)
      }
      // Only the step reset writes to DRAM.
      if step != .reset { continue }
      let out = dram + Int(it.dram) + r * it.stride
      for column in 0..<columns {
        let value = accumulator[(first + column / dim * dim) * dim + column % dim]
        let activated = normalization.activate(
          value, configuration.activation, constants, scaling: scaleProbability)
        if it.flags.contains(.fullWidth) {
          (out + 4 * column).storeBytes(of: activated, as: Int32.self)
        } else {
          let scale = configuration.perChannel ? channelScales[column % dim] : configuration.scale
          (out + column).storeBytes(of: scaleOne(activated, scale, configuration), as: Int8.self)
        }
      }
    }
  }

  /// One element through the output stage.
  private func scaleOne(_ value: Int32, _ scale: Float, _ configuration: borrowing StoreConfiguration) -> Int8 {
    var result: Int8 = 0
    stage.pointee.zero_point = configuration.zeroPoint
    stage.pointee.low = configuration.low
    stage.pointee.high = configuration.high
    stage.pointee.scales.0 = scale
    withUnsafePointer(to: value) { kernels.store(&result, 1, $0, 1, 1, Int32(dim), stage) }
    return result
  }

  /// The inner scale of softmax: saturated to int8, as the outer one.
  func scaleProbability(_ value: Int32, _ scale: Float) -> Int8 {
    var configuration = StoreConfiguration()
    configuration.scale = scale
    return scaleOne(value, scale, configuration)
  }
}
