import SpadixISA
import SpadixSupport

/// The DRAM bytes of a tile program by whose they are: a fold over its operations.
public struct TileCost: Hashable, Sendable, TileSink {
  /// Per input of the operator, those read.
  public private(set) var inputBytes: [Int]
  /// Weights, biases, scales, small matrices.
  public private(set) var constantBytes = 0
  /// Of the result.
  public private(set) var writtenBytes = 0

  /// Of all inputs and constants.
  public var readBytes: Int { inputBytes.reduce(0, +) + constantBytes }
  /// Read and written together.
  public var bytes: Int { readBytes + writtenBytes }

  private let dim: Int
  private let bias: TileKernel.Bias?
  private let channels: Int
  private let channelBytes: Int
  /// From so many bytes on it does not matter how many they are.
  private var limit = Int.max
  /// Moves that the biases of a row of pixels take, for the columns looked at last: of a row of the class in which some
  /// are zeros, and of others.
  private var biasMoves: (columns: Range<Int>, some: Int, all: Int)?

  /// Folds over all operations of a program.
  ///
  /// - Parameter dim: a row that is repeated crosses DRAM once for every `dim` rows.
  public init(_ program: TileProgram, dim: Int) {
    self.init(inputs: (program.reads.last ?? -1) + 1, sums: program.sums, dim: dim)
    for operation in program.operations { append(operation) }
  }

  /// Without a program in memory: what a nest would generate, or the first so many bytes of it.
  init(_ nest: KernelNest, upTo limit: Int) {
    let kernel = nest.kernel
    let inputs = kernel.identities.reduce(kernel.contraction == nil ? 0 : 2) { max($0, $1.input + 1) }
    self.init(inputs: inputs, sums: SumImage(kernel), dim: nest.dim)
    self.limit = limit
    nest.generate(into: &self)
  }

  init(inputs: Int, sums: SumImage?, dim: Int) {
    inputBytes = Array(repeating: 0, count: inputs)
    bias = sums?.bias
    channels = sums?.channels ?? 0
    channelBytes = sums?.store.channelBytes ?? 0
    // It stays in the store as long as the program runs.
    if sums?.store.tableConstant != nil { constantBytes = 256 }
    self.dim = dim
  }

  public static var takesProducts: Bool { false }
  public var wantsMore: Bool { bytes < limit }

  // Inlined where a nest makes the operation, nothing of it is made but what is counted: searches live on that.
  @inline(__always)
  public mutating func append(_ operation: TileOperation) {
    switch operation {
    case .begin, .zero, .diagonals, .multiply, .host: break
    case .load(let load): addRead(load.transfer.bytes(dim: dim), load.transfer.operand)
    case .bias(let bias): constantBytes += biasBytes(bias.tile)
    case .store(let store):
      if let block = store.sums?.block, channelBytes > 0 {
        constantBytes += channelBytes * min(dim, channels - block * dim)
      }
      if store.resident == nil { writtenBytes += store.transfer.bytes(dim: dim) }
    case .copy(let copy):
      addRead(copy.bytesRead(dim: dim), copy.operand)
      writtenBytes += copy.bytesWritten
    }
  }

  private mutating func addRead(_ bytes: Int, _ operand: TileOperand) {
    switch operand {
    case .input(let index): inputBytes[index] += bytes
    case .constant: constantBytes += bytes
    case .output: preconditionFailure("a tile program reads what it computes")
    }
  }

  private mutating func biasBytes(_ tile: SumTile) -> Int {
    guard let bias else { return 0 }
    let moves: Int
    if bias.isUniform {
      moves = ceilDivide(tile.pixels, dim)
    } else {
      if biasMoves?.columns != tile.columns {
        biasMoves = bias.moves(columns: tile.columns, dim: dim)
      }
      let some = bias.zeroClass.isEmpty ? 0 : tile.rows.count { bias.rowClass[$0] == bias.zeroClass[0] }
      moves = some * biasMoves!.some + (tile.rows.count - some) * biasMoves!.all
    }
    let channels = min(channels, tile.blocks.upperBound * dim) - tile.blocks.lowerBound * dim
    return moves * ElementWidth.accumulator * channels
  }

  public static func == (left: TileCost, right: TileCost) -> Bool {
    (left.inputBytes, left.constantBytes, left.writtenBytes) == (
      right.inputBytes, right.constantBytes, right.writtenBytes
    )
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(inputBytes)
    hasher.combine(constantBytes)
    hasher.combine(writtenBytes)
  }
}
