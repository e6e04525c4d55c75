import SpadixSupport

@inline(__always)
func field(_ word: UInt64, _ low: UInt64, _ width: UInt64) -> Int { Int(word >> low & ((1 << width) - 1)) }

@inline(__always)
func flag(_ word: UInt64, _ low: UInt64) -> Bool { word >> low & 1 != 0 }

extension Instruction {
  /// Decodes a command. Bits outside the defined fields are ignored, as by the functional model.
  ///
  /// Throws `isa.unknown-funct` for function numbers without a meaning, `isa.load-state` for a config_ld of the
  /// state 3, which does not exist.
  public init(decoding command: Command) throws {
    let rs1 = command.rs1
    let rs2 = command.rs2
    switch command.funct {
    case Funct.config: self = try Self.config(rs1, rs2)
    case Funct.moveIn: self = .moveIn(state: 0, dram: rs1, local: LocalTile(bits: rs2))
    case Funct.moveIn2: self = .moveIn(state: 1, dram: rs1, local: LocalTile(bits: rs2))
    case Funct.moveIn3: self = .moveIn(state: 2, dram: rs1, local: LocalTile(bits: rs2))
    case Funct.moveOut: self = .moveOut(dram: rs1, local: LocalTile(bits: rs2))
    case Funct.moveOutScratchpad:
      self = .moveOutScratchpad(
        destination: LocalAddress(bits: UInt32(truncatingIfNeeded: rs1)), destinationStride: Int(rs1 >> 32),
        source: LocalTile(bits: rs2))
    case Funct.preload: self = .preload(weights: LocalTile(bits: rs1), result: LocalTile(bits: rs2))
    case Funct.computePreloaded:
      self = .compute(preloaded: true, a: LocalTile(bits: rs1), bias: LocalTile(bits: rs2))
    case Funct.computeAccumulated:
      self = .compute(preloaded: false, a: LocalTile(bits: rs1), bias: LocalTile(bits: rs2))
    case Funct.flush: self = .flush(skip: flag(rs1, 0))
    case Funct.fence: self = .fence
    case Funct.clockGate: self = .clockGate(enable: flag(rs1, 0))
    case Funct.counter:
      self = .counter(
        Counter(
          reset: flag(rs1, 0), snapshotReset: flag(rs1, 1), snapshotTake: flag(rs1, 2), configure: flag(rs1, 3),
          index: field(rs1, 4, 3), event: field(rs1, 12, 6), external: flag(rs1, 31)))
    case Funct.configOutput:
      self = .configOutput(
        ConfigOutput(
          zeroPoint: Int8(truncatingIfNeeded: rs1), low: Int8(truncatingIfNeeded: rs1 >> 8),
          high: Int8(truncatingIfNeeded: rs1 >> 16), usesTable: flag(rs1, 24)))
    case Funct.configOutputScales:
      self = .configOutputScales(dram: rs1, count: field(rs2, 0, 16), biases: flag(rs2, 16))
    case Funct.configOutputTable: self = .configOutputTable(dram: rs1)
    case Funct.configOutputPair:
      self = .configOutputPair(
        ConfigOutputPair(
          isProduct: flag(rs1, 0), isUnsigned: flag(rs1, 1), zeroPointA: Int8(truncatingIfNeeded: rs1 >> 8),
          zeroPointB: Int8(truncatingIfNeeded: rs1 >> 16), factorA: Float(bitPattern: UInt32(truncatingIfNeeded: rs2)),
          factorB: Float(bitPattern: UInt32(rs2 >> 32)), offset: Float(bitPattern: UInt32(rs1 >> 32))))
    case Funct.loopMatmulRun...Funct.loopMatmulStridesDC:
      self = .loopMatmul(LoopMatmulCommand(funct: command.funct, rs1, rs2))
    case Funct.loopConvRun...Funct.loopConvConfig6:
      self = .loopConv(LoopConvCommand(funct: command.funct, rs1, rs2))
    // The function number is a byte, not a closed set: what has no meaning is the program's fault.
    default:
      throw Diagnostic(
        "isa.unknown-funct", "function number \(command.funct) has no meaning; expected one of 0...23, 32, 33, 126, 127"
      )
    }
  }

  private static func config(_ rs1: UInt64, _ rs2: UInt64) throws -> Instruction {
    switch rs1 & 3 {
    case 0:
      // The field has two bits, of which only the value 1 has an effect.
      let activation: ConfigExecute.Activation = field(rs1, 3, 2) == 1 ? .relu : .none
      return .configExecute(
        ConfigExecute(
          dataflow: flag(rs1, 2) ? .weightStationary : .outputStationary, activation: activation,
          transposeA: flag(rs1, 8), transposeB: flag(rs1, 9), aStride: field(rs1, 16, 16),
          cStride: field(rs2, 48, 16), setOnlyStrides: flag(rs1, 7),
          accumulatorScale: Float(bitPattern: UInt32(rs1 >> 32)), shift: field(rs2, 0, 32)))
    case 1:
      let state = field(rs1, 3, 2)
      guard state < 3 else {
        throw Diagnostic("isa.load-state", "config_ld names load state 3; expected 0, 1 or 2")
      }
      return .configLoad(
        ConfigLoad(
          state: state, stride: Int(truncatingIfNeeded: rs2), scale: Float(bitPattern: UInt32(rs1 >> 32)),
          shrunk: flag(rs1, 2), blockStride: field(rs1, 16, 16), pixelRepeats: field(rs1, 8, 8)))
    case 2:
      let activations: [ConfigStore.Activation] = [.none, .relu, .layernorm, .igelu]
      return .configStore(
        ConfigStore(
          stride: field(rs2, 0, 32), activation: activations[field(rs1, 2, 2)],
          scale: Float(bitPattern: UInt32(rs2 >> 32)), pooling: Pooling(bits: rs1)))
    default:
      return .configNorm(
        ConfigNorm(
          statistics: field(rs1, 8, 8), softmax: flag(rs1, 16), setOnlyStatistics: flag(rs1, 17),
          constantIsInverse: flag(rs1, 18), constant: Int32(truncatingIfNeeded: rs1 >> 32),
          b: Int32(truncatingIfNeeded: rs2), c: Int32(truncatingIfNeeded: rs2 >> 32)))
    }
  }
}

extension Pooling {
  /// Nil when the stride field is 0, which turns pooling off.
  public init?(bits: UInt64) {
    let stride = field(bits, 4, 2)
    guard stride > 0 else { return nil }
    self.init(
      window: field(bits, 6, 2), stride: stride, upPad: field(bits, 8, 2), leftPad: field(bits, 10, 2),
      outDim: field(bits, 24, 8), outRows: field(bits, 32, 8), outCols: field(bits, 40, 8),
      inRows: field(bits, 48, 8), inCols: field(bits, 56, 8))
  }
}

extension LoopMatmulCommand {
  /// `funct` is one of 8...13.
  init(funct: UInt8, _ rs1: UInt64, _ rs2: UInt64) {
    switch funct {
    case Funct.loopMatmulBounds:
      self = .bounds(
        LoopBounds(
          padI: field(rs1, 0, 16), padJ: field(rs1, 16, 16), padK: field(rs1, 32, 16), i: field(rs2, 0, 16),
          j: field(rs2, 16, 16), k: field(rs2, 32, 16)))
    case Funct.loopMatmulAddressesAB: self = .addressesAB(a: rs1, b: rs2)
    case Funct.loopMatmulAddressesDC: self = .addressesDC(d: rs1, c: rs2)
    case Funct.loopMatmulStridesAB: self = .stridesAB(a: rs1, b: rs2)
    case Funct.loopMatmulStridesDC: self = .stridesDC(d: rs1, c: rs2)
    default:
      self = .run(
        LoopMatmulRun(
          accumulate: flag(rs1, 0), fullC: flag(rs1, 1), lowD: flag(rs1, 2), activation: field(rs1, 8, 3),
          aHalf: field(rs1, 18, 2), bHalf: field(rs1, 16, 2), transposeA: flag(rs2, 0), transposeB: flag(rs2, 1),
          residualAdd: flag(rs2, 2)))
    }
  }
}

extension LoopConvCommand {
  /// `funct` is one of 15...21.
  init(funct: UInt8, _ rs1: UInt64, _ rs2: UInt64) {
    switch funct {
    case Funct.loopConvConfig1:
      self = .sizes(
        LoopConvSizes(
          batch: field(rs1, 0, 16), inRows: field(rs1, 16, 16), inChannels: field(rs1, 32, 16),
          outChannels: field(rs1, 48, 16), outRows: field(rs2, 0, 16), poolOutRows: field(rs2, 16, 16),
          outCols: field(rs2, 32, 16), stride: field(rs2, 48, 8), padding: field(rs2, 56, 8)))
    case Funct.loopConvConfig2:
      self = .pooling(
        LoopConvPooling(
          poolPadding: field(rs1, 0, 8), poolStride: field(rs1, 8, 8), poolSize: field(rs1, 16, 16),
          poolOutCols: field(rs1, 32, 16), kernel: field(rs1, 48, 16), tileChannels: field(rs2, 0, 16),
          tileCols: field(rs2, 16, 16), tileRows: field(rs2, 32, 16), tileBatches: field(rs2, 48, 16)))
    case Funct.loopConvConfig3:
      self = .padding(
        LoopConvPadding(
          leftPad: field(rs1, 0, 16), kernelChannels: field(rs1, 16, 16), kernelCols: field(rs1, 32, 16),
          kernelRows: field(rs1, 48, 16), inCols: field(rs2, 0, 16), poolLeftPad: field(rs2, 16, 8),
          downPad: field(rs2, 24, 8), upPad: field(rs2, 32, 16), rightPad: field(rs2, 48, 16)))
    case Funct.loopConvConfig4:
      self = .tile(
        LoopConvTile(
          kernelDilation: field(rs1, 0, 10), poolDownPad: field(rs1, 10, 11), poolUpPad: field(rs1, 21, 11),
          poolRightPad: field(rs1, 32, 16), outRows: field(rs1, 48, 16), outCols: field(rs2, 0, 16),
          outStride: field(rs2, 16, 16), weightStride: field(rs2, 32, 16), inStride: field(rs2, 48, 16)))
    case Funct.loopConvConfig5: self = .weightsOutput(weights: rs1, output: rs2)
    case Funct.loopConvConfig6: self = .biasInput(bias: rs1, input: rs2)
    default:
      self = .run(
        LoopConvRun(
          noBias: flag(rs1, 0), rotate180: flag(rs1, 1), transposeOutput1203: flag(rs1, 2),
          transposeWeights1203: flag(rs1, 3), transposeWeights0132: flag(rs1, 4), transposeInput3120: flag(rs1, 5),
          depthwise: flag(rs1, 6), maxPixelsPerRow: field(rs1, 8, 8), aHalf: field(rs1, 18, 2),
          bHalf: field(rs1, 16, 2), noPool: flag(rs2, 0), downsample: flag(rs2, 1), inputDilated: flag(rs2, 2),
          activation: field(rs2, 3, 2)))
    }
  }
}
