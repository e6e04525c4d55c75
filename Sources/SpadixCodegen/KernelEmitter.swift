import SpadixISA

/// Where an operand or result of a kernel is while the kernel runs.
struct OperandLocation {
  /// Buffer number, for the order of transfers.
  var buffer: Int
  /// First byte in DRAM.
  var address: UInt64
  /// First scratchpad row and pixels of the whole tensor, when it is resident: pixel p of channel block b is at
  /// `row + b * pixels + p`.
  var resident: (row: Int, pixels: Int)?
}

/// Emits the commands of one tile kernel with one tiling.
struct KernelEmitter: KernelVisitor {
  private let geometry: KernelGeometry
  private let kernel: TileKernel
  private let layout: KernelLayout
  private let places: KernelPlaces
  private let base: Int
  private let inputs: [OperandLocation]
  private let output: OperandLocation
  private let constantAddress: (ConstantID) -> UInt64
  /// Diagonal matrices of identity terms, made by the program emitter: per term, one constant.
  private let identityMatrices: [ConstantID?]
  private let identityMatrix: ConstantID?
  private let dim: Int
  var writer: CommandWriter

  private var accumulatorBase = 0
  /// The part of the tile's sum that starts it by overwriting; nil when the tile was started from a bias or zeros.
  private var overwritingTap: Int?
  private var identityOverwrites = false
  private var matricesHeld: Range<Int>?

  init(
    geometry: KernelGeometry, places: KernelPlaces, workingRow: Int, inputs: [OperandLocation],
    output: OperandLocation, identityMatrices: [ConstantID?], identityMatrix: ConstantID?,
    constantAddress: @escaping (ConstantID) -> UInt64, writer: CommandWriter
  ) {
    self.geometry = geometry
    self.kernel = geometry.kernel
    self.places = places
    self.layout = KernelLayout(geometry, places: places)
    self.base = workingRow
    self.inputs = inputs
    self.output = output
    self.identityMatrices = identityMatrices
    self.identityMatrix = identityMatrix
    self.constantAddress = constantAddress
    self.dim = geometry.dim
    self.writer = writer
  }

  private var target: Target { writer.target }

  mutating func run() {
    for (index, input) in inputs.enumerated() where input.resident == nil || streams(index) {
      writer.willRead(buffer: input.buffer)
    }
    if !places.outputIsResident { writer.willWrite(buffer: output.buffer) }
    prologue()
    KernelWalk(
      geometry: geometry, inputIsResident: places.inputIsResident, weightsAreResident: places.weightsAreResident
    ).run(&self)
  }

  private func streams(_ input: Int) -> Bool {
    if let contraction = kernel.contraction {
      if contraction.input == input && !places.inputIsResident { return true }
      if case .activation(let weights, _) = contraction.weights, weights == input, !places.weightsAreResident {
        return true
      }
    }
    return kernel.identities.enumerated().contains { $1.input == input && !places.identityIsResident[$0] }
  }

  private func scratchpad(_ row: Int) -> LocalAddress { .scratchpad(base + row) }

  private func accumulator(_ row: Int, accumulate: Bool) -> LocalAddress {
    .accumulator(accumulatorBase + row, accumulate: accumulate)
  }

  /// Column blocks that one load may bring, when they lie `stride` rows apart.
  private func blocksTogether(stride: Int) -> Int { stride <= Limits.blockStride ? target.maxBlockLength : 1 }

  // MARK: Constants of the kernel

  private mutating func prologue() {
    if let contraction = kernel.contraction, let identityMatrix {
      switch contraction.weights {
      case .diagonal: loadOneHotRows(identityMatrix)
      case .ones: loadMatrix(identityMatrix, index: 0, to: layout.ones)
      case .dense, .activation, .packed: break
      }
    }
    for (index, identity) in kernel.identities.enumerated() where identity.multipliers.count == 1 {
      guard let constant = identityMatrices[index] else { continue }
      for pass in 0..<layout.identities[index].passes {
        loadMatrix(constant, index: pass, to: layout.identities[index].matrices + pass * dim)
      }
    }
  }

  /// Loads one of several `dim` x `dim` matrices.
  private mutating func loadMatrix(_ constant: ConstantID, index: Int, to row: Int) {
    writer.configureLoad(.weights, stride: dim, blockStride: dim)
    writer.moveIn(
      .weights, dram: constantAddress(constant) + UInt64(index * dim * dim), to: scratchpad(row), rows: dim,
      columns: dim)
  }

  private mutating func loadOneHotRows(_ identity: ConstantID) {
    writer.configureLoad(.weights, stride: dim, blockStride: dim)
    let rows = dim - 1 + dim * dim
    for row in stride(from: 0, to: rows, by: dim) {
      writer.zero(.weights, scratchpad(layout.oneHot + row), rows: min(dim, rows - row), columns: dim)
    }
    for channel in 0..<dim {
      writer.moveIn(
        .weights, dram: constantAddress(identity) + UInt64(channel * dim),
        to: scratchpad(layout.oneHot + dim - 1 + channel * dim), rows: 1, columns: dim)
    }
  }

  // MARK: Starting a tile

  mutating func begin(_ tile: OutputTile, _ blocks: Range<Int>) {
    // Two tiles in turn where there is room, so that one is stored while the next is computed.
    let rows = tile.pixels * blocks.count
    let half = target.accumulatorRows / 2
    accumulatorBase = rows <= half && accumulatorBase == 0 ? half : 0
    overwritingTap = nil
    identityOverwrites = false
    if let bias = kernel.bias {
      loadBias(bias, tile, blocks)
      return
    }
    guard let contraction = kernel.contraction else {
      identityOverwrites = true
      return
    }
    overwritingTap = geometry.slices[0].taps.first { tap in
      contraction.validRows(tile.rows, tapRow: tap / contraction.kernelColumns) == tile.rows
        && contraction.validColumns(tile.columns, tapColumn: tap % contraction.kernelColumns) == tile.columns
    }
    if overwritingTap == nil {
      writer.configureLoad(.accumulator, stride: 0, blockStride: dim)
      for row in stride(from: 0, to: rows, by: dim) {
        writer.zero(.accumulator, accumulator(row, accumulate: false), rows: min(dim, rows - row), columns: dim)
      }
    }
  }

  private mutating func loadBias(_ bias: TileKernel.Bias, _ tile: OutputTile, _ blocks: Range<Int>) {
    // Stride 0 repeats one row of biases over the run.
    writer.configureLoad(.accumulator, stride: 0, blockStride: dim)
    let runs = geometry.biasRuns(tile, bias)
    let start = constantAddress(bias.constant)
    for block in blocks {
      for run in runs {
        let entry = (run.rowClass * bias.columnClasses + run.columnClass) * kernel.channels + block * dim
        writer.moveIn(
          .accumulator, dram: start + UInt64(4 * entry),
          to: accumulator((block - blocks.lowerBound) * tile.pixels + run.result, accumulate: false),
          rows: run.count, columns: geometry.channels(of: block))
      }
    }
  }

  // MARK: Loads

  mutating func loadWeights(_ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, image: Int) {
    let contraction = kernel.contraction!
    let row = layout.weights + slot * layout.weightSlotRows
    switch contraction.weights {
    case .ones: break
    case .dense(let constant):
      loadMatrixColumns(
        start: constantAddress(constant), contraction.inputChannels, kernel.channels, blocks, slice, to: row)
    case .activation(let input, let transposed):
      let matrix = contraction.inputChannels * kernel.channels
      let start = inputs[input].address + UInt64(image * matrix)
      if transposed {
        loadTransposed(start: start, blocks, slice, to: row)
      } else {
        loadMatrixColumns(start: start, contraction.inputChannels, kernel.channels, blocks, slice, to: row)
      }
    case .packed(let packed): loadPacked(packed, blocks, slice, to: row)
    case .diagonal(let constant): expandDiagonals(constant, blocks, slice, to: row)
    }
  }

  /// Loads columns of a row-major matrix [taps * channels, outputs]; each block of outputs becomes consecutive rows.
  private mutating func loadMatrixColumns(
    start: UInt64, _ channels: Int, _ outputs: Int, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let contracted = geometry.contractedChannels(blocks.lowerBound, slice)
    let blockRows = slice.taps.count * contracted
    // Rows of all taps follow one another in the matrix unless the slice leaves channels out.
    let pieces: [(matrixRow: Int, row: Int, count: Int)] =
      contracted == channels
      ? [(slice.taps.lowerBound * channels, 0, blockRows)]
      : slice.taps.map {
        ($0 * channels + inputBlocks.lowerBound * dim, ($0 - slice.taps.lowerBound) * contracted, contracted)
      }
    let together = blocksTogether(stride: blockRows)
    writer.configureLoad(.weights, stride: outputs, blockStride: together > 1 ? blockRows : dim)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      let columns = min(outputs, last * dim) - first * dim
      for piece in pieces {
        for done in stride(from: 0, to: piece.count, by: dim) {
          writer.moveIn(
            .weights, dram: start + UInt64((piece.matrixRow + done) * outputs + first * dim),
            to: scratchpad(row + (first - blocks.lowerBound) * blockRows + piece.row + done),
            rows: min(dim, piece.count - done), columns: columns)
        }
      }
    }
  }

  /// Loads rows of a row-major matrix [outputs, channels] as they are; the array transposes them.
  private mutating func loadTransposed(
    start: UInt64, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let channels = kernel.contraction!.inputChannels
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let firstOutput = blocks.lowerBound * dim
    let outputs = min(kernel.channels, blocks.upperBound * dim) - firstOutput
    let together = blocksTogether(stride: outputs)
    writer.configureLoad(.weights, stride: channels, blockStride: together > 1 ? outputs : dim)
    for first in stride(from: inputBlocks.lowerBound, to: inputBlocks.upperBound, by: together) {
      let last = min(inputBlocks.upperBound, first + together)
      for done in stride(from: 0, to: outputs, by: dim) {
        writer.moveIn(
          .weights, dram: start + UInt64((firstOutput + done) * channels + first * dim),
          to: scratchpad(row + (first - inputBlocks.lowerBound) * outputs + done), rows: min(dim, outputs - done),
          columns: min(channels, last * dim) - first * dim)
      }
    }
  }

  private mutating func loadPacked(
    _ packed: PackedWeights, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    writer.configureLoad(.weights, stride: dim, blockStride: dim)
    var next = row
    for block in blocks {
      let all = packed.channelCount[block]
      let first = geometry.inputBlocks(of: block, in: slice).lowerBound * dim - packed.firstChannel[block]
      let contracted = geometry.contractedChannels(block, slice)
      for tap in slice.taps {
        let matrixRow = tap * all + first
        for done in stride(from: 0, to: contracted, by: dim) {
          writer.moveIn(
            .weights,
            dram: constantAddress(packed.constant) + UInt64(packed.offset[block] + (matrixRow + done) * dim),
            to: scratchpad(next + done), rows: min(dim, contracted - done), columns: geometry.channels(of: block))
        }
        next += contracted
      }
    }
  }

  /// Makes the diagonal matrices of depthwise weights from compact taps: the taps times a matrix with a single one at
  /// (c, c) is column c of every tap's diagonal, and a result stride of `dim` puts it into place.
  private mutating func expandDiagonals(
    _ constant: ConstantID, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let taps = slice.taps.count
    let together = blocksTogether(stride: taps)
    writer.configureLoad(.weights, stride: kernel.channels, blockStride: together > 1 ? taps : dim)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      for done in stride(from: 0, to: taps, by: dim) {
        writer.moveIn(
          .weights,
          dram: constantAddress(constant) + UInt64((slice.taps.lowerBound + done) * kernel.channels + first * dim),
          to: scratchpad(layout.taps + (first - blocks.lowerBound) * taps + done), rows: min(dim, taps - done),
          columns: min(kernel.channels, last * dim) - first * dim)
      }
    }
    // The taps of all blocks follow one another, and so do their diagonals: a one-hot matrix serves them all at once.
    writer.configureExecute(sourceStride: 1, resultStride: dim)
    let widest = geometry.channels(of: blocks.lowerBound)
    let narrowest = geometry.channels(of: blocks.upperBound - 1)
    for channel in 0..<widest {
      let rows = taps * (channel < narrowest ? blocks.count : blocks.count - 1)
      for done in stride(from: 0, to: rows, by: dim) {
        writer.compute(
          weights: done == 0 ? scratchpad(layout.oneHot + dim - 1 + channel * dim - channel) : nil, weightRows: widest,
          source: scratchpad(layout.taps + done), result: scratchpad(row + done * dim + channel),
          rows: min(dim, rows - done), columns: widest)
      }
    }
  }

  mutating func loadWindow(image: Int, rows: Range<Int>, columns: Range<Int>, blocks: Range<Int>) {
    let contraction = kernel.contraction!
    let view = contraction.view
    let plane = PlaneLayout(
      pitch: geometry.windowPitch, ring: geometry.tiling.windowRows, firstColumn: columns.lowerBound)
    let together = blocksTogether(stride: layout.windowPlane)
    writer.configureLoad(.pixels, stride: view.pixel, blockStride: together > 1 ? layout.windowPlane : dim)
    let start = inputs[contraction.input].address + UInt64(view.offset + image * view.image)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      let channels = min(contraction.inputChannels, last * dim) - first * dim
      let window = layout.window + (first - blocks.lowerBound) * layout.windowPlane
      for span in pixelSpans(rows, columns, plane, view) {
        for done in stride(from: 0, to: span.count, by: dim) {
          writer.moveIn(
            .pixels, dram: start + UInt64(span.offset + done * view.pixel + first * dim),
            to: scratchpad(window + span.row + done), rows: min(dim, span.count - done), columns: channels)
        }
      }
    }
  }

  /// Spans of pixels that are evenly spaced in DRAM and follow one another in a plane.
  private func pixelSpans(
    _ rows: Range<Int>, _ columns: Range<Int>, _ plane: PlaneLayout, _ view: TileKernel.DRAMView
  ) -> [(offset: Int, row: Int, count: Int)] {
    var spans: [(offset: Int, row: Int, count: Int)] = []
    for y in rows {
      let offset = y * view.row + columns.lowerBound * view.pixel
      let row = plane.row(y, columns.lowerBound)
      if let last = spans.last, last.row + last.count == row, last.offset + last.count * view.pixel == offset {
        spans[spans.count - 1].count += columns.count
      } else {
        spans.append((offset, row, columns.count))
      }
    }
    return spans
  }

  // MARK: Computing

  mutating func accumulate(
    _ tile: OutputTile, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, windowBlocks: Range<Int>
  ) {
    let contraction = kernel.contraction!
    let plane = geometry.inputPlane(tile, slice, resident: places.inputIsResident)
    var transposed = false
    if case .activation(_, let isTransposed) = contraction.weights { transposed = isTransposed }
    writer.configureExecute(sourceStride: contraction.strideColumns, transposeWeights: transposed)
    var taps = Array(slice.taps)
    if let first = overwritingTap, let index = taps.firstIndex(of: first) { taps.swapAt(0, index) }
    // One matrix serves all taps of a sum over a window: it is loaded into the array once.
    var held = false
    for tap in taps {
      let runs = geometry.runs(
        tile, tapRow: tap / contraction.kernelColumns, tapColumn: tap % contraction.kernelColumns, plane: plane)
      for block in blocks {
        let columns = geometry.channels(of: block)
        for inputBlock in geometry.inputBlocks(of: block, in: slice) {
          let contracted = geometry.inputChannels(of: inputBlock)
          let source = sourceRow(inputBlock, windowBlocks, image: tile.image)
          let overwrites = overwritingTap == tap && inputBlock == geometry.inputBlocks(of: block).lowerBound
          for (index, run) in runs.enumerated() {
            let needsWeights = contraction.weights.isShared ? !held : index == 0
            held = true
            writer.compute(
              weights: needsWeights
                ? weightAddress(block, inputBlock, tap, blocks, slice, slot: slot, image: tile.image) : nil,
              weightRows: contracted, source: .scratchpad(source + run.source),
              result: accumulator(
                (block - blocks.lowerBound) * tile.pixels + run.result, accumulate: !overwrites),
              rows: run.count, columns: columns)
          }
        }
      }
    }
    if slice.index == 0 { overwritingTap = nil }
  }

  private func sourceRow(_ inputBlock: Int, _ windowBlocks: Range<Int>, image: Int) -> Int {
    let contraction = kernel.contraction!
    if let resident = inputs[contraction.input].resident, places.inputIsResident {
      return resident.row + inputBlock * resident.pixels + image * contraction.inputRows * contraction.inputColumns
    }
    return base + layout.window + (inputBlock - windowBlocks.lowerBound) * layout.windowPlane
  }

  private func weightAddress(
    _ block: Int, _ inputBlock: Int, _ tap: Int, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int,
    image: Int
  ) -> LocalAddress {
    let contraction = kernel.contraction!
    let slotRow = layout.weights + slot * layout.weightSlotRows
    let tapInSlice = tap - slice.taps.lowerBound
    switch contraction.weights {
    case .ones: return scratchpad(layout.ones)
    case .diagonal:
      return scratchpad(slotRow + ((block - blocks.lowerBound) * slice.taps.count + tapInSlice) * dim)
    case .activation(let input, true):
      if places.weightsAreResident, let resident = inputs[input].resident {
        return .scratchpad(
          resident.row + inputBlock * resident.pixels + image * kernel.channels + block * dim)
      }
      let firstBlock = geometry.inputBlocks(of: block, in: slice).lowerBound
      let outputs = min(kernel.channels, blocks.upperBound * dim) - blocks.lowerBound * dim
      return scratchpad(
        slotRow + (inputBlock - firstBlock) * outputs + (block - blocks.lowerBound) * dim)
    case .activation(let input, false) where places.weightsAreResident:
      let resident = inputs[input].resident!
      return .scratchpad(
        resident.row + block * resident.pixels + image * contraction.inputChannels + inputBlock * dim)
    case .dense, .activation, .packed:
      let before = geometry.weightRows(blocks.lowerBound..<block, slice)
      let firstChannel = geometry.inputBlocks(of: block, in: slice).lowerBound * dim
      return scratchpad(
        slotRow + before + tapInSlice * geometry.contractedChannels(block, slice) + inputBlock * dim - firstChannel)
    }
  }

  // MARK: Finishing a tile

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

  private mutating func addThroughMoves(
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

  private mutating func forEachAddendSpan(
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

  private mutating func addThroughArray(
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
        for (position, run) in runs.enumerated() {
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

  private mutating func store(_ tile: OutputTile, _ block: Int, in blocks: Range<Int>) {
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

  private mutating func configureStore(_ tile: OutputTile, _ block: Int) {
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
  private var paddingNeedsLow: Bool {
    guard let pooling = kernel.store.pooling, kernel.store.low != 0, target.hasOutputStage else { return false }
    return pooling.top > 0 || pooling.left > 0
      || (kernel.store.rows - 1) * pooling.stride - pooling.top + pooling.window > kernel.rows
      || (kernel.store.columns - 1) * pooling.stride - pooling.left + pooling.window > kernel.columns
  }
}

/// Widths of command fields.
enum Limits {
  /// Rows between column blocks (config_ld, bits 31:16).
  static let blockStride = 65535
}
