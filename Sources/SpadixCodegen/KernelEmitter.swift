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
  let geometry: KernelGeometry
  let kernel: TileKernel
  let layout: KernelLayout
  let places: KernelPlaces
  let base: Int
  let inputs: [OperandLocation]
  let output: OperandLocation
  let constantAddress: (ConstantID) -> UInt64
  /// Diagonal matrices of identity terms, made by the program emitter: per term, one constant.
  let identityMatrices: [ConstantID?]
  let identityMatrix: ConstantID?
  let dim: Int
  var writer: CommandWriter

  var accumulatorBase = 0
  private var hasBegun = false
  /// The part of the tile's sum that starts it by overwriting; nil when the tile was started from a bias or zeros.
  var overwritingTap: Int?
  var identityOverwrites = false
  var matricesHeld: Range<Int>?

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

  var target: Target { writer.target }

  mutating func run() {
    for (index, input) in inputs.enumerated() where input.resident == nil || streams(index) {
      writer.willRead(buffer: input.buffer)
    }
    if !places.outputIsResident { writer.willWrite(buffer: output.buffer) }
    writer.expectPooling(kernel.store.pooling != nil)
    prologue()
    KernelWalk(
      geometry: geometry, inputIsResident: places.inputIsResident, weightsAreResident: places.weightsAreResident
    ).run(&self)
  }

  func streams(_ input: Int) -> Bool {
    if let contraction = kernel.contraction {
      if contraction.input == input && !places.inputIsResident { return true }
      if case .activation(let weights, _) = contraction.weights, weights == input, !places.weightsAreResident {
        return true
      }
    }
    return kernel.identities.enumerated().contains { $1.input == input && !places.identityIsResident[$0] }
  }

  func scratchpad(_ row: Int) -> LocalAddress { .scratchpad(base + row) }

  func accumulator(_ row: Int, accumulate: Bool) -> LocalAddress {
    .accumulator(accumulatorBase + row, accumulate: accumulate)
  }

  /// Column blocks that one load may bring, when they lie `stride` rows apart.
  func blocksTogether(stride: Int) -> Int { stride <= Limits.blockStride ? target.maxBlockLength : 1 }

  // MARK: Constants of the kernel

  mutating func prologue() {
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
  mutating func loadMatrix(_ constant: ConstantID, index: Int, to row: Int) {
    writer.configureLoad(.weights, stride: dim, blockStride: dim)
    writer.moveIn(
      .weights, dram: constantAddress(constant) + UInt64(index * dim * dim), to: scratchpad(row), rows: dim,
      columns: dim)
  }

  mutating func loadOneHotRows(_ identity: ConstantID) {
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
    // What hardware knows about a pooled store that reaches the upper half, it knows by rows of the lower.
    let staysLow = writer.hasOpenStore && !hasBegun
    hasBegun = true
    accumulatorBase = rows <= half && accumulatorBase == 0 && !staysLow ? half : 0
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

  mutating func loadBias(_ bias: TileKernel.Bias, _ tile: OutputTile, _ blocks: Range<Int>) {
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
          for (index, run) in ordered(runs, in: (block - blocks.lowerBound) * tile.pixels, tile).enumerated() {
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

  /// Computes of a pooled tile that reaches into the next accumulator bank end in the bank where its store begins: the
  /// hardware waits for these, and they are complete after all before them.
  func ordered(_ runs: [PixelRun], in plane: Int, _ tile: OutputTile) -> [PixelRun] {
    let first = accumulatorBase + plane
    let bank = target.accumulatorRowsPerBank
    let end = (first / bank + 1) * bank
    guard target.faults.rangeOrder, kernel.store.pooling != nil, first + tile.pixels > end else { return runs }
    func isSeen(_ run: PixelRun) -> Bool { first + run.result < end }
    guard let last = runs.lastIndex(where: { isSeen($0) && $0.count == dim }) ?? runs.lastIndex(where: isSeen)
    else { return runs }
    var ordered = runs
    ordered.append(ordered.remove(at: last))
    return ordered
  }

  func sourceRow(_ inputBlock: Int, _ windowBlocks: Range<Int>, image: Int) -> Int {
    let contraction = kernel.contraction!
    if let resident = inputs[contraction.input].resident, places.inputIsResident {
      return resident.row + inputBlock * resident.pixels + image * contraction.inputRows * contraction.inputColumns
    }
    return base + layout.window + (inputBlock - windowBlocks.lowerBound) * layout.windowPlane
  }

  func weightAddress(
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
}

/// Widths of command fields.
enum Limits {
  /// Rows between column blocks (config_ld, bits 31:16).
  static let blockStride = 65535
}
