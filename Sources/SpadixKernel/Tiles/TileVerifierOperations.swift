import SpadixISA
import SpadixSupport

/// What each operation takes and leaves in the rows of the buffers.
extension TileVerifier {
  mutating func begin(_ tile: SumTile) throws(Violation) {
    let image = try image()
    let blocks = ceilDivide(image.channels, dim)
    try require(
      tile.rows.upperBound <= image.rows && tile.columns.upperBound <= image.columns && tile.blocks.upperBound <= blocks
        && tile.storedRows.upperBound <= image.store.rows && tile.storedColumns.upperBound <= image.store.columns,
      "tiles.tile",
      "the tile leaves the image of \(image.rows) x \(image.columns) sums, \(image.store.rows) x \(image.store.columns) "
        + "results and \(blocks) blocks")
    try require(
      !tile.rows.isEmpty && !tile.columns.isEmpty && !tile.blocks.isEmpty && !tile.storedRows.isEmpty
        && !tile.storedColumns.isEmpty, "tiles.tile", "the tile is empty")
    if image.store.pooling == nil {
      try require(
        tile.storedRows == tile.rows && tile.storedColumns == tile.columns, "tiles.tile",
        "without pooling a tile stores its own rows and columns")
    } else {
      try require(
        max(tile.rows.count, tile.columns.count, tile.storedRows.count, tile.storedColumns.count) <= 255
          && (tile.storedRows.count == 1 || image.store.columns <= 255), "tiles.pooling",
        "a pooling store has at most 255 rows and columns")
    }
    let place = sumsPlace(tile)
    let first = try rows(place, tile.sumRows, "the tile")
    fill(place.buffer, first..<first + tile.sumRows, columns: 0)
  }

  private func span(_ transfer: Transfer, _ what: String) throws(Violation) {
    try require(transfer.lines > 0 && transfer.rows > 0, "tiles.transfer", "the \(what) moves no rows")
    try require(
      transfer.lines <= 1 << 26 && transfer.rows <= 1 << 26 && transfer.columns <= 1 << 26, "tiles.transfer",
      "the \(what) is larger than any buffer")
    try require(
      transfer.offset >= 0 && transfer.rowStride >= 0 && transfer.lineStride >= 0, "tiles.operand",
      "the \(what) begin before their operand, or go backwards in it")
    let last =
      transfer.offset + (transfer.lines - 1) * transfer.lineStride + (transfer.rows - 1) * transfer.rowStride
      + transfer.columns
    try bytes(transfer.operand, last: last, what)
  }

  mutating func load(_ load: TileLoad) throws(Violation) {
    let transfer = load.transfer
    try span(transfer, "load")
    switch transfer.operand {
    case .input(let index):
      try require(program.reads.contains(index), "tiles.operand", "input \(index) is loaded and not among 'reads'")
    case .constant: break
    case .output: throw Violation(id: "tiles.operand", message: "a program loads no result", operation: position)
    }
    let place = transfer.local
    let isSums = program.buffers[place.buffer].contents == .sums
    try require(isSums || !load.adds, "tiles.transfer", "only sums can be added to")
    let blocks = ceilDivide(transfer.columns, dim)
    for block in 0..<blocks {
      let columns = min(dim, transfer.columns - block * dim)
      for line in 0..<transfer.lines {
        let row = transfer.row(ofLine: line) + block * transfer.blockStride
        var target = place
        target.row += row
        if load.adds {
          try take(target, target.row..<target.row + transfer.rows, columns: columns, "the addition")
        } else {
          let first = try rows(target, transfer.rows, "the load")
          fill(place.buffer, first..<first + transfer.rows, columns: columns)
        }
      }
    }
  }

  mutating func zero(_ zero: TileZero) throws(Violation) {
    try require(
      zero.lines > 0 && zero.lines <= 1 << 26 && zero.linePitch >= 0 && zero.linePitch <= 1 << 26, "tiles.transfer",
      "expected lines of zeros")
    for line in 0..<zero.lines {
      var place = zero.local
      place.row += line * zero.linePitch
      let first = try rows(place, zero.rows, "zeros")
      fill(zero.local.buffer, first..<first + zero.rows, columns: dim)
    }
  }

  mutating func bias(_ bias: TileBias) throws(Violation) {
    let image = try image()
    let tile = bias.tile
    try require(image.bias != nil, "tiles.biases", "the program has no biases")
    if bias.adds {
      for block in tile.blocks {
        let place = sumsPlace(tile, row: tile.row(of: block))
        try take(
          place, place.row..<place.row + tile.pixels, columns: image.channels(of: block, dim: dim), "the biases add to")
      }
    }
    try started(tile, image, tile.blocks)
  }

  /// Rows of some blocks of a tile hold sums.
  private mutating func started(_ tile: SumTile, _ image: SumImage, _ blocks: Range<Int>) throws(Violation) {
    for block in blocks {
      let place = sumsPlace(tile, row: tile.row(of: block))
      let first = try rows(place, tile.pixels, "the tile")
      fill(place.buffer, first..<first + tile.pixels, columns: image.channels(of: block, dim: dim))
    }
  }

  mutating func expand(_ diagonals: TileDiagonals) throws(Violation) {
    let image = try image()
    let blocks = diagonals.blocks
    try require(
      !blocks.isEmpty && blocks.upperBound <= ceilDivide(image.channels, dim)
        && diagonals.taps <= 1 << 20, "tiles.tile", "the diagonals are of blocks that the image does not have")
    for place in [diagonals.oneHot, diagonals.compact, diagonals.matrices] {
      try require(
        program.buffers[place.buffer].contents != .sums, "tiles.buffer", "diagonals are made in the scratchpad")
    }
    let oneHot = diagonals.oneHot
    try take(oneHot, oneHot.row..<oneHot.row + dim - 1 + dim * dim, columns: 1, "the one-hot matrix")
    for (index, block) in blocks.enumerated() {
      let first = diagonals.compact.row + index * diagonals.taps
      try take(
        diagonals.compact, first..<first + diagonals.taps, columns: image.channels(of: block, dim: dim), "the expansion"
      )
    }
    let count = blocks.count * diagonals.taps * dim
    let first = try rows(diagonals.matrices, count, "the expansion")
    fill(diagonals.matrices.buffer, first..<first + count, columns: dim)
  }

  mutating func multiply(_ product: TileMultiply) throws(Violation) {
    let image = try image()
    let tile = product.tile
    try require(product.window < program.windows.count, "tiles.window", "there is no window \(product.window)")
    let window = program.windows[product.window]
    try require(
      !product.taps.isEmpty && product.taps.upperBound <= window.taps, "tiles.window",
      "the window has taps 0 to \(window.taps - 1)")
    try require(
      product.startTap.map(product.taps.contains) ?? true, "tiles.window", "the starting tap is none of the product's")
    try require(
      product.blocks.lowerBound >= tile.blocks.lowerBound && product.blocks.upperBound <= tile.blocks.upperBound,
      "tiles.tile", "the product is of blocks that its tile does not have")
    let inputBlocks = ceilDivide(window.inputChannels, dim)
    for place in [product.source.place, product.weights.place] {
      try require(
        program.buffers[place.buffer].contents != .sums, "tiles.buffer", "the array reads operands from the scratchpad")
    }
    try require(
      (product.inputBlocks ?? product.blocks).upperBound <= inputBlocks
        && (product.inputBlocks ?? product.blocks).lowerBound >= product.source.firstBlock, "tiles.window",
      "the window's input has \(inputBlocks) blocks of channels, from block \(product.source.firstBlock)")
    for tap in product.orderedTaps(window) {
      let runs = window.runs(
        rows: tile.rows, columns: tile.columns, tap: tap, plane: product.source.plane, dim: dim, least: 1)
      if product.startTap == tap {
        try require(
          window.covers(rows: tile.rows, columns: tile.columns, tap: tap), "tiles.unstarted",
          "tap \(tap) starts the sums and does not see a pixel for each of them")
        try require(
          tap + window.columnPixels <= product.taps.upperBound, "tiles.unstarted",
          "tap \(tap) starts sums of \(window.columnPixels) pixels of a column; expected the taps of all of them")
        try started(tile, image, product.blocks)
      }
      for block in product.blocks {
        try matrices(product, window, block, tap, image)
        // Source rows are the same for all blocks that read the same input blocks.
        if product.inputBlocks == nil || block == product.blocks.lowerBound {
          try pixels(product, window, block, runs)
        }
        let first = tile.row(of: block)
        for run in runs {
          try take(
            sumsPlace(tile), first + run.result..<first + run.result + (run.count - 1) * window.columnPixels + 1,
            stride: window.columnPixels, columns: image.channels(of: block, dim: dim), "the product")
        }
      }
    }
  }

  private func matrices(
    _ product: TileMultiply, _ window: InputWindow, _ block: Int, _ tap: Int, _ image: SumImage
  ) throws(Violation) {
    let outputs = image.channels(of: block, dim: dim)
    for input in product.inputs(of: block) {
      let inputs = window.channels(of: input, dim: dim)
      let (rows, columns) = product.weights.isTransposed ? (outputs, inputs) : (inputs, outputs)
      let first = product.weightRow(block: block, tap: tap, input: input)
      try take(product.weights.place, first..<first + rows, columns: columns, "the matrix")
    }
  }

  private func pixels(
    _ product: TileMultiply, _ window: InputWindow, _ block: Int, _ runs: [PixelRun]
  ) throws(Violation) {
    let stride = window.sourceStride(product.source.plane)
    for input in product.inputs(of: block) {
      let plane = product.sourceRow(input: input)
      let channels = window.channels(of: input, dim: dim)
      for run in runs {
        let first = plane + run.source
        try take(
          product.source.place, first..<first + (run.count - 1) * stride + 1, stride: stride, columns: channels,
          "the product")
      }
    }
  }

  mutating func store(_ store: TileStore) throws(Violation) {
    let transfer = store.transfer
    try require(transfer.lines > 0 && transfer.rows > 0, "tiles.transfer", "the store moves no rows")
    try require(
      transfer.operand == .output && transfer.ring == nil && transfer.firstLine == 0, "tiles.operand",
      "a store writes the output, all lines of it in order")
    let isSums = program.buffers[transfer.local.buffer].contents == .sums
    try require(isSums == (store.sums != nil), "tiles.tile", "a store of sums names its block, and only such a store")
    if transfer.columns > dim && (isSums || store.resident != nil) {
      let stage = try image().store
      try require(
        store.resident == nil && stage.pooling == nil && stage.scaleConstant == nil && stage.pair == nil
          && transfer.blockStride == dim && transfer.columns <= dim * target.maxBlockLength, "tiles.transfer",
        "expected one block of columns, or up to \(target.maxBlockLength) that are \(dim) rows apart in a store of sums to DRAM "
          + "that neither pools nor has scales of its own for each channel")
    }
    if let resident = store.resident {
      try require(
        target.hasScratchpadStore, "tiles.resident", "'\(target.name)' has no store to the scratchpad")
      try require(
        transfer.rowStride > 0 && transfer.lineStride % transfer.rowStride == 0
          && program.buffers[resident.buffer].contents == .pixels, "tiles.resident",
        "expected lines that are a number of rows apart, and rows of pixels to store to")
    } else {
      try require(program.writes, "tiles.operand", "the result is stored to DRAM and the program does not say 'writes'")
      try span(transfer, "store")
    }
    try stored(store)
    guard let resident = store.resident else { return }
    try require(transfer.lines <= 1 << 26 && transfer.rows <= 1 << 26, "tiles.transfer", "the store is too large")
    try require(
      store.starts.isEmpty || store.starts.count == transfer.lines, "tiles.resident",
      "expected a start for each of \(transfer.lines) lines, found \(store.starts.count)")
    for line in 0..<transfer.lines {
      var place = resident
      place.row += store.starts.isEmpty ? line * (transfer.lineStride / transfer.rowStride) : store.starts[line]
      let first = try rows(place, transfer.rows, "the store")
      fill(place.buffer, first..<first + transfer.rows, columns: transfer.columns)
    }
  }

  /// What a store reads.
  private func stored(_ store: TileStore) throws(Violation) {
    let transfer = store.transfer
    let place = transfer.local
    if let sums = store.sums {
      let image = try image()
      try require(
        sums.tile.blocks.contains(sums.block)
          && transfer.columns <= min(image.channels, sums.tile.blocks.upperBound * dim) - sums.block * dim,
        "tiles.tile", "the tile has no such block of channels")
      try require(
        transfer.rowStride == image.channels, "tiles.transfer",
        "sums of \(image.channels) channels are stored to rows \(transfer.rowStride) apart")
      if image.store.pooling != nil {
        try require(
          transfer.rows == sums.tile.storedColumns.count && transfer.lines == sums.tile.storedRows.count,
          "tiles.pooling", "a pooling store writes its whole tile")
        try require(
          store.starts.count <= 1, "tiles.pooling", "a pooling store to rows that are each by themselves has one line")
        try require(
          transfer.lineStride == transfer.rowStride * image.store.columns, "tiles.pooling",
          "lines of a pooling store are \(image.store.columns) rows apart, as its image has so many columns")
        try take(place, place.row..<place.row + sums.tile.pixels, columns: transfer.columns, "the store")
        return
      }
    }
    for block in 0..<ceilDivide(transfer.columns, dim) {
      let columns = min(dim, transfer.columns - block * dim)
      for line in 0..<transfer.lines {
        let first = place.row + line * transfer.linePitch + block * transfer.blockStride
        try take(place, first..<first + transfer.rows, columns: columns, "the store")
      }
    }
  }

  func copy(_ copy: TileCopy) throws(Violation) {
    let buffer = program.buffers[copy.local.buffer]
    try require(
      buffer.contents == .pixels && buffer.rows >= dim && buffer.rows % dim == 0
        && buffer.rows <= dim * target.maxBlockLength && copy.local.slot < buffer.slots && copy.local.row == 0,
      "tiles.buffer", "a copy goes through slots of up to \(target.maxBlockLength) blocks of \(dim) rows")
    try require(program.writes, "tiles.operand", "the result is stored to DRAM and the program does not say 'writes'")
    if case .input(let index) = copy.operand {
      try require(program.reads.contains(index), "tiles.operand", "input \(index) is loaded and not among 'reads'")
    }
    try require(copy.operand != .output && copy.rows > 0, "tiles.operand", "a copy reads rows of inputs or constants")
    try bytes(copy.operand, last: copy.offset + (copy.rows - 1) * copy.stride + copy.columns, "copy")
    try bytes(
      .output, last: copy.outputOffset + (copy.rows - 1) * copy.outputStride + copy.columns, "copy")
  }
}
