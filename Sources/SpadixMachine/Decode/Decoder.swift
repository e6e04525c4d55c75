import SpadixISA
import SpadixSupport

/// Turns commands into steps: holds what configuration commands set, resolves addresses, refuses what has no meaning.
///
/// A refused command is a fault: the run ends before it. Faults keep the machine inside its memories, so they cannot be
/// turned off; what merely differs from hardware is a finding and can.
struct Decoder {
  struct LoadState {
    var isSet = false
    var stride = 0
    var scale: Float = 0
    var shrunk = false
    var blockStride = 0
    /// 0 until set: nothing is loaded.
    var pixelRepeats = 0
  }

  struct ExecuteState {
    var isSet = false
    var outputStationary = true
    var relu = false
    var transposeA = false
    var transposeB = false
    var aStride = 0
    var cStride = 0
    var shift = 0

    /// Weight-stationary without transposes: what `decodePair` is for.
    var isPlain: Bool { isSet && !outputStationary && !transposeA && !transposeB && aStride > 0 && cStride > 0 }
    var plainFlags: DecodedCommand.Flags { relu ? [.accumulator, .relu] : .accumulator }
  }

  let target: Target
  let checks: CheckSet
  let scratchpadRows: Int
  let accumulatorRows: Int
  let dim: Int
  /// dim is 1 << dimShift: divisions would cost more than the rest of a step.
  let dimShift: Int
  let dramLimit: UInt64
  /// Column blocks that one move of 8-bit and of 32-bit elements may have.
  let narrowBlocks: Int
  let wideBlocks: Int

  var loads: (LoadState, LoadState, LoadState) = (LoadState(), LoadState(), LoadState())
  var execute = ExecuteState()
  var store = StoreConfiguration()
  /// Whether a command has loaded the table of int8 stores.
  var hasTable = false
  /// Index of the preload that waits for its compute, -1 for none.
  var preloadCommand: Int32 = -1
  var preloadWeights = LocalTile.garbage(rows: 0, columns: 0)
  var preloadResult = LocalTile.garbage(rows: 0, columns: 0)
  /// The dataflow that the array's content belongs to; nil before the first operand.
  var arrayIsOutputStationary: Bool?
  /// The last compute when it was short and took new weights, for hardware that answers a config_ex behind it wrongly.
  var shortCompute: Int32 = -1
  var matmul = LoopMatmulRegisters()
  var convolution = LoopConvRegisters()
  /// First accumulator row of the next convolution's bias and of its results. The functional model keeps the two apart
  /// and never resets them.
  var convolutionRows = (bias: 0, result: 0)

  var command: Int32 = 0
  var findings = FindingLog()

  init(target: Target, checks: CheckSet) {
    self.target = target
    self.checks = checks
    self.scratchpadRows = target.scratchpadRows
    self.accumulatorRows = target.accumulatorRows
    self.dim = target.dim
    self.dimShift = target.dim.trailingZeroBitCount
    self.dramLimit = UInt64(target.dramBytes)
    self.narrowBlocks = target.maxBlockLength
    self.wideBlocks = target.maxBlockLengthAccumulator
  }

  /// Decodes one command into the chunk. Throws a `Finding` when the command is refused.
  mutating func decode(_ it: Command, index: Int, into chunk: inout DecodedChunk) throws(Finding) {
    command = Int32(truncatingIfNeeded: index)
    let instruction: Instruction
    do {
      instruction = try Instruction(decoding: it)
    } catch let diagnostic as Diagnostic {
      throw fault(diagnostic.id, diagnostic.message)
    } catch {
      throw fault("isa.illegal", "the command cannot be decoded")
    }
    if checks.contains(.portability) { warnOfFields(it) }
    try decode(instruction, &chunk)
  }

  /// Decodes a command, or one that a loop expands to.
  mutating func decode(_ instruction: Instruction, _ chunk: inout DecodedChunk) throws(Finding) {
    switch instruction {
    case .configExecute(let config): try configure(config)
    case .configLoad(let config): configure(config)
    case .configStore(let config): try configure(config, &chunk)
    case .configNorm(let config):
      try configure(config, &chunk)
      if config.statistics > 1 { warn("hardware has the statistics registers 0 and 1 only") }
    case .configOutput(let config): try configure(config, &chunk)
    case .configOutputScales(let dram, let count, let biases): try loadScales(dram, count, biases, &chunk)
    case .configOutputTable(let dram): try loadTable(dram, &chunk)
    case .configOutputPair(let config): try configure(config, &chunk)
    case .moveIn(let state, let dram, let local):
      try moveIn(state == 0 ? loads.0 : state == 1 ? loads.1 : loads.2, dram, local.bits, &chunk)
    case .moveOut(let dram, let local): try moveOut(dram, local.bits, &chunk)
    case .moveOutScratchpad(let destination, let stride, let source):
      try moveOutScratchpad(destination, stride, source, &chunk)
    case .preload(let weights, let result): preload(weights, result)
    case .compute(let preloaded, let a, let bias): try compute(preloaded, a, bias, &chunk)
    case .fence:
      shortCompute = -1
      chunk.append(DecodedCommand(kind: .fence, command: command))
    case .flush, .counter, .clockGate: break
    case .loopMatmul(let loop): try run(loop, &chunk)
    case .loopConv(let loop): try run(loop, &chunk)
    }
  }

  /// Mutating, as its callers are, only because a copy of the decoder would be made for it otherwise.
  mutating func fault(_ id: String, _ message: String) -> Finding { Finding(id, Int(command), message) }

  @inline(never)
  mutating func report(
    _ check: CheckSet, _ id: String, _ message: String, earlier: Int? = nil, severity: Diagnostic.Severity = .error
  ) {
    if checks.contains(check) {
      findings.add(Finding(id, Int(command), message, earlier: earlier, severity: severity))
    }
  }

  @inline(never)
  mutating func warn(_ message: String) {
    guard checks.contains(.portability) else { return }
    findings.add(Finding("machine.portability", Int(command), message, severity: .warning))
  }
}
