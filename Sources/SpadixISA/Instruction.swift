/// A command with its fields named. Encoding to and decoding from `Command` loses no defined field.
public enum Instruction: Hashable, Sendable {
  case configExecute(ConfigExecute)
  case configLoad(ConfigLoad)
  case configStore(ConfigStore)
  case configNorm(ConfigNorm)
  /// Sets zero point and clamp of int8 stores from the accumulator until the next `configStore`.
  case configOutput(ConfigOutput)
  /// Reads `count` Float32 scales from DRAM, and as many int32 biases behind them where `biases` says so; column c of
  /// int8 stores uses scale and bias c until the next `configStore`.
  case configOutputScales(dram: UInt64, count: Int, biases: Bool = false)
  /// Reads the table of int8 stores from DRAM, 256 int8; it stays until the next one.
  case configOutputTable(dram: UInt64)
  /// Makes int8 stores take two int8 out of each element of the accumulator and combine them, until the next
  /// `configStore`.
  case configOutputPair(ConfigOutputPair)
  /// DRAM to local memory through load state 0, 1 or 2. DRAM address 0 writes zeros.
  case moveIn(state: Int, dram: UInt64, local: LocalTile)
  case moveOut(dram: UInt64, local: LocalTile)
  /// Accumulator (through the output stage) or scratchpad (raw) to scratchpad: row r to destination + r * stride.
  case moveOutScratchpad(destination: LocalAddress, destinationStride: Int, source: LocalTile)
  /// Latches the operand to load into the array and the place of the next compute's result.
  case preload(weights: LocalTile, result: LocalTile)
  /// Weight-stationary: result (=, +=) a * weights + bias. `preloaded` loads the latched operand first.
  case compute(preloaded: Bool, a: LocalTile, bias: LocalTile)
  case flush(skip: Bool)
  /// All earlier commands complete before any later one starts: the RISC-V `fence`.
  case fence
  case counter(Counter)
  case clockGate(enable: Bool)
  case loopMatmul(LoopMatmulCommand)
  case loopConv(LoopConvCommand)
}

/// What stays in the array while rows stream through (config_ex, rs1[2]).
public enum Dataflow: UInt8, Hashable, Sendable, CaseIterable {
  case outputStationary = 0
  case weightStationary = 1
}

/// config_ex: how the array computes.
public struct ConfigExecute: Hashable, Sendable {
  /// Applied by the array itself (rs1[4:3]).
  public enum Activation: UInt8, Hashable, Sendable, CaseIterable {
    case none = 0
    /// Applies only to results that the array writes to the scratchpad.
    case relu = 1
  }

  /// rs1[2].
  public var dataflow: Dataflow
  /// rs1[4:3].
  public var activation: Activation
  /// A is transposed on its way into the array.
  public var transposeA: Bool
  /// The weights, or B where output-stationary, are transposed on their way into the array.
  public var transposeB: Bool
  /// Rows between rows of A; 1 for consecutive ones.
  public var aStride: Int
  /// Rows between rows of the result.
  public var cStride: Int
  /// Changes the two strides and nothing else.
  public var setOnlyStrides: Bool
  /// Used by hardware when an operand is read from the accumulator; the functional model ignores it.
  var accumulatorScale: Float
  /// Right shift of output-stationary results, rounding to nearest even.
  public var shift: Int

  public init(
    dataflow: Dataflow, activation: Activation = .none, transposeA: Bool = false, transposeB: Bool = false,
    aStride: Int = 1, cStride: Int = 1, setOnlyStrides: Bool = false, accumulatorScale: Float = 1, shift: Int = 0
  ) {
    self.dataflow = dataflow
    self.activation = activation
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.aStride = aStride
    self.cStride = cStride
    self.setOnlyStrides = setOnlyStrides
    self.accumulatorScale = accumulatorScale
    self.shift = shift
  }
}

/// config_ld: one of the three load states.
public struct ConfigLoad: Hashable, Sendable {
  /// Largest distance of column blocks: its field has 16 bits (rs1[31:16]).
  public static let maximumBlockStride = 0xFFFF

  /// 0, 1 or 2: of mvin, mvin2 and mvin3.
  public var state: Int
  /// Bytes between DRAM rows; 0 repeats one row.
  public var stride: Int
  /// Scales int8 elements: saturate(round_half_even(Float32(x) * scale)).
  public var scale: Float
  /// Accumulator loads read int8 and widen.
  public var shrunk: Bool
  /// Rows between column blocks, 0...`maximumBlockStride`.
  public var blockStride: Int
  /// Neighbouring pixels packed into one row (first layers); 0 and 1 are ordinary loads.
  public var pixelRepeats: Int

  public init(
    state: Int, stride: Int, scale: Float = 1, shrunk: Bool = false, blockStride: Int, pixelRepeats: Int = 1
  ) {
    self.state = state
    self.stride = stride
    self.scale = scale
    self.shrunk = shrunk
    self.blockStride = blockStride
    self.pixelRepeats = pixelRepeats
  }
}

/// config_st: how results leave the accumulator.
public struct ConfigStore: Hashable, Sendable {
  /// Applied to results on their way out of the accumulator (rs1[3:2]).
  public enum Activation: UInt8, Hashable, Sendable, CaseIterable {
    case none = 0
    case relu = 1
    case layernorm = 2
    case igelu = 3
  }

  /// Bytes between DRAM rows.
  public var stride: Int
  /// rs1[3:2].
  public var activation: Activation
  /// int8 results are saturate(round_half_even(Float32(x) * scale)), unless config_output_scales has given a scale a
  /// column.
  public var scale: Float
  /// Nil for ordinary stores, whose rows follow each other.
  public var pooling: Pooling?

  public init(stride: Int, activation: Activation = .none, scale: Float = 1, pooling: Pooling? = nil) {
    self.stride = stride
    self.activation = activation
    self.scale = scale
    self.pooling = pooling
  }
}

/// Max pooling in a store. The source is an image of `outRows` x `outCols` windows over `inRows` x `inCols` pixels, one
/// row of the accumulator each; pixel (i, j) goes to address + (i * outDim + j) * stride.
public struct Pooling: Hashable, Sendable {
  /// Largest size and pitch of the images: their fields have 8 bits.
  public static let maximumExtent = 255

  /// 1...3.
  public var window: Int
  /// 1...3.
  public var stride: Int
  /// 0...3.
  public var upPad: Int
  /// 0...3.
  public var leftPad: Int
  /// Output pixels from one output row to the next, 0...`maximumExtent`.
  public var outDim: Int
  /// 0...`maximumExtent`.
  public var outRows: Int
  /// 0...`maximumExtent`.
  public var outCols: Int
  /// 0...`maximumExtent`.
  public var inRows: Int
  /// 0...`maximumExtent`.
  public var inCols: Int

  public init(
    window: Int, stride: Int, upPad: Int, leftPad: Int, outDim: Int, outRows: Int, outCols: Int, inRows: Int,
    inCols: Int
  ) {
    self.window = window
    self.stride = stride
    self.upPad = upPad
    self.leftPad = leftPad
    self.outDim = outDim
    self.outRows = outRows
    self.outCols = outCols
    self.inRows = inRows
    self.inCols = inCols
  }

  /// Image rows that the windows reach.
  @inlinable
  var rowsRead: Int { max(0, min(inRows, (outRows - 1) * stride + window - upPad)) }

  /// Rows of local memory from the first pixel to the last one that a window reaches.
  @inlinable
  public var pixelsRead: Int { rowsRead * inCols }
}

/// config_norm: constants of the integer activations.
public struct ConfigNorm: Hashable, Sendable {
  /// Register that a row's sums are kept in: 0...3, on hardware 0 and 1.
  public var statistics: Int
  /// Upper bit of the activation: with an activation of `none` in config_st it selects softmax.
  public var softmax: Bool
  /// Changes the statistics register and nothing else.
  public var setOnlyStatistics: Bool
  /// What `constant` is: false for ln 2, true for its inverse.
  public var constantIsInverse: Bool
  /// q_const, in units of the scale.
  public var constant: Int32
  /// qb: added before squaring, in igelu and in softmax's exponential.
  public var b: Int32
  /// qc: added to the square.
  public var c: Int32

  public init(
    statistics: Int = 0, softmax: Bool = false, setOnlyStatistics: Bool = false, constantIsInverse: Bool = false,
    constant: Int32 = 0, b: Int32 = 0, c: Int32 = 0
  ) {
    self.statistics = statistics
    self.softmax = softmax
    self.setOnlyStatistics = setOnlyStatistics
    self.constantIsInverse = constantIsInverse
    self.constant = constant
    self.b = b
    self.c = c
  }
}

/// config_output (extension, funct 32): q = clamp(round_half_even(acc * scale) + zeroPoint, low, high), then
/// table[q + 128] where it is used.
public struct ConfigOutput: Hashable, Sendable {
  /// Added after rounding.
  public var zeroPoint: Int8
  /// Least int8 that is stored; before the table.
  public var low: Int8
  /// Largest int8 that is stored; before the table.
  public var high: Int8
  /// Needs the capability `output_table` and a table loaded before.
  public var usesTable: Bool

  public init(zeroPoint: Int8 = 0, low: Int8 = -128, high: Int8 = 127, usesTable: Bool = false) {
    self.zeroPoint = zeroPoint
    self.low = low
    self.high = high
    self.usesTable = usesTable
  }
}

/// config_output_pair (extension, funct 35): an element of the accumulator is 256 a + b, with int8 a and b. In the
/// place of acc * scale, a sum `fma(a, factorA, fma(b, factorB, offset))` or a product
/// `(a - zeroPointA) * (b - zeroPointB) * factorA + offset` is rounded, each step in Float32.
public struct ConfigOutputPair: Hashable, Sendable {
  /// False for a sum.
  public var isProduct: Bool
  /// 128 is added to the a and b of a sum.
  public var isUnsigned: Bool
  /// Of products alone.
  public var zeroPointA: Int8
  /// Of products alone.
  public var zeroPointB: Int8
  /// Of a in a sum, of the product otherwise.
  public var factorA: Float
  /// Of sums alone.
  public var factorB: Float
  /// Added last, before rounding.
  public var offset: Float

  public init(
    isProduct: Bool, isUnsigned: Bool = false, zeroPointA: Int8 = 0, zeroPointB: Int8 = 0, factorA: Float = 1,
    factorB: Float = 0,
    offset: Float = 0
  ) {
    self.isProduct = isProduct
    self.isUnsigned = isUnsigned
    self.zeroPointA = zeroPointA
    self.zeroPointB = zeroPointB
    self.factorA = factorA
    self.factorB = factorB
    self.offset = offset
  }
}

/// The counter command (funct 126). It has no effect on memory; the functional model returns random increments.
public struct Counter: Hashable, Sendable {
  /// All counters to 0.
  var reset: Bool
  /// Ends the snapshot.
  var snapshotReset: Bool
  /// Reads give the counters as they are now until the snapshot ends.
  var snapshotTake: Bool
  /// Makes counter `index` count `event`.
  var configure: Bool
  /// 0...7.
  var index: Int
  /// 0...63.
  var event: Int
  /// The event is one of the memory system's.
  var external: Bool

  init(
    reset: Bool = false, snapshotReset: Bool = false, snapshotTake: Bool = false, configure: Bool = false,
    index: Int = 0, event: Int = 0, external: Bool = false
  ) {
    self.reset = reset
    self.snapshotReset = snapshotReset
    self.snapshotTake = snapshotTake
    self.configure = configure
    self.index = index
    self.event = event
    self.external = external
  }
}
