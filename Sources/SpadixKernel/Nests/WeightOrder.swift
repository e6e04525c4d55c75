import SpadixSupport

/// How constant weights lie in DRAM: in the order in which a tiling loads them.
///
/// What a load brings, the weights of a chunk in a slice, is a sequence of local rows: block by block, tap by tap, channel by
/// channel. A local row has `dim` bytes and a request of the memory 64. So a row of DRAM holds several local rows, which a
/// move with a block stride takes apart: of each piece of `height * width` local rows, `width` to a row of DRAM,
///
///     DRAM row i  =  local rows i, height + i, 2 * height + i, ...
///
/// with a height of `dim`, and less for the last piece. What is left, fewer than `width` rows, and rows of a last block
/// with fewer than `dim` channels, lie there as they are: no byte is loaded that is no weight. Sequences begin at multiples
/// of 64 bytes.
struct WeightOrder {
  /// Bytes from the start of the constant to each sequence: by chunk, then slice.
  private(set) var offsets: [Int] = []
  /// Bytes of all.
  private(set) var byteCount = 0
  private let slices: Int

  /// Bytes of a request.
  private static let line = 64

  init(_ geometry: KernelGeometry) {
    slices = geometry.slices.count
    for chunk in 0..<geometry.chunkCount {
      for slice in geometry.slices {
        offsets.append(byteCount)
        let rows = Rows(geometry, geometry.chunkBlocks(chunk), slice)
        let bytes = rows.whole * geometry.dim + rows.narrow * rows.narrowColumns
        byteCount += ceilDivide(bytes, Self.line) * Self.line
      }
    }
  }

  func offset(chunk: Int, slice: Int) -> Int { offsets[chunk * slices + slice] }

  /// The rows of a sequence.
  struct Rows {
    /// Rows of `dim` columns.
    var whole = 0
    /// Rows behind them of a last block with fewer.
    var narrow = 0
    var narrowColumns = 0

    init(_ geometry: KernelGeometry, _ blocks: Range<Int>, _ slice: ContractionSlice) {
      whole = geometry.weightRows(blocks, slice)
      // Diagonal matrices are alike, also that of a last block with fewer channels.
      if case .expanded = geometry.kernel.contraction?.weights { return }
      let columns = geometry.channels(of: blocks.upperBound - 1)
      if columns < geometry.dim {
        narrow = geometry.weightRows(block: blocks.upperBound - 1, slice)
        narrowColumns = columns
        whole -= narrow
      }
    }
  }

  /// Rows of DRAM that share a move: `count` pieces of `height` rows with `width` local rows each.
  struct Pieces {
    var count: Int
    var height: Int
    var width: Int
    /// Local rows before them in their sequence.
    var firstRow: Int
  }

  /// The pieces of a sequence of whole rows.
  static func pieces(rows: Int, dim: Int) -> [Pieces] {
    let width = max(1, line / dim)
    let whole = rows / (dim * width)
    let height = (rows - whole * dim * width) / width
    var pieces: [Pieces] = []
    var done = 0
    func add(_ count: Int, _ height: Int, _ width: Int) {
      if count * height == 0 { return }
      pieces.append(Pieces(count: count, height: height, width: width, firstRow: done))
      done += count * height * width
    }
    add(whole, dim, width)
    add(1, height, width)
    add(1, rows - done, 1)
    return pieces
  }
}

extension KernelGeometry {
  /// Bytes of the kernel's constant weights as this tiling loads them.
  public var orderedByteCount: Int { WeightOrder(self).byteCount }

  /// Constant weights of the kernel in the order in which this tiling loads them.
  ///
  /// - Parameter source: as the kernel has them: a matrix [taps * channels, outputs], or packed blocks; where pixels share
  ///   columns, with the taps and channels of one of them.
  public func ordered(_ source: [UInt8], _ contraction: TileKernel.Contraction) -> [UInt8] {
    let order = WeightOrder(self)
    var source = source
    if case .expanded = contraction.weights { source = expanded(source, taps: contraction.window.taps) }
    var result = [UInt8](repeating: 0, count: order.byteCount)
    var rows: [Int?] = []
    for chunk in 0..<chunkCount {
      for slice in slices {
        rows.removeAll(keepingCapacity: true)
        for block in chunkBlocks(chunk) { appendRows(of: block, slice, contraction, to: &rows) }
        appendTaps(of: chunkBlocks(chunk), slice, contraction, to: &rows)
        let counts = WeightOrder.Rows(self, chunkBlocks(chunk), slice)
        var target = order.offset(chunk: chunk, slice: slice.index)
        func copy(_ row: Int, _ columns: Int) {
          if let first = rows[row] {
            for column in 0..<columns { result[target + column] = source[first + column] }
          }
          target += columns
        }
        for pieces in WeightOrder.pieces(rows: counts.whole, dim: dim) {
          for piece in 0..<pieces.count {
            let first = pieces.firstRow + piece * pieces.height * pieces.width
            for row in 0..<pieces.height {
              for part in 0..<pieces.width { copy(first + part * pieces.height + row, dim) }
            }
          }
        }
        for row in 0..<counts.narrow { copy(counts.whole + row, counts.narrowColumns) }
      }
    }
    return result
  }

  /// Of taps [taps, channels], for each block of channels the diagonal matrix of each tap; behind all of them, for each
  /// block, the taps as they are.
  private func expanded(_ taps: [UInt8], taps count: Int) -> [UInt8] {
    var rows = [UInt8](repeating: 0, count: blockCount * count * (dim + 1) * dim)
    let matrices = blockCount * count * dim
    for channel in 0..<kernel.channels {
      let (block, column) = channel.quotientAndRemainder(dividingBy: dim)
      for tap in 0..<count {
        let (row, weight) = (block * count + tap, taps[tap * kernel.channels + channel])
        rows[(row * dim + column) * dim + column] = weight
        rows[(matrices + row) * dim + column] = weight
      }
    }
    return rows
  }

  /// Behind the matrices of a chunk the taps that are multiplied with padding.
  private func appendTaps(
    of blocks: Range<Int>, _ slice: ContractionSlice, _ contraction: TileKernel.Contraction, to rows: inout [Int?]
  ) {
    guard tiling.multipliesPadding, case .expanded = contraction.weights else { return }
    let taps = contraction.window.taps
    for block in blocks {
      for tap in slice.taps { rows.append((blockCount * taps * dim + block * taps + tap) * dim) }
    }
  }

  /// Bytes of the source before each local row of a block's weights in a slice; nil for a row of zeros.
  private func appendRows(
    of block: Int, _ slice: ContractionSlice, _ contraction: TileKernel.Contraction, to rows: inout [Int?]
  ) {
    let first = inputBlocks(of: block, in: slice).lowerBound * dim
    let count = contractedChannels(block, slice)
    let window = contraction.window
    if case .expanded = contraction.weights {
      for tap in slice.taps {
        for row in 0..<dim { rows.append(((block * window.taps + tap) * dim + row) * dim) }
      }
      return
    }
    for tap in slice.taps {
      let (shared, pixel) = tap.quotientAndRemainder(dividingBy: window.columnPixels)
      for channel in first..<first + count {
        switch contraction.weights {
        case .packed(let packed):
          let row = tap * packed.channelCount[block] + channel - packed.firstChannel[block]
          rows.append(packed.offset[block] + row * dim)
        case .dense, .activation, .diagonal, .expanded, .ones:
          // Taps of pixels that share a column are the same weights, each where its pixel begins to see.
          let seen = channel - pixel * window.pixelChannels
          let isSeen = 0..<window.seenChannels ~= seen
          rows.append(isSeen ? (shared * window.seenChannels + seen) * kernel.channels + block * dim : nil)
        }
      }
    }
  }
}

extension TileKernel.Weights {
  /// The constant that is loaded matrix by matrix; taps of a depthwise convolution become matrices on chip.
  public var matrices: ConstantID? {
    switch self {
    case .dense(let constant), .expanded(let constant): constant
    case .packed(let packed): packed.constant
    case .activation, .diagonal, .ones: nil
    }
  }
}
