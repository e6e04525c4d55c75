import SpadixSupport

/// An operator that only moves bytes: concatenation, padding, a permutation that keeps the last axis.
public struct CopyKernel: Sendable {
  /// `rows` x `bytes` from one strided place in DRAM to another.
  public struct Block: Sendable {
    /// What the bytes are of.
    public var source: Source
    /// Bytes from the start of the source to the first row.
    public var sourceOffset: Int
    /// Bytes from row to row of the source.
    public var sourceStride: Int
    /// Bytes from the start of the result to the first row.
    public var destinationOffset: Int
    /// Bytes from row to row of the result.
    public var destinationStride: Int
    /// Rows that are moved.
    public var rows: Int
    /// Bytes of a row.
    public var bytes: Int
  }

  /// Where a block's bytes come from.
  public enum Source: Sendable, Hashable {
    /// Index into the operator's inputs.
    case input(Int)
    /// One constant row, repeated.
    case fill(ConstantID)
  }

  /// Together they write every byte of the result once, but for inputs that it has already.
  public var blocks: [Block]
  /// Bytes of a pixel of each input and of the result: its last axis.
  public var inputChannels: [Int]
  /// Bytes of a pixel of the result.
  public var outputChannels: Int
  /// Pixels of each input and of the result.
  public var inputPixels: [Int]
  /// Pixels of the result.
  public var outputPixels: Int

  init(blocks: [Block], inputShapes: [[Int]], outputShape: [Int]) {
    self.blocks = blocks
    inputChannels = inputShapes.map { $0.last ?? 1 }
    inputPixels = inputShapes.map { $0.dropLast().reduce(1, *) }
    outputChannels = outputShape.last ?? 1
    outputPixels = outputShape.dropLast().reduce(1, *)
  }

  /// Bytes moved from the inputs, each as often as it is read.
  public func readBytes(dim: Int) -> Int {
    blocks.reduce(0) { sum, block in
      switch block.source {
      case .input: sum + block.rows * block.bytes
      // A repeated row is fetched once per load command.
      case .fill: sum + ceilDivide(block.rows, dim) * block.bytes
      }
    }
  }
  /// Bytes of the result.
  public var writtenBytes: Int { blocks.reduce(0) { $0 + $1.rows * $1.bytes } }

  /// Per input, whether it can be stored straight from a resident tensor: every block takes whole pixels in a row.
  public func canReadResident() -> [Bool] {
    var result = [Bool](repeating: true, count: inputChannels.count)
    for block in blocks {
      guard case .input(let index) = block.source else { continue }
      let channels = inputChannels[index]
      if block.sourceStride != channels || block.bytes != channels || block.sourceOffset % channels != 0 {
        result[index] = false
      }
    }
    return result
  }

  /// Per input, the byte of the result at which its first pixel is, where all of its pixels are evenly spaced in the result.
  public var evenlySpacedInputs: [Int?] {
    inputChannels.indices.map { index in
      let own = blocks.filter { $0.source == .input(index) }
      guard own.count == 1, let block = own.first, block.sourceOffset == 0, block.rows == inputPixels[index],
        block.bytes == inputChannels[index],
        block.rows == 1 || (block.sourceStride == block.bytes && block.destinationStride == outputChannels),
        block.destinationOffset % outputChannels + block.bytes <= outputChannels
      else { return nil }
      return block.destinationOffset
    }
  }

  /// Whether the result can be loaded straight into a resident tensor: every block brings whole channel blocks of pixels
  /// in a row.
  public func canWriteResident(dim: Int) -> Bool {
    blocks.allSatisfy { block in
      let channel = block.destinationOffset % outputChannels
      return block.destinationStride == outputChannels && channel % dim == 0
        && (block.bytes % dim == 0 || channel + block.bytes == outputChannels)
        && channel + block.bytes <= outputChannels
    }
  }
}
