import SpadixISA
import SpadixKernel
import SpadixSupport

/// Where a tensor that a tile program moves is.
struct OperandLocation {
  /// Number of the buffer that it lies in, for the order of transfers.
  var buffer: Int
  /// First byte in DRAM.
  var address: UInt64
  /// How its pixels lie there.
  var rows: DRAMRows
  /// First scratchpad row, when it is resident.
  var row: Int?
}

/// Emits the commands of a tile program: gives its buffers rows and its operands addresses, and cuts transfers and
/// products into commands.
struct TileEmitter {
  let program: TileProgram
  let inputs: [OperandLocation]
  let output: OperandLocation
  let constantAddress: [UInt64]
  let dim: Int
  var writer: CommandWriter
  private let sums: BufferID
  /// First row of each slot of each buffer.
  private let firstRows: [[Int]]
  private var hasBegun = false
  /// Whether products of a tile with start values of its own come next.
  private var startsTile = false
  /// Whether slot 0 of the sums is the upper half of the accumulator.
  private var swapsHalves = false

  /// - Parameters:
  ///   - workingRow: the first row of the program's own block of the scratchpad.
  ///   - rows: the first rows of the block's parts, slot by slot, where these lie each by itself.
  ///   - inputs: by position, as the program's operands name them.
  init(
    _ program: TileProgram, workingRow: Int, rows: [Int]?, inputs: [OperandLocation], output: OperandLocation,
    constantAddress: [UInt64], writer: CommandWriter
  ) {
    self.program = program
    self.inputs = inputs
    self.output = output
    self.constantAddress = constantAddress
    self.writer = writer
    dim = writer.target.dim
    sums = BufferID(program.buffers.firstIndex { $0.contents == .sums } ?? 0)
    var next = workingRow
    var parts = rows.map { $0[...] }
    firstRows = program.buffers.map { buffer in
      switch buffer.tensor {
      case .input(let index): return [inputs[index].row!]
      case .output: return [output.row!]
      case .constant, nil: break
      }
      return (0..<buffer.slots).map { slot in
        if buffer.contents == .sums { return slot * buffer.rows }
        if let place = buffer.place(ofSlot: slot) { return workingRow + place.lowerBound }
        if let part = parts?.popFirst() { return part }
        defer { next += buffer.rows }
        return next
      }
    }
  }

  private var target: Target { writer.target }

  mutating func run() {
    writer.forgetTable()
    for input in program.reads { writer.willRead(buffer: inputs[input].buffer) }
    if program.writes { writer.willWrite(buffer: output.buffer) }
    if let sums = program.sums { writer.expectPooling(sums.store.pooling != nil) }
    for operation in program.operations {
      switch operation {
      case .begin(let tile): begin(tile)
      case .load(let transfer): load(transfer)
      case .zero(let zero): self.zero(zero)
      case .bias(let bias): loadBias(bias.tile, adds: bias.adds)
      case .diagonals(let diagonals): expand(diagonals)
      case .multiply(let product): multiply(product)
      case .store(let transfer): store(transfer)
      case .copy(let copy): self.copy(copy)
      // Between commands: the program emitter's.
      case .host: break
      }
    }
  }

  // MARK: Places

  /// Rows beyond a slot of the scratchpad are in the slots behind it, wherever these lie.
  private func row(_ place: LocalPlace) -> Int {
    let buffer = program.buffers[place.buffer]
    if buffer.slots == 1 || buffer.rows == 0 || buffer.contents == .sums || place.row < buffer.rows {
      return firstRow(ofSlot: place) + place.row
    }
    var place = place
    place.slot += place.row / buffer.rows
    place.row %= buffer.rows
    return firstRow(ofSlot: place) + place.row
  }

  private func firstRow(ofSlot place: LocalPlace) -> Int {
    let buffer = program.buffers[place.buffer]
    let slot = buffer.contents == .sums && swapsHalves ? 1 - place.slot : place.slot
    return firstRows[place.buffer.index][slot]
  }

  private func isSums(_ place: LocalPlace) -> Bool { program.buffers[place.buffer].contents == .sums }

  /// - Parameter accumulate: whether sums are added to.
  private func address(_ place: LocalPlace, plus rows: Int = 0, accumulate: Bool = false) -> LocalAddress {
    var place = place
    place.row += rows
    return isSums(place) ? .accumulator(row(place), accumulate: accumulate) : .scratchpad(row(place))
  }

  /// The first row of a tile's sums.
  private func firstRow(_ tile: SumTile) -> Int { row(LocalPlace(sums, slot: tile.slot)) }

  private func loadState(_ place: LocalPlace) -> CommandWriter.LoadState {
    switch program.buffers[place.buffer].contents {
    case .pixels: .pixels
    case .weights: .weights
    case .sums: .accumulator
    }
  }

  /// The address of a byte of an operand.
  private func dram(_ operand: TileOperand, _ offset: Int) -> UInt64 {
    switch operand {
    case .input(let index): inputs[index].address + UInt64(inputs[index].rows.offset(offset))
    case .output: output.address + UInt64(output.rows.offset(offset))
    case .constant(let constant): constantAddress[constant.index] + UInt64(offset)
    }
  }

  /// Bytes between rows that are `stride` bytes apart where an operand's pixels have no gaps.
  private func pitch(_ stride: Int, of operand: TileOperand) -> Int {
    switch operand {
    case .input(let index): inputs[index].rows.stride(stride)
    case .output: output.rows.stride(stride)
    case .constant: stride
    }
  }

  // MARK: Starting a tile

  private mutating func begin(_ tile: SumTile) {
    // What hardware knows about a pooled store that reaches the upper half, it knows by rows of the lower.
    if !hasBegun { swapsHalves = writer.hasOpenStore }
    hasBegun = true
    if tile.sumRows > program.buffers[sums].rows { swapsHalves = false }
  }

  private mutating func zero(_ zero: TileZero) {
    let state = loadState(zero.local)
    writer.configureLoad(state, stride: state == .accumulator ? 0 : dim, blockStride: dim)
    for line in 0..<zero.lines {
      for row in stride(from: 0, to: zero.rows, by: dim) {
        writer.zero(
          state, address(zero.local, plus: line * zero.linePitch + row), rows: min(dim, zero.rows - row), columns: dim)
      }
    }
  }

  private mutating func loadBias(_ tile: SumTile, adds: Bool) {
    guard let image = program.sums, let bias = image.bias else { return }
    if !adds { startsTile = tile.sumRows <= program.buffers[sums].rows }
    // Stride 0 repeats one row of biases over the run.
    writer.configureLoad(.accumulator, stride: 0, blockStride: dim)
    let runs = bias.runs(rows: tile.rows, columns: tile.columns, dim: dim)
    let start = constantAddress[bias.constant.index]
    for block in tile.blocks {
      let first = firstRow(tile) + tile.row(of: block)
      for run in runs {
        if run.isZero {
          if adds { continue }
          writer.zero(
            .accumulator, .accumulator(first + run.result, accumulate: false), rows: run.count,
            columns: image.channels(of: block, dim: dim))
          continue
        }
        if run.count > 1 {
          writer.configureLoad(
            .accumulator, stride: ElementWidth.accumulator * run.distance * image.channels, blockStride: dim)
        }
        let entry = (run.rowClass * bias.columnClasses + run.columnClass) * image.channels + block * dim
        writer.moveIn(
          .accumulator, dram: start + UInt64(ElementWidth.accumulator * entry),
          to: .accumulator(first + run.result, accumulate: adds), rows: run.count,
          columns: image.channels(of: block, dim: dim))
      }
    }
  }

  // MARK: Transfers

  private mutating func load(_ load: TileLoad) {
    let transfer = load.transfer
    let state = loadState(transfer.local)
    let together = transfer.blockStride <= ConfigLoad.maximumBlockStride ? target.maxBlockLength : 1
    writer.configureLoad(
      state, stride: pitch(transfer.rowStride, of: transfer.operand),
      blockStride: together > 1 ? transfer.blockStride : dim, shrunk: state == .accumulator)
    var slot = transfer.local
    slot.row = 0
    let buffer = program.buffers[slot.buffer]
    var spans = transfer.spans[...]
    while let first = spans.first {
      // Parts of a ring, slot by slot.
      let rows = max(1, buffer.rows)
      let index = first.row / rows
      let part = transfer.partLines > 0 ? spans.prefix { $0.row / rows == index } : spans
      spans = spans.dropFirst(part.count)
      let firstCommand = writer.count
      move(in: load, part, together: together, state)
      if buffer.slots > 1 && state != .accumulator {
        var place = slot
        if transfer.partLines > 0 { place.slot += index }
        let row = firstRow(ofSlot: place)
        writer.filledSlot(row..<row + buffer.rows, since: firstCommand)
      }
    }
  }

  private mutating func move(
    in load: TileLoad, _ spans: ArraySlice<Transfer.Span>, together: Int, _ state: CommandWriter.LoadState
  ) {
    let transfer = load.transfer
    var slot = transfer.local
    slot.row = 0
    for column in stride(from: 0, to: transfer.columns, by: together * dim) {
      let columns = min(together * dim, transfer.columns - column)
      let plane = column / dim * transfer.blockStride
      for span in spans {
        for done in stride(from: 0, to: span.count, by: dim) {
          writer.moveIn(
            state, dram: dram(transfer.operand, span.offset + done * transfer.rowStride + column),
            to: address(slot, plus: plane + span.row + done, accumulate: load.adds),
            rows: min(dim, span.count - done), columns: columns)
        }
      }
    }
  }

  private mutating func store(_ store: TileStore) {
    let transfer = store.transfer
    if let sums = store.sums {
      configureStore(sums.tile, sums.block)
    } else {
      writer.configureStore(ConfigStore(stride: pitch(transfer.rowStride, of: transfer.operand)))
    }
    if store.sums != nil && program.sums?.store.pooling != nil {
      // One command for the whole tile: it names one row.
      var store = store
      // One line, which needs no start of its own.
      store.resident?.row += store.starts.first ?? 0
      move(out: store, offset: transfer.offset, row: transfer.local.row, count: 1)
      return
    }
    if let resident = store.resident, !store.starts.isEmpty {
      for (line, start) in store.starts.enumerated() {
        var place = transfer.local
        place.row += line * transfer.linePitch
        for done in stride(from: 0, to: transfer.rows, by: dim) {
          writer.moveOutScratchpad(
            to: row(resident) + start + done, from: address(place, plus: done),
            rows: min(dim, transfer.rows - done), columns: transfer.columns)
        }
      }
      return
    }
    for span in transfer.spans {
      for done in stride(from: 0, to: span.count, by: dim) {
        move(
          out: store, offset: span.offset + done * transfer.rowStride, row: span.row + done,
          count: min(dim, span.count - done))
      }
    }
  }

  /// - Parameters:
  ///   - offset: of the first row in DRAM.
  ///   - row: the first row of the slot.
  private mutating func move(out store: TileStore, offset: Int, row first: Int, count: Int) {
    let transfer = store.transfer
    var place = transfer.local
    place.row = first
    if let resident = store.resident {
      let pixel = (offset - transfer.offset) / transfer.rowStride
      writer.moveOutScratchpad(
        to: row(resident) + pixel, from: address(place), rows: count, columns: transfer.columns)
    } else {
      writer.moveOut(
        dram: dram(transfer.operand, offset), from: address(place), rows: count, columns: transfer.columns)
    }
  }

  private mutating func configureStore(_ tile: SumTile, _ block: Int) {
    guard let image = program.sums else { return }
    let output = image.store.output
    var config = ConfigStore(stride: pitch(image.channels, of: .output), scale: output.scales[0])
    if let pooling = image.store.pooling {
      config.pooling = Pooling(
        window: pooling.window, stride: pooling.stride,
        upPad: max(0, pooling.top - tile.storedRows.lowerBound * pooling.stride),
        leftPad: max(0, pooling.left - tile.storedColumns.lowerBound * pooling.stride),
        // The pitch of the stored image is only read where a tile has several rows.
        outDim: tile.storedRows.count == 1 ? tile.storedColumns.count : image.store.columns,
        outRows: tile.storedRows.count, outCols: tile.storedColumns.count, inRows: tile.rows.count,
        inCols: tile.columns.count)
    }
    let isPlain =
      output.zeroPoint == 0 && image.store.scaleConstant == nil && image.store.tableConstant == nil
      && image.store.pair == nil
    if isPlain && output.low == 0 && output.high == 127 { config.activation = .relu }
    // Pixels outside the image count as 0 for a plain store, as the low bound after `config_output`. Where there is no
    // such command, lowering leaves only pooling of values that are not negative, for which 0 is right.
    let paddingNeedsLow = output.low != 0 && target.hasOutputStage && image.poolsBeyondBorders
    if isPlain && output.high == 127 && (output.low == 0 || output.low == -128) && !paddingNeedsLow {
      writer.configureStore(config)
      return
    }
    let stage = CommandWriter.StoreStage(
      output: ConfigOutput(
        zeroPoint: image.store.pair?.isUnsigned == true ? -128 : Int8(output.zeroPoint), low: Int8(output.low),
        high: Int8(output.high),
        usesTable: image.store.tableConstant != nil),
      scales: image.store.scaleConstant.map {
        (
          constantAddress[$0.index] + UInt64(image.store.channelBytes * block * dim),
          image.channels(of: block, dim: dim), image.store.hasBiases
        )
      },
      table: image.store.tableConstant.map { constantAddress[$0.index] },
      pair: image.store.pair.map { pair in
        ConfigOutputPair(
          isProduct: pair.function == .product, isUnsigned: pair.isUnsigned, zeroPointA: Int8(pair.zeroPoints[0]),
          zeroPointB: Int8(pair.zeroPoints[1]), factorA: pair.factors[0], factorB: pair.factors[1], offset: pair.offset)
      })
    writer.configureOutput(config, stage)
  }

  private mutating func copy(_ copy: TileCopy) {
    let buffer = program.buffers[copy.local.buffer]
    writer.configureLoad(.pixels, stride: pitch(copy.stride, of: copy.operand), blockStride: dim)
    writer.configureStore(ConfigStore(stride: pitch(copy.outputStride, of: .output)))
    let width = TileCopy.width(slotRows: buffer.rows)
    var place = copy.local
    for column in stride(from: 0, to: copy.columns, by: width) {
      let columns = min(width, copy.columns - column)
      for row in stride(from: 0, to: copy.rows, by: dim) {
        let rows = min(dim, copy.rows - row)
        let local = address(place)
        place.slot = (place.slot + 1) % buffer.slots
        writer.moveIn(
          .pixels, dram: dram(copy.operand, copy.offset + row * copy.stride + column), to: local, rows: rows,
          columns: columns)
        writer.moveOut(
          dram: dram(.output, copy.outputOffset + row * copy.outputStride + column), from: local, rows: rows,
          columns: columns)
      }
    }
  }

  // MARK: Products

  private mutating func multiply(_ product: TileMultiply) {
    guard let image = program.sums else { return }
    let window = program.windows[product.window]
    let tile = product.tile
    writer.configureExecute(
      sourceStride: window.sourceStride(product.source.plane), resultStride: window.columnPixels,
      transposeWeights: product.weights.isTransposed)
    if startsTile { writer.startTile() }
    startsTile = false
    let result = firstRow(tile)
    var source = product.source.place
    source.row = 0
    let weights = firstRow(ofSlot: product.weights.place)
    var isHeld = false
    for tap in product.orderedTaps(window) {
      let runs = window.runs(
        rows: tile.rows, columns: tile.columns, tap: tap, plane: product.source.plane, dim: dim,
        least: target.leastComputeRows)
      for block in product.blocks {
        let columns = image.channels(of: block, dim: dim)
        let first = result + tile.row(of: block)
        let ordered = ordered(runs, first: first, pixels: tile.pixels)
        let inputs = product.inputs(of: block)
        for input in inputs {
          let contracted = window.channels(of: input, dim: dim)
          let replaces = product.starts(tap, window) && input == inputs.lowerBound
          let matrix = weights + product.weightRow(block: block, tap: tap, input: input)
          let plane = product.sourceRow(input: input)
          for (index, run) in ordered.enumerated() {
            let needsWeights = product.weights.isShared ? !isHeld : index == 0
            isHeld = true
            writer.compute(
              weights: needsWeights ? .scratchpad(matrix) : nil, weightRows: contracted,
              source: address(source, plus: plane + run.source),
              result: .accumulator(first + run.result, accumulate: !replaces), rows: run.count, columns: columns)
          }
        }
      }
    }
  }

  /// Computes of a pooled tile that reaches into the next accumulator bank end in the bank where its store begins: the
  /// hardware waits for these, and they are complete after all before them.
  private func ordered(_ runs: [PixelRun], first: Int, pixels: Int) -> [PixelRun] {
    guard target.faults.rangeOrder, program.sums?.store.pooling != nil else { return runs }
    let bank = target.accumulatorRowsPerBank
    let end = (first / bank + 1) * bank
    guard first + pixels > end else { return runs }
    func isSeen(_ run: PixelRun) -> Bool { first + run.result < end }
    guard let last = runs.lastIndex(where: { isSeen($0) && $0.count == dim }) ?? runs.lastIndex(where: isSeen)
    else { return runs }
    var ordered = runs
    ordered.append(ordered.remove(at: last))
    return ordered
  }

  /// The taps times a one-hot matrix are a column of every tap's diagonal, and a result stride of `dim` puts it into
  /// place.
  private mutating func expand(_ diagonals: TileDiagonals) {
    guard let image = program.sums else { return }
    // The taps of all blocks follow one another, and so do their diagonals: a one-hot matrix serves them all at once.
    writer.configureExecute(sourceStride: 1, resultStride: dim)
    let blocks = diagonals.blocks
    let widest = image.channels(of: blocks.lowerBound, dim: dim)
    let narrowest = image.channels(of: blocks.upperBound - 1, dim: dim)
    for channel in 0..<widest {
      let rows = diagonals.taps * (channel < narrowest ? blocks.count : blocks.count - 1)
      for done in stride(from: 0, to: rows, by: dim) {
        writer.compute(
          weights: done == 0 ? address(diagonals.oneHot, plus: dim - 1 + channel * dim - channel) : nil,
          weightRows: widest, source: address(diagonals.compact, plus: done),
          result: address(diagonals.matrices, plus: done * dim + channel), rows: min(dim, rows - done), columns: widest)
      }
    }
  }
}
