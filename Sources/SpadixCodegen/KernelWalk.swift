/// Walks the loop nest of a tile kernel and tells a visitor what to load, compute and store, in order.
///
/// The cost model and the emitter are both visitors; so what is counted is what is emitted.
struct KernelWalk {

  let geometry: KernelGeometry
  /// Whether the contraction's input is in the scratchpad as a whole.
  let inputIsResident: Bool
  /// Whether the weights are: an activation that is resident.
  let weightsAreResident: Bool

  private struct Window {
    var image: Int
    var blocks: Range<Int>
    var columns: Range<Int>
    var rows: Range<Int>
  }

  private struct WeightsKey: Equatable {
    var image: Int
    var chunk: Int
    var slice: Int
  }

  func run(_ visitor: inout some KernelVisitor) {
    let kernel = geometry.kernel
    let tiling = geometry.tiling
    var window: Window?
    var held = [WeightsKey?](repeating: nil, count: max(1, geometry.weightSlots))
    for image in 0..<kernel.images {
      for firstChunk in stride(from: 0, to: geometry.chunkCount, by: tiling.chunksPerGroup) {
        let chunks = firstChunk..<min(geometry.chunkCount, firstChunk + tiling.chunksPerGroup)
        let groupBlocks =
          geometry.chunkBlocks(chunks.lowerBound).lowerBound..<geometry.chunkBlocks(chunks.upperBound - 1).upperBound
        let groupWindow =
          geometry.isSliced || geometry.slices.isEmpty
          ? 0..<0 : geometry.windowBlocks(groupBlocks, in: geometry.slices[0])
        // Columns outside: going down a strip of columns, the window slides.
        for firstColumn in stride(from: 0, to: kernel.store.columns, by: tiling.tileColumns) {
          for firstRow in stride(from: 0, to: kernel.store.rows, by: tiling.tileRows) {
            let tile = geometry.tile(image: image, firstRow: firstRow, firstColumn: firstColumn)
            for chunk in chunks {
              let blocks = geometry.chunkBlocks(chunk)
              visitor.begin(tile, blocks)
              for slice in geometry.slices {
                let slot = geometry.slot(chunkInGroup: chunk - firstChunk)
                if !weightsAreResident {
                  let key = WeightsKey(image: weightsDependOnImage ? image : 0, chunk: chunk, slice: slice.index)
                  if held[slot] != key {
                    held[slot] = key
                    visitor.loadWeights(blocks, slice, slot: slot, image: image)
                  }
                }
                if !inputIsResident {
                  let windowBlocks = geometry.isSliced ? geometry.windowBlocks(blocks, in: slice) : groupWindow
                  load(tile, slice, windowBlocks, &window, &visitor)
                }
                visitor.accumulate(tile, blocks, slice, slot: slot, windowBlocks: window?.blocks ?? 0..<0)
              }
              visitor.finish(tile, blocks)
            }
          }
        }
      }
    }
  }

  private var weightsDependOnImage: Bool {
    if case .activation = geometry.kernel.contraction?.weights { return true }
    return false
  }

  private func load(
    _ tile: OutputTile, _ slice: ContractionSlice, _ blocks: Range<Int>, _ window: inout Window?,
    _ visitor: inout some KernelVisitor
  ) {
    let region = geometry.inputRegion(tile, slice)
    var missing = region.rows
    if let held = window, held.image == tile.image, held.blocks == blocks, held.columns == region.columns,
      region.rows.lowerBound >= held.rows.lowerBound, region.rows.lowerBound <= held.rows.upperBound
    {
      missing = max(held.rows.upperBound, region.rows.lowerBound)..<max(held.rows.upperBound, region.rows.upperBound)
      let end = max(held.rows.upperBound, region.rows.upperBound)
      window!.rows = max(held.rows.lowerBound, end - geometry.tiling.windowRows)..<end
    } else {
      window = Window(image: tile.image, blocks: blocks, columns: region.columns, rows: region.rows)
    }
    if !missing.isEmpty && !region.columns.isEmpty && !blocks.isEmpty {
      visitor.loadWindow(image: tile.image, rows: missing, columns: region.columns, blocks: blocks)
    }
  }
}

protocol KernelVisitor {

  /// Starts an accumulator tile of some output blocks from the bias.
  mutating func begin(_ tile: OutputTile, _ blocks: Range<Int>)
  mutating func loadWeights(_ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, image: Int)
  /// Loads input pixels into the ring of window rows.
  mutating func loadWindow(image: Int, rows: Range<Int>, columns: Range<Int>, blocks: Range<Int>)
  /// Computes one slice; the window holds `windowBlocks` of the input's channel blocks.
  mutating func accumulate(
    _ tile: OutputTile, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, windowBlocks: Range<Int>)
  /// Adds the identity terms and stores the tile.
  mutating func finish(_ tile: OutputTile, _ blocks: Range<Int>)
}
