/// Places the low `width` bits of a value at bit `low`.
@inline(__always)
func place(_ value: Int, _ low: UInt64, _ width: UInt64) -> UInt64 {
  (UInt64(truncatingIfNeeded: value) & ((1 << width) - 1)) << low
}

@inline(__always)
func place(_ flag: Bool, _ low: UInt64) -> UInt64 { flag ? 1 << low : 0 }

@inline(__always)
func place(_ value: Float, _ low: UInt64) -> UInt64 { UInt64(value.bitPattern) << low }

extension Instruction {
  /// The command as the port carries it. Values wider than their field lose their upper bits.
  public var command: Command {
    switch self {
    case .configExecute(let config):
      let flags =
        UInt64(config.dataflow.rawValue) << 2 | UInt64(config.activation.rawValue) << 3
        | place(config.setOnlyStrides, 7) | place(config.transposeA, 8) | place(config.transposeB, 9)
      return Command(
        funct: Funct.config,
        rs1: flags | place(config.aStride, 16, 16) | place(config.accumulatorScale, 32),
        rs2: place(config.shift, 0, 32) | place(config.cStride, 48, 16))
    case .configLoad(let config):
      let flags = 1 | place(config.shrunk, 2) | place(config.state, 3, 2) | place(config.pixelRepeats, 8, 8)
      return Command(
        funct: Funct.config, rs1: flags | place(config.blockStride, 16, 16) | place(config.scale, 32),
        rs2: UInt64(truncatingIfNeeded: config.stride))
    case .configStore(let config):
      var rs1 = 2 | UInt64(config.activation.rawValue) << 2
      if let pooling = config.pooling { rs1 |= pooling.bits }
      return Command(
        funct: Funct.config, rs1: rs1, rs2: place(config.stride, 0, 32) | place(config.scale, 32))
    case .configNorm(let config):
      let flags =
        3 | place(config.statistics, 8, 8) | place(config.softmax, 16) | place(config.setOnlyStatistics, 17)
        | place(config.constantIsInverse, 18)
      return Command(
        funct: Funct.config, rs1: flags | place(Int(config.constant), 32, 32),
        rs2: place(Int(config.b), 0, 32) | place(Int(config.c), 32, 32))
    case .configOutput(let config):
      return Command(
        funct: Funct.configOutput,
        rs1: place(Int(config.zeroPoint), 0, 8) | place(Int(config.low), 8, 8) | place(Int(config.high), 16, 8)
          | place(config.usesTable, 24))
    case .configOutputScales(let dram, let count, let biases):
      return Command(funct: Funct.configOutputScales, rs1: dram, rs2: place(count, 0, 16) | place(biases, 16))
    case .configOutputTable(let dram):
      return Command(funct: Funct.configOutputTable, rs1: dram)
    case .configOutputPair(let config):
      return Command(
        funct: Funct.configOutputPair,
        rs1: place(config.isProduct, 0) | place(config.isUnsigned, 1) | place(Int(config.zeroPointA), 8, 8)
          | place(Int(config.zeroPointB), 16, 8) | place(config.offset, 32),
        rs2: place(config.factorA, 0) | place(config.factorB, 32))
    case .moveIn(let state, let dram, let local):
      return Command(funct: Self.moveInFunct(state), rs1: dram, rs2: local.bits)
    case .moveOut(let dram, let local):
      return Command(funct: Funct.moveOut, rs1: dram, rs2: local.bits)
    case .moveOutScratchpad(let destination, let stride, let source):
      return Command(
        funct: Funct.moveOutScratchpad, rs1: UInt64(destination.bits) | place(stride, 32, 32), rs2: source.bits)
    case .preload(let weights, let result):
      return Command(funct: Funct.preload, rs1: weights.bits, rs2: result.bits)
    case .compute(let preloaded, let a, let bias):
      return Command(
        funct: preloaded ? Funct.computePreloaded : Funct.computeAccumulated, rs1: a.bits, rs2: bias.bits)
    case .flush(let skip):
      return Command(funct: Funct.flush, rs1: skip ? 1 : 0)
    case .fence:
      return Command(funct: Funct.fence)
    case .counter(let counter):
      let flags =
        place(counter.reset, 0) | place(counter.snapshotReset, 1) | place(counter.snapshotTake, 2)
        | place(counter.configure, 3)
      return Command(
        funct: Funct.counter,
        rs1: flags | place(counter.index, 4, 3) | place(counter.event, 12, 6) | place(counter.external, 31))
    case .clockGate(let enable):
      return Command(funct: Funct.clockGate, rs1: enable ? 1 : 0)
    case .loopMatmul(let command):
      return command.command
    case .loopConv(let command):
      return command.command
    }
  }

  @inline(__always)
  private static func moveInFunct(_ state: Int) -> UInt8 {
    state == 0 ? Funct.moveIn : state == 1 ? Funct.moveIn2 : Funct.moveIn3
  }
}

extension Pooling {
  var bits: UInt64 {
    let window = place(stride, 4, 2) | place(self.window, 6, 2) | place(upPad, 8, 2) | place(leftPad, 10, 2)
    let output = place(outDim, 24, 8) | place(outRows, 32, 8) | place(outCols, 40, 8)
    return window | output | place(inRows, 48, 8) | place(inCols, 56, 8)
  }
}

extension LoopMatmulCommand {
  /// The command as the port carries it. Values wider than their field lose their upper bits.
  public var command: Command {
    switch self {
    case .bounds(let bounds):
      return Command(
        funct: Funct.loopMatmulBounds,
        rs1: place(bounds.padI, 0, 16) | place(bounds.padJ, 16, 16) | place(bounds.padK, 32, 16),
        rs2: place(bounds.i, 0, 16) | place(bounds.j, 16, 16) | place(bounds.k, 32, 16))
    case .addressesAB(let a, let b):
      return Command(funct: Funct.loopMatmulAddressesAB, rs1: a, rs2: b)
    case .addressesDC(let d, let c):
      return Command(funct: Funct.loopMatmulAddressesDC, rs1: d, rs2: c)
    case .stridesAB(let a, let b):
      return Command(funct: Funct.loopMatmulStridesAB, rs1: a, rs2: b)
    case .stridesDC(let d, let c):
      return Command(funct: Funct.loopMatmulStridesDC, rs1: d, rs2: c)
    case .run(let run):
      let flags = place(run.accumulate, 0) | place(run.fullC, 1) | place(run.lowD, 2)
      return Command(
        funct: Funct.loopMatmulRun,
        rs1: flags | place(run.activation, 8, 3) | place(run.bHalf, 16, 2) | place(run.aHalf, 18, 2),
        rs2: place(run.transposeA, 0) | place(run.transposeB, 1) | place(run.residualAdd, 2))
    }
  }
}

extension LoopConvCommand {
  /// The command as the port carries it. Values wider than their field lose their upper bits.
  public var command: Command {
    switch self {
    case .sizes(let it):
      return Command(
        funct: Funct.loopConvConfig1,
        rs1: place(it.batch, 0, 16) | place(it.inRows, 16, 16) | place(it.inChannels, 32, 16)
          | place(it.outChannels, 48, 16),
        rs2: place(it.outRows, 0, 16) | place(it.poolOutRows, 16, 16) | place(it.outCols, 32, 16)
          | place(it.stride, 48, 8) | place(it.padding, 56, 8))
    case .pooling(let it):
      return Command(
        funct: Funct.loopConvConfig2,
        rs1: place(it.poolPadding, 0, 8) | place(it.poolStride, 8, 8) | place(it.poolSize, 16, 16)
          | place(it.poolOutCols, 32, 16) | place(it.kernel, 48, 16),
        rs2: place(it.tileChannels, 0, 16) | place(it.tileCols, 16, 16) | place(it.tileRows, 32, 16)
          | place(it.tileBatches, 48, 16))
    case .padding(let it):
      return Command(
        funct: Funct.loopConvConfig3,
        rs1: place(it.leftPad, 0, 16) | place(it.kernelChannels, 16, 16) | place(it.kernelCols, 32, 16)
          | place(it.kernelRows, 48, 16),
        rs2: place(it.inCols, 0, 16) | place(it.poolLeftPad, 16, 8) | place(it.downPad, 24, 8)
          | place(it.upPad, 32, 16) | place(it.rightPad, 48, 16))
    case .tile(let it):
      return Command(
        funct: Funct.loopConvConfig4,
        rs1: place(it.kernelDilation, 0, 10) | place(it.poolDownPad, 10, 11) | place(it.poolUpPad, 21, 11)
          | place(it.poolRightPad, 32, 16) | place(it.outRows, 48, 16),
        rs2: place(it.outCols, 0, 16) | place(it.outStride, 16, 16) | place(it.weightStride, 32, 16)
          | place(it.inStride, 48, 16))
    case .weightsOutput(let weights, let output):
      return Command(funct: Funct.loopConvConfig5, rs1: weights, rs2: output)
    case .biasInput(let bias, let input):
      return Command(funct: Funct.loopConvConfig6, rs1: bias, rs2: input)
    case .run(let run):
      let transposes =
        place(run.noBias, 0) | place(run.rotate180, 1) | place(run.transposeOutput1203, 2)
        | place(run.transposeWeights1203, 3) | place(run.transposeWeights0132, 4) | place(run.transposeInput3120, 5)
        | place(run.depthwise, 6)
      return Command(
        funct: Funct.loopConvRun,
        rs1: transposes | place(run.maxPixelsPerRow, 8, 8) | place(run.bHalf, 16, 2) | place(run.aHalf, 18, 2),
        rs2: place(run.noPool, 0) | place(run.downsample, 1) | place(run.inputDilated, 2)
          | place(run.activation, 3, 2))
    }
  }
}
