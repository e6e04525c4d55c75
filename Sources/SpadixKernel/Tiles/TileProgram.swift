import SpadixIR

/// How one operator runs: local buffers, and what is moved and computed in which order. It knows no addresses, neither
/// of DRAM nor of local rows, and no commands.
///
/// What a program costs, what it moves, what it reports and the commands that it becomes are all folds over
/// `operations`.
public struct TileProgram: Hashable, Sendable {
  /// The inputs of the operator that are read from DRAM, by position.
  public var reads: [Int]
  /// Whether the result is written to DRAM.
  public var writes: Bool
  /// By `BufferID`; at most one of sums.
  public var buffers: [LocalBuffer]
  /// How the pixels of the sums see pixels of an input; multiplications name one of them.
  public var windows: [InputWindow]
  /// The image of sums, and how it starts and ends; nil where nothing is summed.
  public var sums: SumImage?
  /// In the order in which they run.
  public var operations: [TileOperation]
  /// The loop nest in a few words, for people.
  public var summary: String

  public init(
    reads: [Int] = [], writes: Bool = false, buffers: [LocalBuffer] = [], windows: [InputWindow] = [],
    sums: SumImage? = nil, operations: [TileOperation] = [], summary: String = ""
  ) {
    self.reads = reads
    self.writes = writes
    self.buffers = buffers
    self.windows = windows
    self.sums = sums
    self.operations = operations
    self.summary = summary
  }

  /// Rows of the program's own block of the scratchpad: its buffers one behind the other, and those that have a place.
  public var workingRows: Int {
    var rows = 0
    var last = 0
    for buffer in buffers where buffer.isWorking {
      let places = (0..<buffer.slots).compactMap(buffer.place)
      if buffer.start == nil { rows += buffer.totalRows }
      last = places.reduce(last) { max($0, $1.upperBound) }
    }
    return max(rows, last)
  }

  /// Accumulator rows of the largest tile.
  public var sumRows: Int {
    operations.reduce(0) { most, operation in
      if case .begin(let tile) = operation { return max(most, tile.sumRows) }
      return most
    }
  }

  /// Whether the host evaluates the operator.
  public var isHost: Bool { operations == [.host] }
}

/// The sums that a program computes, what they start from, and the output stage that stores them.
public struct SumImage: Hashable, Sendable {
  /// Before pooling.
  public var rows: Int
  /// Before pooling.
  public var columns: Int
  /// All of them, in blocks of `dim`.
  public var channels: Int
  /// Nil where sums start from zeros.
  public var bias: TileKernel.Bias?
  /// Of scales per channel the first stands here, and all of them in the constant, as the table does.
  public var store: TileKernel.Store

  public init(rows: Int, columns: Int, channels: Int, bias: TileKernel.Bias?, store: TileKernel.Store) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
    self.bias = bias
    self.store = store
  }

  /// Of a kernel's scales and table only what the program itself needs.
  public init(_ kernel: TileKernel) {
    self.init(
      rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, bias: kernel.bias, store: kernel.store)
    bias?.paddingTaps = nil
    store.output.scales = [kernel.store.output.scales[0]]
    store.output.table = nil
  }

  /// Valid channels of a block of `dim`.
  public func channels(of block: Int, dim: Int) -> Int { min(dim, channels - block * dim) }

  /// Whether windows of the pooling reach beyond the image.
  public var poolsBeyondBorders: Bool {
    guard let pooling = store.pooling else { return false }
    return pooling.top > 0 || pooling.left > 0
      || (store.rows - 1) * pooling.stride - pooling.top + pooling.window > rows
      || (store.columns - 1) * pooling.stride - pooling.left + pooling.window > columns
  }
}

/// Takes the operations of a nest as they are generated, so that a cost needs no program in memory.
public protocol TileSink {
  /// Whether it wants products at all: most of the operations, and free of DRAM.
  static var takesProducts: Bool { get }
  /// Whether it wants the next tile as well.
  var wantsMore: Bool { get }
  /// Takes the next operation.
  mutating func append(_ operation: TileOperation)
}

extension TileSink {
  public var wantsMore: Bool { true }
}

extension [TileOperation]: TileSink {
  public static var takesProducts: Bool { true }
}
