import SpadixISA
import SpadixSupport

/// Configuration commands, folded into the commands that use them.
extension Decoder {
  mutating func configure(_ config: ConfigExecute) throws(Finding) {
    if shortCompute >= 0 && target.faults.shortCompute {
      report(
        .hardwareFaults, "machine.short-compute",
        "config_ex directly behind a compute of at most \(Target.shortComputeRows) rows: hardware multiplies those with "
          + "the weights before; expected a longer compute, one that keeps its weights, or a fence between them",
        earlier: Int(shortCompute), severity: target.faultSeverity)
    }
    shortCompute = -1
    if !config.setOnlyStrides {
      let outputStationary = config.dataflow == .outputStationary
      if outputStationary && config.shift > 31 {
        throw fault("machine.shift", "the shift is \(config.shift); expected 0 to 31")
      }
      if outputStationary ? config.transposeB && !config.transposeA : config.transposeB && config.transposeA {
        let combination = outputStationary ? "B alone, output-stationary" : "A and B, weight-stationary"
        report(.limits, "machine.transpose", "the array cannot transpose \(combination)")
      }
      execute.outputStationary = outputStationary
      execute.relu = config.activation == .relu
      execute.transposeA = config.transposeA
      execute.transposeB = config.transposeB
      execute.shift = config.shift
      execute.isSet = true
    }
    if config.cStride != 1 && execute.outputStationary {
      warn("c_stride is \(config.cStride) in output-stationary mode, where hardware computes other addresses")
    }
    execute.aStride = config.aStride
    execute.cStride = config.cStride
  }

  mutating func configure(_ config: ConfigLoad) {
    let state = LoadState(
      isSet: true, stride: config.stride, scale: config.scale, shrunk: config.shrunk,
      blockStride: config.blockStride, pixelRepeats: max(config.pixelRepeats, 1))
    switch config.state {
    case 0: loads.0 = state
    case 1: loads.1 = state
    default: loads.2 = state
    }
  }

  mutating func configure(_ config: ConfigStore, _ chunk: inout DecodedChunk) throws(Finding) {
    let isSoftmax = store.activation == .softmax && config.activation == .none
    if (config.activation == .layernorm || config.activation == .igelu) && !target.hasNormalizations {
      throw fault("machine.capability", "\(config.activation) needs the normalization unit, which the target lacks")
    }
    if isSoftmax { warn("softmax stays selected in the functional model; hardware leaves it with every config_st") }
    if config.scale < 0 { warn("the scale \(config.scale) is negative; hardware applies relu before it") }
    store.isSet = true
    store.stride = config.stride
    store.scale = config.scale
    // The functional model leaves softmax only by another activation.
    store.activation =
      isSoftmax ? .softmax : StoreConfiguration.Activation(rawValue: config.activation.rawValue) ?? .none
    store.pooling = config.pooling
    store.output = ConfigOutput()
    store.hasStage = false
    store.perChannel = false
    store.hasBiases = false
    store.pair = nil
    chunk.append(store)
  }

  mutating func configure(_ config: ConfigNorm, _ chunk: inout DecodedChunk) throws(Finding) {
    guard target.hasNormalizations else {
      throw fault("machine.capability", "config_norm needs the normalization unit, which the target lacks")
    }
    guard config.statistics < Normalization.statisticsRegisters else {
      throw fault(
        "machine.statistics",
        "statistics register \(config.statistics) does not exist; expected 0 to \(Normalization.statisticsRegisters - 1)"
      )
    }
    store.normalization.statistics = config.statistics
    if !config.setOnlyStatistics {
      store.normalization.isSet = true
      store.normalization.qb = config.b
      store.normalization.qc = config.c
      if config.softmax {
        guard store.activation == .none || store.activation == .softmax else {
          throw fault("machine.activation", "softmax is selected on top of \(store.activation); expected none")
        }
        store.activation = .softmax
      }
      if config.constantIsInverse {
        store.normalization.qln2Inverse = config.constant
        store.normalization.hasLn2Inverse = true
      } else {
        store.normalization.qln2 = config.constant
        store.normalization.hasLn2 = true
      }
    }
    chunk.append(store)
  }

  mutating func configure(_ config: ConfigOutput, _ chunk: inout DecodedChunk) throws(Finding) {
    try requireOutputStage()
    if config.usesTable { try requireTable() }
    store.output = config
    store.hasStage = true
    chunk.append(store)
  }

  mutating func configure(_ config: ConfigOutputPair, _ chunk: inout DecodedChunk) throws(Finding) {
    guard target.hasOutputPair else {
      throw fault(
        "machine.capability", "config_output_pair needs pairs in the store, which the target '\(target.name)' lacks")
    }
    store.pair = config
    chunk.append(store)
  }

  private mutating func requireOutputStage() throws(Finding) {
    guard target.hasOutputStage else {
      throw fault("machine.capability", "config_output needs the output stage, which the target '\(target.name)' lacks")
    }
  }

  private mutating func requireTable() throws(Finding) {
    guard target.hasOutputTable else {
      throw fault("machine.capability", "the store of the target '\(target.name)' has no table")
    }
  }

  mutating func loadTable(_ dram: UInt64, _ chunk: inout DecodedChunk) throws(Finding) {
    try requireTable()
    try checkDram(dram, rows: 1, bytes: StoreConfiguration.tableEntries, stride: 0)
    var step = DecodedCommand(kind: .loadTable, command: command)
    step.dram = dram
    step.a = DecodedCommand.Tile(row: 0, rows: 1, columns: UInt16(StoreConfiguration.tableEntries))
    chunk.append(step)
    hasTable = true
  }

  mutating func loadScales(
    _ dram: UInt64, _ count: Int, _ biases: Bool, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    try requireOutputStage()
    guard target.hasOutputBiases || !biases else {
      throw fault("machine.capability", "the store of the target '\(target.name)' adds no biases")
    }
    guard (1...dim).contains(count) else {
      throw fault("machine.shape", "config_output_scales reads \(count) scales; expected 1 to \(dim)")
    }
    try checkDram(dram, rows: 1, bytes: (biases ? 8 : 4) * count, stride: 0)
    var step = DecodedCommand(kind: .loadScales, command: command)
    if biases { step.flags.insert(.biases) }
    step.dram = dram
    step.a = DecodedCommand.Tile(row: 0, rows: 1, columns: UInt16(count))
    chunk.append(step)
    store.perChannel = true
    store.hasBiases = biases
    chunk.append(store)
  }
}
