import SpadixISA

/// One step of the machine with every address resolved and the configuration in force folded in.
///
/// Configuration commands leave no step of their own; a preload and its compute become one; a hardware loop becomes
/// many.
struct DecodedCommand {
  enum Kind: UInt8 {
    case load, store, storeScratchpad, loadScales, loadTable, compute, fence
  }

  struct Flags: OptionSet {
    let rawValue: UInt16

    /// The local side of a move, or the result of a compute, lies in the accumulator.
    static let accumulator = Flags(rawValue: 1 << 0)
    static let accumulate = Flags(rawValue: 1 << 1)
    static let fullWidth = Flags(rawValue: 1 << 2)
    static let shrunk = Flags(rawValue: 1 << 3)
    /// A load that writes zeros.
    static let zero = Flags(rawValue: 1 << 4)
    /// A load whose scale is not 1.
    static let scaled = Flags(rawValue: 1 << 5)
    static let transposeA = Flags(rawValue: 1 << 6)
    static let transposeB = Flags(rawValue: 1 << 7)
    static let outputStationary = Flags(rawValue: 1 << 8)
    /// The array takes a new operand before it computes.
    static let loadArray = Flags(rawValue: 1 << 9)
    static let relu = Flags(rawValue: 1 << 10)
    /// A store with pooling.
    static let pooled = Flags(rawValue: 1 << 11)
    /// A store that runs a normalization step or activation, off the fast path.
    static let normalizing = Flags(rawValue: 1 << 12)
    /// Biases lie behind the scales.
    static let biases = Flags(rawValue: 1 << 13)
  }

  /// A rectangle of local memory; `row` is -1 for no operand.
  struct Tile {
    var row: Int32 = -1
    var rows: UInt16 = 0
    var columns: UInt16 = 0

    var isGarbage: Bool { row < 0 }
  }

  var kind: Kind
  var flags: Flags = []
  /// Index of the command in the program.
  var command: Int32
  /// Moves: the local tile. Compute: A, of logical (transposed) shape.
  var a = Tile()
  /// Compute: the operand that the array takes.
  var b = Tile()
  /// Compute: what enters from the top: the bias (weight-stationary) or B (output-stationary).
  var d = Tile()
  /// Compute: the result. Stores to the scratchpad and pooled stores: destination rows, from the first to the last.
  var c = Tile()
  var dram: UInt64 = 0
  /// Bytes between DRAM rows.
  var stride = 0
  var scale: Float = 1
  /// Loads: rows between column blocks. Compute: rows between rows of A.
  var aStride: Int32 = 1
  /// Compute and stores to the scratchpad: rows between rows of the result.
  var cStride: Int32 = 1
  /// Index into the chunk's store configurations.
  var configuration: Int32 = 0
  /// Loads: pixels per row. Output-stationary compute: the right shift.
  var small: UInt8 = 0
  /// Normalization step of a store.
  var normalization: UInt8 = 0

  /// Bytes of one element on the DRAM side of a move.
  var elementBytes: Int {
    switch kind {
    case .load: flags.contains(.accumulator) && !flags.contains(.shrunk) ? 4 : 1
    case .store: flags.contains(.fullWidth) ? 4 : 1
    case .loadScales: flags.contains(.biases) ? 8 : 4
    case .storeScratchpad, .loadTable, .compute, .fence: 1
    }
  }
}

/// Everything that a store takes from configuration commands.
struct StoreConfiguration {
  enum Activation: UInt8 {
    case none = 0
    case relu, layernorm, igelu, softmax
  }

  /// Bytes of the table: one for each int8.
  static let tableEntries = 256

  var isSet = false
  var stride = 0
  var activation = Activation.none
  var scale: Float = 0
  var pooling: Pooling?
  /// config_output was given since config_st.
  var hasStage = false
  /// config_output_scales was given since config_st.
  var perChannel = false
  /// It brought biases.
  var hasBiases = false
  var output = ConfigOutput()
  /// Of config_output_pair, if it was given since config_st.
  var pair: ConfigOutputPair?
  var normalization = NormalizationConstants()

  /// What an int8 is bounded by on its way out; relu is the lower bound 0 unless config_output decides.
  var low: Int32 { hasStage ? Int32(output.low) : activation == .relu ? 0 : -128 }
  var high: Int32 { hasStage ? Int32(output.high) : 127 }
  var zeroPoint: Int32 { hasStage ? Int32(output.zeroPoint) : 0 }
  var usesTable: Bool { hasStage && output.usesTable }
  /// Int8 are scaled on their way out, and nothing else.
  var onlyScales: Bool { pair == nil && !usesTable && !hasBiases }
  /// What pixels outside the image count as in pooling: Gemmini says 0. What a table gives may be less than its bound.
  var outside: Int8 { !hasStage ? 0 : output.usesTable ? -128 : output.low }
}

struct NormalizationConstants {
  /// qb and qc are given, and each of the two constants of softmax.
  var isSet = false
  var hasLn2 = false
  var hasLn2Inverse = false
  var statistics = 0
  var qb: Int32 = 0
  var qc: Int32 = 0
  var qln2: Int32 = 0
  var qln2Inverse: Int32 = 0
}
