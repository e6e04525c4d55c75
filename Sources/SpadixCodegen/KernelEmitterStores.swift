import SpadixISA

/// The end of an accumulator tile: identity terms and stores.
extension KernelEmitter {
  mutating func finish(_ tile: OutputTile, _ blocks: Range<Int>) {
    for (index, identity) in kernel.identities.enumerated() {
      let overwrites = identityOverwrites && index == 0
      if layout.identities[index].usesArray {
        addThroughArray(index, identity, tile, blocks, overwrites: overwrites)
      } else {
        addThroughMoves(identity, tile, blocks, overwrites: overwrites)
      }
    }
    for block in blocks { store(tile, block, in: blocks) }
  }

  mutating func addThroughMoves(
    _ identity: TileKernel.Identity, _ tile: OutputTile, _ blocks: Range<Int>, overwrites: Bool
  ) {
    let together = blocksTogether(stride: tile.pixels)
    writer.configureLoad(
      .accumulator, stride: identity.view.pixel, blockStride: together > 1 ? tile.pixels : dim, shrunk: true)
    forEachAddendSpan(identity, tile, blocks, together: together) { writer, dram, block, row, rows, columns, base in
      writer.moveIn(
        .accumulator, dram: dram,
        to: .accumulator(base + (block - blocks.lowerBound) * tile.pixels + row, accumulate: !overwrites),
        rows: rows, columns: columns)
    }
  }

  mutating func forEachAddendSpan(
    _ identity: TileKernel.Identity, _ tile: OutputTile, _ blocks: Range<Int>, together: Int,
    _ move: (inout CommandWriter, UInt64, Int, Int, Int, Int, Int) -> Void
  ) {
    let view = identity.view
    let start = inputs[identity.input].address + UInt64(view.offset + tile.image * view.image)
    let plane = PlaneLayout(pitch: tile.columns.count, ring: nil, firstColumn: tile.columns.lowerBound)
    let origin = tile.rows.lowerBound * tile.columns.count
    let spans = pixelSpans(tile.rows, tile.columns, plane, view)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      let columns = min(kernel.channels, last * dim) - first * dim
      for span in spans {
        for done in stride(from: 0, to: span.count, by: dim) {
          move(
            &writer, start + UInt64(span.offset + done * view.pixel + first * dim), first,
            span.row - origin + done, min(dim, span.count - done), columns, accumulatorBase)
        }
      }
    }
  }

  mutating func addThroughArray(
    _ index: Int, _ identity: TileKernel.Identity, _ tile: OutputTile, _ blocks: Range<Int>, overwrites: Bool
  ) {
    let identityLayout = layout.identities[index]
    let passes = identityLayout.passes
    if identity.multipliers.count > 1 && matricesHeld != blocks {
      matricesHeld = blocks
      for matrix in 0..<blocks.count * passes {
        loadMatrix(
          identityMatrices[index]!, index: blocks.lowerBound * passes + matrix,
          to: identityLayout.matrices + matrix * dim)
      }
    }
    let resident = places.identityIsResident[index] ? inputs[identity.input].resident : nil
    if resident == nil {
      let together = blocksTogether(stride: tile.pixels)
      writer.configureLoad(
        .pixels, stride: identity.view.pixel, blockStride: together > 1 ? tile.pixels : dim)
      let addend = base + identityLayout.addend
      forEachAddendSpan(identity, tile, blocks, together: together) { writer, dram, block, row, rows, columns, _ in
        writer.moveIn(
          .pixels, dram: dram, to: .scratchpad(addend + (block - blocks.lowerBound) * tile.pixels + row),
          rows: rows, columns: columns)
      }
    }
    writer.configureExecute(sourceStride: 1)
    let plane =
      resident == nil
      ? PlaneLayout(pitch: tile.columns.count, ring: nil, firstColumn: tile.columns.lowerBound)
      : PlaneLayout(pitch: kernel.columns, ring: nil, firstColumn: 0)
    let origin = resident == nil ? tile.rows.lowerBound * tile.columns.count : 0
    let runs = geometry.identityRuns(tile, plane: plane)
    for block in blocks {
      let columns = geometry.channels(of: block)
      let source =
        resident.map { $0.row + block * $0.pixels + tile.image * kernel.rows * kernel.columns }
        ?? base + identityLayout.addend + (block - blocks.lowerBound) * tile.pixels - origin
      for pass in 0..<passes {
        let matrix = (identity.multipliers.count > 1 ? (block - blocks.lowerBound) * passes : 0) + pass
        for (position, run) in ordered(runs, in: (block - blocks.lowerBound) * tile.pixels, tile).enumerated() {
          writer.compute(
            weights: position == 0 ? scratchpad(identityLayout.matrices + matrix * dim) : nil, weightRows: columns,
            source: .scratchpad(source + run.source),
            result: accumulator(
              (block - blocks.lowerBound) * tile.pixels + run.result, accumulate: !(overwrites && pass == 0)),
            rows: run.count, columns: columns)
        }
      }
    }
  }

  mutating func store(_ tile: OutputTile, _ block: Int, in blocks: Range<Int>) {
    let columns = geometry.channels(of: block)
    configureStore(tile, block)
    let source = (block - blocks.lowerBound) * tile.pixels
    let firstPixel = tile.image * kernel.store.rows * kernel.store.columns
    func pixel(_ row: Int, _ column: Int) -> Int { firstPixel + row * kernel.store.columns + column }
    func dram(_ pixel: Int) -> UInt64 { output.address + UInt64(pixel * kernel.channels + block * dim) }
    func resident(_ pixel: Int) -> Int { output.resident!.row + block * output.resident!.pixels + pixel }

    if kernel.store.pooling != nil {
      let first = pixel(tile.storedRows.lowerBound, tile.storedColumns.lowerBound)
      let address = accumulator(source, accumulate: false)
      if places.outputIsResident {
        writer.moveOutScratchpad(to: resident(first), from: address, rows: 1, columns: columns)
      } else {
        writer.moveOut(dram: dram(first), from: address, rows: 1, columns: columns)
      }
      return
    }
    let plane = PlaneLayout(pitch: kernel.store.columns, ring: nil, firstColumn: 0)
    for span in geometry.spans(rows: tile.storedRows, columns: tile.storedColumns, plane: plane) {
      for done in stride(from: 0, to: span.count, by: dim) {
        let address = accumulator(source + span.result + done, accumulate: false)
        let rows = min(dim, span.count - done)
        let first = firstPixel + span.source + done
        if places.outputIsResident {
          writer.moveOutScratchpad(to: resident(first), from: address, rows: rows, columns: columns)
        } else {
          writer.moveOut(dram: dram(first), from: address, rows: rows, columns: columns)
        }
      }
    }
  }

  mutating func configureStore(_ tile: OutputTile, _ block: Int) {
    let store = kernel.store
    var config = ConfigStore(stride: kernel.channels, scale: store.scales[0])
    if let pooling = store.pooling {
      config.pooling = Pooling(
        window: pooling.window, stride: pooling.stride,
        upPad: max(0, pooling.top - tile.storedRows.lowerBound * pooling.stride),
        leftPad: max(0, pooling.left - tile.storedColumns.lowerBound * pooling.stride),
        outDim: store.columns, outRows: tile.storedRows.count, outCols: tile.storedColumns.count,
        inRows: tile.rows.count, inCols: tile.columns.count)
    }
    let isPlain = store.zeroPoint == 0 && store.scaleConstant == nil
    if isPlain && store.low == 0 && store.high == 127 { config.activation = .relu }
    if isPlain && store.high == 127 && (store.low == 0 || store.low == -128) && !paddingNeedsLow {
      writer.configureStore(config)
      return
    }
    writer.configureOutput(
      config, ConfigOutput(zeroPoint: Int8(store.zeroPoint), low: Int8(store.low), high: Int8(store.high)),
      scales: store.scaleConstant.map {
        (constantAddress($0) + UInt64(4 * block * dim), geometry.channels(of: block))
      })
  }

  /// Pixels outside the image count as 0 for a plain store, as the low bound after `config_output`. Where there is no
  /// such command, lowering leaves only pooling of values that are not negative, for which 0 is right.
  var paddingNeedsLow: Bool {
    guard let pooling = kernel.store.pooling, kernel.store.low != 0, target.hasOutputStage else { return false }
    return pooling.top > 0 || pooling.left > 0
      || (kernel.store.rows - 1) * pooling.stride - pooling.top + pooling.window > kernel.rows
      || (kernel.store.columns - 1) * pooling.stride - pooling.left + pooling.window > kernel.columns
  }
}
