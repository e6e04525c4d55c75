import SpadixISA

/// The hardware loop of convolutions: five unrollers (bias, weights, input, computes, stores) side by side, each of them
/// on one of two loops. The computes of a loop begin when all its loads are given out, its stores when its computes are.
struct LoopConvUnroller {
  /// One loop as its configuration commands have set it.
  struct Loop {
    var sizes = LoopConvSizes(
      batch: 0, inRows: 0, inChannels: 0, outChannels: 0, outRows: 0, poolOutRows: 0, outCols: 0, stride: 0,
      padding: 0)
    var pooling = LoopConvPooling(
      poolPadding: 0, poolStride: 0, poolSize: 0, poolOutCols: 0, kernel: 0, tileChannels: 0, tileCols: 0,
      tileRows: 0, tileBatches: 0)
    var padding = LoopConvPadding(
      leftPad: 0, kernelChannels: 0, kernelCols: 0, kernelRows: 0, inCols: 0, poolLeftPad: 0, downPad: 0, upPad: 0,
      rightPad: 0)
    var tile = LoopConvTile(
      kernelDilation: 0, poolDownPad: 0, poolUpPad: 0, poolRightPad: 0, outRows: 0, outCols: 0, outStride: 0,
      weightStride: 0, inStride: 0)
    var weights: UInt64 = 0
    var output: UInt64 = 0
    var bias: UInt64 = 0
    var input: UInt64 = 0
    var run = LoopConvRun()
    var shape = LoopConvShape()
    var aStart = 0
    var bEnd = 0
    var biasStart = 0
    var resultStart = 0
    var configured = 0
    var number = 0
  }

  enum Source: Int { case store = 0, execute, bias, weights, input }

  struct Unit {
    var isIdle = true
    /// When it can give out the next command, or when it became idle.
    var ready = 0
    var begun = 0
    var loop = Loop()
    /// Whether configuration stands before, or behind, its moves.
    var isConfiguring = false
    var isEnding = false
    /// Counters, the innermost first.
    var at: (Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0)
    var isCompute = false
    var hasNewWeights = true
    var skipped = 0
  }

  /// Stages between the counters of an unroller and its commands.
  static let latency = 2

  let hardware: Hardware
  let dim: Int
  var setting = Loop()
  private var loops: [Loop] = []
  private var configuredLoops = 0
  private var biasHalf = 0
  private(set) var lastCompleted = -1
  private var units = [Unit](repeating: Unit(), count: 5)
  private var time = 0

  init(_ hardware: Hardware) {
    self.hardware = hardware
    dim = hardware.dim
  }

  private var narrowChannels: Int { max(dim, Hardware.requestBytes) }
  private var wideChannels: Int { max(dim, Hardware.requestBytes / 4) }

  var isBusy: Bool { !loops.isEmpty }
  var isFull: Bool { loops.count == 2 }

  mutating func begin(_ run: LoopConvRun, at time: Int) {
    var loop = setting
    loop.run = run
    loop.shape = LoopConvShape(loop, dim: dim)
    if loop.shape.isEmpty { return }
    let slot = configuredLoops & 1
    let half = hardware.scratchpadRows / 2
    loop.aStart = (run.aHalf == 0 ? slot : run.aHalf - 1) * half
    loop.bEnd = (run.bHalf == 0 ? slot + 1 : run.bHalf) * half
    let accumulatorRows = hardware.accumulatorRows / 2
    loop.biasStart = biasHalf * accumulatorRows
    loop.resultStart = biasHalf * accumulatorRows
    if loop.output != 0 { biasHalf ^= 1 }
    loop.configured = time
    loop.number = configuredLoops
    configuredLoops += 1
    if loops.isEmpty { self.time = time }
    loops.append(loop)
  }

  private func address(_ source: Source, _ loop: Loop) -> UInt64 {
    switch source {
    case .bias: loop.bias
    case .weights: loop.weights
    case .input: loop.input
    case .store: loop.output
    case .execute: 1
    }
  }

  private mutating func settle() {
    var moved = true
    while moved {
      moved = false
      for loop in loops {
        let start = loop.configured + 1
        for source in [Source.bias, .weights, .input] {
          let unit = units[source.rawValue]
          if unit.isIdle && unit.begun == loop.number {
            begin(source, loop, max(start, unit.ready))
            moved = true
          }
        }
        let loads = [Source.bias, .weights, .input].map { units[$0.rawValue] }
        let execute = units[Source.execute.rawValue]
        if execute.isIdle && execute.begun == loop.number && loads.allSatisfy({ $0.begun > loop.number }) {
          begin(.execute, loop, max(start + 1, execute.ready))
          moved = true
        }
        let store = units[Source.store.rawValue]
        if store.isIdle && store.begun == loop.number && units[Source.execute.rawValue].begun > loop.number {
          begin(.store, loop, max(start + 2, store.ready))
          moved = true
        }
      }
      if let head = loops.first,
        units.allSatisfy({ $0.begun > head.number + 1 || ($0.begun == head.number + 1 && $0.isIdle) })
      {
        var end = 0
        for unit in units where unit.begun == head.number + 1 { end = max(end, unit.ready) }
        lastCompleted = max(end, time) + 1
        loops.removeFirst()
        moved = true
      }
    }
  }

  private mutating func begin(_ source: Source, _ loop: Loop, _ time: Int) {
    var unit = units[source.rawValue]
    unit.begun += 1
    unit.loop = loop
    unit.at = (0, 0, 0, 0, 0, 0, 0)
    unit.isCompute = false
    unit.hasNewWeights = true
    unit.isEnding = false
    switch source {
    case .bias, .weights, .input: unit.isConfiguring = true
    case .execute: unit.isConfiguring = loop.run.transposeInput3120
    case .store: unit.isConfiguring = !loop.run.noPool
    }
    if source == .input {
      unit.at.1 = -loop.shape.left
      unit.at.2 = -loop.shape.up
    }
    unit.isIdle = address(source, loop) == 0
    unit.ready = time + 1 + (unit.isIdle ? 0 : Self.latency)
    units[source.rawValue] = unit
  }

  mutating func next(_ accelerator: inout Accelerator) -> (command: Command, time: Int)? {
    settle()
    if loops.isEmpty { return nil }
    var found: (source: Source, time: Int)?
    func consider(_ source: Source, _ ready: Int) {
      let ready = max(ready, time)
      if found == nil || ready < found!.time { found = (source, ready) }
    }
    let execute = units[Source.execute.rawValue]
    let store = units[Source.store.rawValue]
    let storeEntry = accelerator.storeEntryFree()
    if !store.isIdle {
      let before = execute.loop.number != store.loop.number || execute.isIdle
      if before {
        let done = execute.loop.number != store.loop.number ? 0 : execute.ready + Self.latency
        consider(.store, max(store.ready, done, storeEntry.time))
      }
    }
    let loads = [units[Source.bias.rawValue], units[Source.weights.rawValue], units[Source.input.rawValue]]
    let waiting = loads.contains { $0.loop.number == execute.loop.number && !$0.isIdle }
    if !execute.isIdle && !waiting {
      var done = 0
      for load in loads where load.loop.number == execute.loop.number { done = max(done, load.ready + Self.latency) }
      consider(.execute, max(execute.ready, done, accelerator.executeEntryFree()))
    }
    let entry = accelerator.loadEntryFree()
    for source in [Source.bias, .weights, .input] {
      let unit = units[source.rawValue]
      if unit.isIdle { continue }
      // Loads of the next loop wait until those of the loop that computes are all given out.
      if execute.begun > 0 && !execute.isIdle && unit.loop.number != execute.loop.number && waiting { continue }
      consider(source, max(unit.ready, entry))
    }
    guard let (source, ready) = found else { return nil }
    if source == .store && !storeEntry.isKnown {
      accelerator.settleStore()
      return next(&accelerator)
    }
    time = ready + 1
    let command = give(source)
    units[source.rawValue].ready = ready + 1 + units[source.rawValue].skipped
    units[source.rawValue].skipped = 0
    return (command, ready)
  }

  // MARK: Commands

  private func configLoad(_ state: Int, stride: Int, blockStride: Int, pixels: Int = 1) -> Command {
    Command(
      funct: Funct.config,
      rs1: 1 | UInt64(state) << 3 | UInt64(pixels & 0xFF) << 8 | UInt64(blockStride & 0xFFFF) << 16
        | UInt64(Float(1).bitPattern) << 32,
      rs2: UInt64(truncatingIfNeeded: stride))
  }

  private func move(_ funct: UInt8, _ address: UInt64, _ local: LocalAddress, rows: Int, columns: Int) -> Command {
    Command(funct: funct, rs1: address, rs2: LocalTile(local, rows: max(1, rows), columns: max(1, columns)).bits)
  }

  /// Steps a counter; whether it began again.
  @inline(__always)
  private func step(_ counter: inout Int, _ by: Int, _ end: Int, from start: Int = 0) -> Bool {
    counter += by
    if counter < end { return false }
    counter = start
    return true
  }

  private mutating func give(_ source: Source) -> Command {
    switch source {
    case .bias: giveBias(&units[source.rawValue])
    case .weights: giveWeights(&units[source.rawValue])
    case .input: giveInput(&units[source.rawValue])
    case .execute: giveExecute(&units[source.rawValue])
    case .store: giveStore(&units[source.rawValue])
    }
  }

  private func giveBias(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    if unit.isConfiguring {
      unit.isConfiguring = false
      return configLoad(2, stride: 0, blockStride: shape.batches * shape.outRows * shape.outCols)
    }
    let most = min(shape.channels, wideChannels)
    let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let local = loop.biasStart + shape.pixel(batch, row, col, channel)
    let command = move(
      Funct.moveIn3, loop.run.noBias ? 0 : loop.bias &+ UInt64(4 * channel), .accumulator(local),
      rows: min(shape.outCols - col, dim), columns: min(shape.channels - channel, most))
    if step(&unit.at.0, most, shape.channels) && step(&unit.at.1, dim, shape.outCols)
      && step(&unit.at.2, 1, shape.outRows) && step(&unit.at.3, 1, shape.batches)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveWeights(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let kernel = loop.pooling.kernel
    let transposed = loop.run.transposeWeights0132
    if unit.isConfiguring {
      unit.isConfiguring = false
      let stride =
        loop.run.depthwise
        ? 1
        : loop.run.transposeWeights1203
          ? kernel * kernel * loop.sizes.outChannels
          : transposed ? loop.sizes.inChannels : loop.tile.weightStride
      return configLoad(
        1, stride: stride,
        blockStride: shape.kernelRows * shape.kernelCols * (transposed ? shape.channels : shape.kernelChannels))
    }
    let most = min(transposed ? shape.kernelChannels : shape.channels, narrowChannels)
    let (channel, col, row, out) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let offset: Int
    if loop.run.depthwise {
      offset = row * kernel + col
    } else if loop.run.transposeWeights1203 {
      offset = ((channel * kernel + row) * kernel + col) * loop.sizes.outChannels + out
    } else if transposed {
      offset = ((row * kernel + col) * loop.sizes.outChannels + out) * loop.sizes.inChannels + channel
    } else {
      offset = ((row * kernel + col) * loop.sizes.inChannels + channel) * loop.tile.weightStride + out
    }
    let local = loop.bEnd - shape.weightRows + shape.weight(out, row, col, channel)
    let command = move(
      Funct.moveIn2, loop.weights &+ UInt64(truncatingIfNeeded: offset), .scratchpad(local),
      rows: transposed ? min(shape.channels - out, dim) : min(shape.kernelChannels - channel, dim),
      columns: transposed ? min(shape.kernelChannels - channel, most) : min(shape.channels - out, most))
    if step(&unit.at.0, transposed ? most : dim, shape.kernelChannels) && step(&unit.at.1, 1, shape.kernelCols)
      && step(&unit.at.2, 1, shape.kernelRows) && step(&unit.at.3, transposed ? dim : most, shape.channels)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveInput(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let transposed = loop.run.transposeInput3120
    let down = loop.run.downsample ? 1 : 0
    if unit.isConfiguring {
      unit.isConfiguring = false
      return configLoad(
        0, stride: (transposed ? loop.sizes.batch : loop.tile.inStride) << down, blockStride: shape.inputStride,
        pixels: shape.pixels)
    }
    let most = min(transposed ? shape.batches : shape.kernelChannels, narrowChannels)
    let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let isZero = row < 0 || row >= shape.inRowsUnpadded || col < 0 || col >= shape.inColsUnpadded
    let rows: Int
    if col < 0 {
      rows = min(-col, dim)
    } else if col >= shape.inColsUnpadded {
      rows = min(shape.inColsUnpadded + shape.right - col, dim)
    } else {
      rows = min(shape.inColsUnpadded - col, dim << down)
    }
    let offset =
      transposed
      ? ((channel * loop.padding.inCols * loop.sizes.inRows) + row * loop.padding.inCols + col) * shape.batches + batch
      : ((batch * loop.sizes.inRows + row) * loop.padding.inCols + col) * loop.tile.inStride + channel
    let local = loop.aStart + shape.input(batch, channel, row + shape.up, col + shape.left)
    let command = move(
      Funct.moveIn, isZero ? 0 : loop.input &+ UInt64(truncatingIfNeeded: offset), .scratchpad(local),
      rows: rows >> down,
      columns: transposed ? min(shape.batches - batch, most) : min(shape.kernelChannels - channel, most))
    if step(&unit.at.0, transposed ? 1 : most, shape.kernelChannels)
      && step(&unit.at.1, max(1, rows), shape.inColsUnpadded + shape.right, from: -shape.left)
      && step(&unit.at.2, 1 << down, shape.inRowsUnpadded + shape.down, from: -shape.up)
      && step(&unit.at.3, transposed ? most : 1, shape.batches)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveExecute(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let transposed = loop.run.transposeInput3120
    if unit.isConfiguring {
      unit.isConfiguring = false
      return Command(
        funct: Funct.config, rs1: 1 << 7 | UInt64(shape.inRows * shape.inCols & 0xFFFF) << 16,
        rs2: UInt64(shape.outRows * shape.outCols & 0xFFFF) << 48)
    }
    let (col, row, batch, channel, kernelCol, kernelRow, out) = unit.at
    let depth = min(shape.kernelCols - kernelCol, shape.pixels) * min(shape.kernelChannels - channel, dim)
    let rows =
      transposed ? min(shape.batches - batch, dim) : shape.halved(min(shape.outCols - col, shape.columnReach(dim)))
    let columns = min(shape.channels - out, dim)
    if !unit.isCompute {
      unit.isCompute = true
      let rotated = loop.run.rotate180
      let weights =
        loop.bEnd - shape.weightRows
        + shape.weight(
          out, rotated ? shape.kernelRows - 1 - kernelRow : kernelRow,
          rotated ? shape.kernelCols - 1 - kernelCol : kernelCol, channel)
      return Command(
        funct: Funct.preload,
        rs1: LocalTile(unit.hasNewWeights ? .scratchpad(weights) : .garbage, rows: depth, columns: columns).bits,
        rs2: LocalTile(
          .accumulator(loop.resultStart + shape.pixel(batch, row, col, out), accumulate: true), rows: rows,
          columns: columns
        ).bits)
    }
    let operand = shape.input(
      batch, channel, shape.halved(row * shape.stride + kernelRow * shape.dilation),
      shape.halved(col * shape.stride + kernelCol * shape.dilation))
    let command = Command(
      funct: unit.hasNewWeights ? Funct.computePreloaded : Funct.computeAccumulated,
      rs1: LocalTile(.scratchpad(loop.aStart + operand), rows: rows, columns: depth).bits,
      rs2: LocalTile.garbage(rows: rows, columns: columns).bits)
    unit.isCompute = false
    unit.hasNewWeights = false
    advance(&unit, shape, transposed)
    // Each position that is left out takes two cycles, one for the preload and one for the compute.
    while !unit.isIdle && shape.skips(unit.at.5, unit.at.4, unit.at.1, unit.at.0) {
      unit.skipped += 2
      advance(&unit, shape, transposed)
    }
    return command
  }

  private func advance(_ unit: inout Unit, _ shape: LoopConvShape, _ transposed: Bool) {
    let columnStep =
      transposed || shape.skips(unit.at.5, unit.at.4, unit.at.1, unit.at.0) ? 1 : shape.columnReach(dim)
    let pixelsEnd =
      step(&unit.at.0, columnStep, shape.outCols) && step(&unit.at.1, 1, shape.outRows)
      && step(&unit.at.2, transposed ? dim : 1, shape.batches)
    if !pixelsEnd { return }
    unit.hasNewWeights = true
    if step(&unit.at.3, dim, shape.kernelChannels) && step(&unit.at.4, shape.pixels, shape.kernelCols)
      && step(&unit.at.5, 1, shape.kernelRows) && step(&unit.at.6, dim, shape.channels)
    {
      unit.isIdle = true
    }
  }

  private func giveStore(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let pooling = loop.pooling
    if unit.isConfiguring || unit.isEnding {
      var rs1: UInt64 = 2 | UInt64(loop.run.activation & 3) << 2
      if unit.isConfiguring {
        rs1 |= UInt64(pooling.poolStride & 3) << 4 | UInt64(pooling.poolSize & 3) << 6
        rs1 |= UInt64(loop.tile.poolUpPad & 3) << 8 | UInt64(loop.padding.poolLeftPad & 3) << 10
        rs1 |= UInt64(pooling.poolOutCols & 0xFF) << 24 | UInt64(pooling.tileRows & 0xFF) << 32
        rs1 |= UInt64(pooling.tileCols & 0xFF) << 40 | UInt64(shape.outRows & 0xFF) << 48
        rs1 |= UInt64(shape.outCols & 0xFF) << 56
      } else {
        unit.isIdle = true
      }
      unit.isConfiguring = false
      return Command(
        funct: Funct.config, rs1: rs1, rs2: UInt64(loop.tile.outStride) | UInt64(Float(1).bitPattern) << 32)
    }
    if loop.run.noPool {
      let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
      let offset =
        loop.run.transposeOutput1203
        ? ((row * loop.sizes.outCols + col) * loop.sizes.batch + batch) * loop.sizes.outChannels + channel
        : ((batch * loop.sizes.outRows + row) * loop.sizes.outCols + col) * loop.tile.outStride + channel
      let command = move(
        Funct.moveOut, loop.output &+ UInt64(truncatingIfNeeded: offset),
        .accumulator(loop.resultStart + shape.pixel(batch, row, col, channel)), rows: min(shape.outCols - col, dim),
        columns: min(shape.channels - channel, dim))
      if step(&unit.at.0, dim, shape.channels) && step(&unit.at.1, dim, shape.outCols)
        && step(&unit.at.2, 1, shape.outRows) && step(&unit.at.3, 1, shape.batches)
      {
        unit.isIdle = true
      }
      return command
    }
    let (channel, batch) = (unit.at.0, unit.at.1)
    let offset = batch * pooling.poolOutCols * loop.sizes.poolOutRows * loop.tile.outStride + channel
    let command = move(
      Funct.moveOut, loop.output &+ UInt64(truncatingIfNeeded: offset),
      .accumulator(loop.resultStart + shape.pixel(batch, 0, 0, channel)), rows: 1,
      columns: min(shape.channels - channel, dim))
    if step(&unit.at.0, dim, shape.channels) && step(&unit.at.1, 1, shape.batches) { unit.isEnding = true }
    return command
  }
}
