import SpadixSupport

/// The weights of a contraction and its products.
extension KernelNest {
  func loadWeights(
    _ blocks: Range<Int>, chunk: Int, _ slice: ContractionSlice, slot: Int, image: Int, _ sink: inout some TileSink
  ) {
    let contraction = kernel.contraction!
    switch contraction.weights {
    case .ones: break
    case .dense(let constant), .expanded(let constant):
      loadOrdered(constant, blocks, chunk, slice, slot: slot, &sink)
    case .activation(let input, let isTransposed):
      let offset = image * contraction.window.inputChannels * kernel.channels
      sink.append(
        .load(
          TileLoad(
            isTransposed
              ? rows(of: .input(input), offset: offset, blocks, slice, slot: slot)
              : columns(of: .input(input), offset: offset, blocks, slice, slot: slot))))
    case .packed(let packed): loadOrdered(packed.constant, blocks, chunk, slice, slot: slot, &sink)
    case .diagonal(let constant): loadDiagonals(constant, blocks, slice, slot: slot, &sink)
    }
  }

  private func weights(slot: Int, row: Int = 0) -> LocalPlace { LocalPlace(buffers.weights!, slot: slot, row: row) }

  /// Columns of a row-major matrix [taps * channels, outputs]; each block of outputs becomes consecutive rows.
  private func columns(
    of operand: TileOperand, offset: Int, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int
  ) -> Transfer {
    let channels = kernel.contraction!.window.inputChannels
    let outputs = kernel.channels
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let contracted = geometry.contractedChannels(blocks.lowerBound, slice)
    let blockRows = slice.taps.count * contracted
    // Rows of all taps follow one another in the matrix unless the slice leaves channels out.
    let isWhole = contracted == channels
    let firstRow = slice.taps.lowerBound * channels + inputBlocks.lowerBound * dim
    return Transfer(
      operand, offset: offset + firstRow * outputs + blocks.lowerBound * dim, rows: isWhole ? blockRows : contracted,
      rowStride: outputs, lines: isWhole ? 1 : slice.taps.count, lineStride: isWhole ? 0 : channels * outputs,
      columns: geometry.channels(of: blocks), local: weights(slot: slot), blockStride: blockRows,
      linePitch: isWhole ? 0 : contracted)
  }

  /// Rows of a row-major matrix [outputs, channels] as they are; the array transposes them.
  private func rows(
    of operand: TileOperand, offset: Int, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int
  ) -> Transfer {
    let channels = kernel.contraction!.window.inputChannels
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let outputs = geometry.channels(of: blocks)
    return Transfer(
      operand, offset: offset + blocks.lowerBound * dim * channels + inputBlocks.lowerBound * dim, rows: outputs,
      rowStride: channels, columns: min(channels, inputBlocks.upperBound * dim) - inputBlocks.lowerBound * dim,
      local: weights(slot: slot), blockStride: outputs)
  }

  /// A sequence of local rows that lies in DRAM as it is loaded.
  private func loadOrdered(
    _ constant: ConstantID, _ blocks: Range<Int>, _ chunk: Int, _ slice: ContractionSlice, slot: Int,
    _ sink: inout some TileSink
  ) {
    let rows = WeightOrder.Rows(geometry, blocks, slice)
    let first = weightOrder!.offset(chunk: chunk, slice: slice.index)
    for pieces in WeightOrder.pieces(rows: rows.whole, dim: dim) {
      sink.append(
        .load(
          TileLoad(
            Transfer(
              .constant(constant), offset: first + pieces.firstRow * dim, rows: pieces.height,
              rowStride: pieces.width * dim, lines: pieces.count, lineStride: pieces.height * pieces.width * dim,
              columns: pieces.width * dim, local: weights(slot: slot, row: pieces.firstRow),
              blockStride: pieces.height, linePitch: pieces.height * pieces.width))))
    }
    if rows.narrow == 0 { return }
    sink.append(
      .load(
        TileLoad(
          Transfer(
            .constant(constant), offset: first + rows.whole * dim, rows: rows.narrow, rowStride: rows.narrowColumns,
            columns: rows.narrowColumns, local: weights(slot: slot, row: rows.whole), blockStride: dim))))
  }

  private func loadDiagonals(
    _ constant: ConstantID, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, _ sink: inout some TileSink
  ) {
    let taps = slice.taps.count
    let compact = buffers.compact.map { LocalPlace($0) } ?? keptTaps(slot: slot, blocks, slice)
    sink.append(
      .load(
        TileLoad(
          Transfer(
            .constant(constant), offset: slice.taps.lowerBound * kernel.channels + blocks.lowerBound * dim, rows: taps,
            rowStride: kernel.channels, columns: geometry.channels(of: blocks), local: compact, blockStride: taps))))
    sink.append(
      .diagonals(
        TileDiagonals(
          blocks: blocks, taps: taps, oneHot: LocalPlace(buffers.oneHot!), compact: compact,
          matrices: weights(slot: slot))))
  }

  /// Taps that stay behind their matrices.
  private func keptTaps(slot: Int, _ blocks: Range<Int>, _ slice: ContractionSlice) -> LocalPlace {
    weights(slot: slot, row: blocks.count * slice.taps.count * dim)
  }

  /// For each class of rows an image row of what taps outside the image see: runs of one value, loaded as one row.
  func loadPadding(_ sink: inout some TileSink) {
    guard let buffer = buffers.padding, let bias = kernel.bias, let constant = bias.paddingTaps else { return }
    let taps = kernel.contraction!.window.taps
    let plane = bias.rowClasses * kernel.columns
    for rowClass in 0..<bias.rowClasses {
      var column = 0
      while column < kernel.columns {
        let columnClass = bias.columnClass[column]
        let end = bias.columnClass[column...].firstIndex { $0 != columnClass } ?? kernel.columns
        let local = LocalPlace(buffer, row: rowClass * kernel.columns + column)
        if bias.isZero(rowClass: rowClass, columnClass: columnClass) {
          for block in 0..<ceilDivide(taps, dim) {
            sink.append(.zero(TileZero(LocalPlace(buffer, row: local.row + block * plane), rows: end - column)))
          }
        } else {
          sink.append(
            .load(
              TileLoad(
                Transfer(
                  .constant(constant), offset: (rowClass * bias.columnClasses + columnClass) * taps, rows: end - column,
                  rowStride: 0, columns: taps, local: local, blockStride: plane))))
        }
        column = end
      }
    }
  }

  /// Adds the products of taps outside the image with the zero point, where a tile has any.
  func multiplyPadding(_ tile: SumTile, _ slice: ContractionSlice, slot: Int, _ sink: inout some TileSink) {
    guard let buffer = buffers.padding, let bias = kernel.bias else { return }
    let touches = tile.rows.contains { row in
      tile.columns.contains { !bias.isZero(rowClass: bias.rowClass[row], columnClass: bias.columnClass[$0]) }
    }
    if !touches { return }
    sink.append(
      .multiply(
        TileMultiply(
          tile: tile, window: 1 + kernel.identities.count, taps: 0..<1, startTap: nil, blocks: tile.blocks,
          inputBlocks: 0..<ceilDivide(slice.taps.count, dim),
          source: TileMultiply.PixelSource(
            place: LocalPlace(buffer), blockStride: bias.rowClasses * kernel.columns,
            plane: PlaneLayout(
              pitch: kernel.columns, firstRow: tile.rows.lowerBound,
              starts: tile.rows.map { bias.rowClass[$0] * kernel.columns })),
          weights: TileMultiply.WeightSource(
            place: keptTaps(slot: slot, tile.blocks, slice), blockStride: slice.taps.count, inputStride: dim))))
  }

  /// The products of one slice of the contraction; the window holds `windowBlocks` of the input's channel blocks.
  func multiply(
    _ tile: SumTile, _ place: OutputTile, _ slice: ContractionSlice, slot: Int, windowSlot: Int,
    windowBlocks: Range<Int>, startTap: Int?,
    _ sink: inout some TileSink
  ) {
    let contraction = kernel.contraction!
    let window = contraction.window
    var plane = geometry.inputPlane(place, slice, resident: places.inputIsResident)
    if plane.partLines > 0 { plane.partStride = buffers.windowSlot }
    let source: TileMultiply.PixelSource
    if let rows = strip?.input {
      source = TileMultiply.PixelSource(
        place: LocalPlace(buffers.input!), blockStride: window.inputColumns,
        plane: rows.plane(geometry.inputRegion(place, slice).rows, pitch: window.inputColumns))
    } else if places.inputIsResident {
      let pixels = window.inputRows * window.inputColumns
      source = TileMultiply.PixelSource(
        place: LocalPlace(buffers.input!, row: tile.image * pixels), blockStride: kernel.images * pixels, plane: plane)
    } else {
      source = TileMultiply.PixelSource(
        place: LocalPlace(buffers.input!, slot: windowSlot), firstBlock: windowBlocks.lowerBound,
        blockStride: buffers.windowPlane,
        plane: plane)
    }
    if case .packed = contraction.weights {
      multiplyPacked(tile, slice, slot: slot, source, startTap: startTap, &sink)
      return
    }
    let isDiagonal: Bool
    switch contraction.weights {
    case .diagonal, .expanded, .ones: isDiagonal = true
    case .dense, .activation, .packed: isDiagonal = false
    }
    let product = TileMultiply(
      tile: tile, window: 0, taps: slice.taps, startTap: startTap, blocks: tile.blocks,
      inputBlocks: isDiagonal ? nil : geometry.inputBlocks(of: tile.blocks.lowerBound, in: slice), source: source,
      weights: weights(of: tile, slice, slot: slot))
    if geometry.tiling.windowCopies == 1 {
      sink.append(.multiply(product))
      return
    }
    for tap in product.orderedTaps(window) {
      var ofTap = product
      ofTap.taps = tap..<tap + 1
      ofTap.startTap = tap == startTap ? tap : nil
      ofTap.source.place.slot = tap % window.kernelColumns
      ofTap.weights.place.row += (tap - slice.taps.lowerBound) * product.weights.tapStride
      sink.append(.multiply(ofTap))
    }
  }

  private func weights(of tile: SumTile, _ slice: ContractionSlice, slot: Int) -> TileMultiply.WeightSource {
    let contraction = kernel.contraction!
    let channels = contraction.window.inputChannels
    let first = tile.blocks.lowerBound
    let firstInput = geometry.inputBlocks(of: first, in: slice).lowerBound
    switch contraction.weights {
    case .ones: return TileMultiply.WeightSource(place: LocalPlace(buffers.ones!), isShared: true)
    case .diagonal, .expanded:
      return TileMultiply.WeightSource(
        place: weights(slot: slot), blockStride: slice.taps.count * dim, tapStride: dim)
    case .activation(_, true) where places.weightsAreResident:
      let pixels = kernel.images * kernel.channels
      return TileMultiply.WeightSource(
        place: LocalPlace(
          buffers.weights!, row: firstInput * pixels + tile.image * kernel.channels + first * dim),
        blockStride: dim, inputStride: pixels, isTransposed: true)
    case .activation(_, true):
      return TileMultiply.WeightSource(
        place: weights(slot: slot), blockStride: dim, inputStride: geometry.channels(of: tile.blocks),
        isTransposed: true)
    case .activation(_, false) where places.weightsAreResident:
      let pixels = kernel.images * channels
      return TileMultiply.WeightSource(
        place: LocalPlace(buffers.weights!, row: first * pixels + tile.image * channels + firstInput * dim),
        blockStride: pixels, inputStride: dim)
    case .dense, .activation, .packed:
      let contracted = geometry.contractedChannels(first, slice)
      return TileMultiply.WeightSource(
        place: weights(slot: slot), blockStride: slice.taps.count * contracted, tapStride: contracted, inputStride: dim)
    }
  }

  /// Blocks that sum over different input channels: tap by tap and block by block.
  private func multiplyPacked(
    _ tile: SumTile, _ slice: ContractionSlice, slot: Int, _ source: TileMultiply.PixelSource, startTap: Int?,
    _ sink: inout some TileSink
  ) {
    var taps = Array(slice.taps)
    if let startTap { taps.swapAt(0, startTap - slice.taps.lowerBound) }
    for tap in taps {
      var source = source
      if geometry.tiling.windowCopies > 1 { source.place.slot = tap % window!.kernelColumns }
      var row = 0
      for block in tile.blocks {
        let inputs = geometry.inputBlocks(of: block, in: slice)
        let contracted = geometry.contractedChannels(block, slice)
        if !inputs.isEmpty {
          sink.append(
            .multiply(
              TileMultiply(
                tile: tile, window: 0, taps: tap..<tap + 1, startTap: tap == startTap ? tap : nil,
                blocks: block..<block + 1, inputBlocks: inputs, source: source,
                weights: TileMultiply.WeightSource(
                  place: weights(slot: slot, row: row + (tap - slice.taps.lowerBound) * contracted),
                  inputStride: dim))))
        }
        row += slice.taps.count * contracted
      }
    }
  }
}
