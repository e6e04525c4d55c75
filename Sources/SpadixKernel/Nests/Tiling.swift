import SpadixSupport

/// How a tile kernel walks through its work, and so what it needs of the scratchpad.
///
///     for image
///       for group of chunks                    (a chunk: `blocks` blocks of `dim` output channels, one accumulator tile)
///         for tile of `tileRows` x `tileColumns` stored pixels
///           for chunk of the group
///             for slice of the contraction     (all of it, unless a column of weights does not fit)
///               weights of (chunk, slice), input window of (tile, slice), computes
///             addends, store
///
/// Weights of the first `pinnedChunks` chunks of a group keep a place of their own and are loaded once per group; the
/// others take turns in one place and are loaded for every tile. With spare places, those that come next are loaded
/// while the ones before are still used; where all chunks of a group are pinned, those of the next group. The input
/// window keeps `windowRows` rows, as a ring, so that rows shared by neighbouring tiles are loaded once. Of an input
/// that is one row, it keeps the pixels of so many tiles, in turn. With copies there is a window for each column of
/// taps, with zeros in the columns that these taps do not read. A ring in parts lies part by part: so the rows of the
/// next tile are loaded into another bank than those of this tile are read from.
public struct Tiling: Hashable, Sendable {
  /// Of the stored image.
  public var tileRows: Int
  /// Of the stored image.
  public var tileColumns: Int
  /// Blocks of `dim` output channels of an accumulator tile.
  public var blocks: Int
  /// Chunks that are computed for a tile before the next tile.
  public var chunksPerGroup: Int
  /// Chunks of a group whose weights have a place of their own.
  public var pinnedChunks: Int
  /// Places for weights beyond those that the chunks of a group need.
  public var sparePlaces: Int
  /// Input rows that the window keeps; for an input of one row, tiles whose pixels it keeps.
  public var windowRows: Int
  /// Copies of the window: 1, or one for each column of taps.
  public var windowCopies: Int
  /// Parts of the ring, of as many rows each: what is new for a tile is one of them where it has as many rows.
  public var windowParts: Int
  /// Channel blocks of the input in one slice of the contraction; at least the whole range when it is not sliced.
  public var sliceBlocks: Int
  /// Taps in one slice of the contraction.
  public var sliceTaps: Int
  /// Whether the diagonal matrices of identity terms and their addends share one place, and are loaded for every pass
  /// of every tile: where multipliers need so many matrices that they leave no room.
  public var streamsMatrices: Bool
  /// Whether the array adds what pixels at the border start from, instead of loads: products of the taps that padding
  /// leaves out with the input's zero point.
  public var multipliesPadding: Bool

  public init(
    tileRows: Int, tileColumns: Int, blocks: Int, chunksPerGroup: Int, pinnedChunks: Int,
    sparePlaces: Int = 0, windowRows: Int, windowCopies: Int = 1, windowParts: Int = 1, sliceBlocks: Int,
    sliceTaps: Int, streamsMatrices: Bool = false, multipliesPadding: Bool = false
  ) {
    self.tileRows = tileRows
    self.tileColumns = tileColumns
    self.blocks = blocks
    self.chunksPerGroup = chunksPerGroup
    self.pinnedChunks = pinnedChunks
    self.sparePlaces = sparePlaces
    self.windowRows = windowRows
    self.windowCopies = windowCopies
    self.windowParts = windowParts
    self.sliceBlocks = sliceBlocks
    self.sliceTaps = sliceTaps
    self.streamsMatrices = streamsMatrices
    self.multipliesPadding = multipliesPadding
  }
}

extension Tiling {
  /// The loop nest in a few words.
  func summary(_ geometry: KernelGeometry) -> String {
    var parts = ["tile \(tileRows)x\(tileColumns)x\(blocks * geometry.dim)"]
    if geometry.kernel.contraction != nil {
      if geometry.isSliced {
        parts.append("\(geometry.slices.count) slices")
      } else if pinnedChunks + 1 < min(chunksPerGroup, geometry.chunkCount) {
        parts.append("weights streamed, \(pinnedChunks) of \(geometry.chunkCount) chunks pinned")
      } else if chunksPerGroup < geometry.chunkCount {
        parts.append("weights in \(ceilDivide(geometry.chunkCount, chunksPerGroup)) groups")
      }
    }
    if let pixels = geometry.kernel.contraction?.window.columnPixels, pixels > 1 {
      parts.append("\(pixels) pixels to a row of the window")
    }
    if multipliesPadding { parts.append("padding multiplied") }
    if streamsMatrices { parts.append("matrices streamed") }
    return parts.joined(separator: ", ")
  }
}
