import CSpadixKernels
import SpadixISA
import SpadixSupport

/// Runs programs. It knows nothing of graphs and plans; what it does to memory is what docs/isa.md says, bit for bit.
///
/// A run goes in slices, so that the caller can evaluate host steps between commands. Programs are not trusted:
/// whatever they hold, a run ends with results, findings or a fault, never outside its memories.
public final class Machine {
  /// What a run watches, counts and models, and its limits.
  public struct Options: Sendable {
    /// Findings of other checks are not looked for.
    public var checks: CheckSet
    /// Commands, and steps of hardware loops, after which a run is stopped.
    public var maximumCommands: Int
    /// What local memory holds at the start; programs must not depend on it.
    var fill: UInt8
    /// The kernel implementation, by name; nil for the fastest that the processor has.
    var kernels: String?
    /// DRAM that a program may touch outside its own segments and symbols, in bytes.
    public var memoryLimit: Int
    /// Models cycles.
    public var time: Bool
    /// Counts DRAM bytes by symbol.
    var symbols: Bool
    /// Executes; otherwise only counts, checks and models, and has no DRAM to read or write.
    var execute: Bool

    public init(
      checks: CheckSet = .standard, maximumCommands: Int = Int.max, fill: UInt8 = 0xA5, kernels: String? = nil,
      memoryLimit: Int = 4 << 30, time: Bool = false, symbols: Bool = false, execute: Bool = true
    ) {
      self.checks = checks
      self.maximumCommands = maximumCommands
      self.fill = fill
      self.kernels = kernels
      self.memoryLimit = memoryLimit
      self.time = time
      self.symbols = symbols
      self.execute = execute
    }
  }

  /// As it was given; nothing of it changes.
  public let program: Program
  /// Fixed for the run.
  public let options: Options
  /// What the checks found up to the last slice; a fault is its last entry.
  public private(set) var log = FindingLog()
  /// Those that the log keeps.
  public var findings: [Finding] { log.kept }
  /// The command that ended the run before its time, or nil.
  public internal(set) var fault: Finding?

  /// Time spent in `run(to:)`: decoding, checking, counting, executing.
  public private(set) var elapsed = Duration.zero

  /// What changes with every command. Behind a pointer because the checks of exclusive access that properties of a
  /// class have cost a fifth of a run.
  private struct State: ~Copyable {
    var decoder: Decoder
    var counting: Counting
    var symbolTraffic: SymbolTraffic?
    var timeModel: TimeModel?
    var checker: Checker?
    var chunk: DecodedChunk
    /// The next command.
    var next = 0
    /// The next command for the time model.
    var nextTimed = 0
    /// Steps that hardware loops became.
    var steps = 0
  }

  private let state: UnsafeMutablePointer<State>
  private let executor: Executor?
  /// Nil where nothing is executed: programs are timed side by side, and each would take the address space of a DRAM.
  private let dram: Dram?
  private let touched: TouchedMemory

  /// Throws `machine.memory` when the DRAM does not fit the process, `machine.kernels` for unknown kernels.
  public init(_ program: Program, options: Options = Options()) throws {
    self.program = program
    self.options = options
    for segment in program.segments {
      guard Self.isInDram(segment.address, segment.bytes.count, program.target) else {
        throw Diagnostic("machine.dram-range", "the segment '\(segment.name)' does not lie in DRAM")
      }
    }
    if options.execute {
      let dram = try Dram(byteCount: program.target.dramBytes)
      for segment in program.segments { dram.write(segment.bytes, at: segment.address) }
      self.dram = dram
      try Memory.require(
        program.target.scratchpadBytes + program.target.accumulatorBytes,
        for: "local memory of '\(program.target.name)'")
      let memory = LocalMemory(program.target, fill: options.fill)
      executor = Executor(
        program.target, memory: memory, dram: dram,
        kernels: try Self.kernels(named: options.kernels, target: program.target),
        watchesMesh: options.checks.contains(.meshWidth))
    } else {
      dram = nil
      executor = nil
    }
    let checker = Checker.needed(for: options.checks) ? try Checker(program, checks: options.checks) : nil
    touched = TouchedMemory(program, limit: options.memoryLimit)
    state = .allocate(capacity: 1)
    state.initialize(
      to: State(
        decoder: Decoder(target: program.target, checks: options.checks), counting: Counting(program),
        symbolTraffic: options.symbols ? SymbolTraffic(program) : nil,
        timeModel: options.time ? TimeModel(program, trace: false) : nil, checker: checker,
        chunk: DecodedChunk { [unowned self] (chunk) throws(Finding) in try consumePart(&chunk) }))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Names of the kernel implementations that this processor can run, fastest first.
  static var kernelNames: [String] {
    (0..<spadix_kernel_count()).map { String(cString: spadix_kernel_at($0).pointee.name) }
  }

  static func kernels(named name: String?, target: Target) throws -> spadix_kernels {
    var kernels = try kernels(named: name)
    if target.roundsLikeFunctionalModel {
      kernels.store = spadix_store_model
      kernels.scale = spadix_scale_model
    }
    return kernels
  }

  static func kernels(named name: String?) throws -> spadix_kernels {
    guard let name else { return spadix_kernel_at(0).pointee }
    guard let index = kernelNames.firstIndex(of: name) else {
      throw Diagnostic(
        "machine.kernels", "there are no kernels '\(name)'; this processor has \(kernelNames.joined(separator: ", "))")
    }
    return spadix_kernel_at(Int32(index)).pointee
  }

  /// Records a trace while cycles are modelled; ask before the first slice.
  public func recordTrace() { state.pointee.timeModel = TimeModel(program, trace: true) }

  /// Records how busy the queues are while cycles are modelled; ask before the first slice.
  public func recordProfile() { state.pointee.timeModel?.profile = QueueProfile(program) }

  /// Whether every command has run, or a fault ended the run.
  public var isFinished: Bool { fault != nil || state.pointee.next == program.commands.count }

  /// What was counted up to the last slice.
  public var counters: Counters {
    state.pointee.timeModel?.finish()
    var counters = state.pointee.counting.counters(
      program.commands[..<state.pointee.next], state.pointee.timeModel?.accounts)
    counters.symbols = state.pointee.symbolTraffic?.symbols ?? []
    return counters
  }
  /// Nil unless `recordTrace` was called.
  public var trace: Trace? {
    state.pointee.timeModel?.finish()
    return state.pointee.timeModel?.trace
  }

  /// Nil unless `recordProfile` was called and cycles are modelled.
  public var profile: QueueProfile? { state.pointee.timeModel?.profile }

  /// Runs commands up to `end` (exclusive); to the end of the program when nil.
  public func run(to end: Int? = nil) {
    let end = min(end ?? program.commands.count, program.commands.count)
    elapsed += ContinuousClock().measure {
      program.commands.withUnsafeBufferPointer { commands in
        while state.pointee.next < end && fault == nil {
          state.pointee.chunk.reset(state.pointee.decoder.store)
          decode(commands, end)
          consume(&state.pointee.chunk, state.pointee.decoder)
          advanceTime(commands)
        }
      }
    }
    collect()
  }

  private func decode(_ commands: UnsafeBufferPointer<Command>, _ end: Int) {
    do {
      while state.pointee.next < end && state.pointee.chunk.hasRoom {
        let limit = min(end, options.maximumCommands - state.pointee.steps)
        if state.pointee.next >= limit {
          fault = commandLimit
          return
        }
        state.pointee.next = try state.pointee.decoder.decodeRun(
          commands, state.pointee.next..<limit, into: &state.pointee.chunk)
        let index = state.pointee.next
        if index == limit || !state.pointee.chunk.hasRoom { continue }
        let isLoop = commands[index].funct == Funct.loopMatmulRun || commands[index].funct == Funct.loopConvRun
        // A loop has its chunks for itself, so that its steps can be counted.
        if isLoop && !state.pointee.chunk.commands.isEmpty { return }
        try state.pointee.decoder.decode(commands[index], index: index, into: &state.pointee.chunk)
        if isLoop { try countSteps(&state.pointee.chunk) }
        state.pointee.next = index + 1
        // A fence ends the chunk: the decoder's state behind it is where an analysis of the transfers starts.
        if commands[index].funct == Funct.fence { return }
      }
    } catch {
      // What a refused loop expanded to before the refusal runs.
      fault = error
      state.pointee.next = error.command
    }
  }

  private var commandLimit: Finding {
    Finding("machine.command-limit", state.pointee.next, "the run stops after \(options.maximumCommands) commands")
  }

  /// Counts steps of the loop that comes next, and drops those beyond the limit.
  private func countSteps(_ chunk: inout DecodedChunk) throws(Finding) {
    let room = options.maximumCommands - state.pointee.next - state.pointee.steps
    let count = chunk.commands.count
    state.pointee.steps += count
    if count <= room { return }
    chunk.truncate(to: max(0, room))
    throw commandLimit
  }

  /// Runs a part of a loop, whose decoding goes on afterwards.
  private func consumePart(_ chunk: inout DecodedChunk) throws(Finding) {
    try countSteps(&chunk)
    consume(&chunk, nil)
    if let fault { throw fault }
  }

  /// - Parameter decoder: its state behind the chunk; nil in a loop, which has no fences.
  private func consume(_ chunk: inout DecodedChunk, _ decoder: Decoder?) {
    if let (index, error) = touched.check(chunk.commands) {
      chunk.truncate(to: index)
      fault = error
    }
    state.pointee.checker?.check(chunk, decoder)
    state.pointee.counting.count(chunk)
    state.pointee.symbolTraffic?.count(chunk)
    executor?.execute(chunk)
  }

  /// Commands that ran pass by the time model, a loop as the one command that it is.
  private func advanceTime(_ commands: UnsafeBufferPointer<Command>) {
    let end = min(state.pointee.next, fault?.command ?? Int.max)
    if end <= state.pointee.nextTimed { return }
    state.pointee.timeModel?.advance(commands, state.pointee.nextTimed..<end)
    state.pointee.nextTimed = end
  }

  /// Brings the findings of all parts into the order of the commands.
  private func collect() {
    if isFinished { state.pointee.checker?.finish() }
    var logs = [state.pointee.decoder.findings]
    if let checker = state.pointee.checker { logs.append(checker.findings) }
    if let executor { logs.append(executor.findings) }
    if isFinished, fault == nil { logs.append(finalFindings()) }
    log = FindingLog(merging: logs)
    if let fault { log.add(fault: fault) }
  }

  private func finalFindings() -> FindingLog {
    var log = FindingLog()
    if options.checks.contains(.configured), state.pointee.decoder.preloadCommand >= 0 {
      log.add(
        Finding("machine.preload", Int(state.pointee.decoder.preloadCommand), "no compute follows the preload"))
    }
    return log
  }
}

// MARK: DRAM

extension Machine {
  /// Bytes of DRAM: outputs, operands of host steps. Throws `machine.dram-range` when they do not exist.
  public func readDram(_ address: UInt64, count: Int) throws -> [UInt8] {
    let dram = try dram(address, count)
    state.pointee.checker?.readDram(address, count)
    return dram.read(address, count)
  }

  /// Writes bytes before or between slices: inputs, results of host steps.
  func writeDram(_ bytes: [UInt8], at address: UInt64) throws {
    try dram(address, bytes.count).write(bytes, at: address)
    state.pointee.checker?.wroteDram(address, bytes.count)
  }

  /// The memory in which these bytes lie.
  private func dram(_ address: UInt64, _ count: Int) throws -> Dram {
    guard let dram else { preconditionFailure("a machine that does not execute has no DRAM") }
    guard Self.isInDram(address, count, program.target) else {
      throw Diagnostic("machine.dram-range", "\(count) bytes at \(hexadecimal(address)) do not lie in DRAM")
    }
    return dram
  }

  private static func isInDram(_ address: UInt64, _ count: Int, _ target: Target) -> Bool {
    let (end, overflow) = address.addingReportingOverflow(UInt64(clamping: count))
    return count >= 0 && address >= UInt64(Target.firstAddress) && !overflow && end <= UInt64(target.dramBytes)
  }

  /// The tensor's bytes without the padding between rows.
  public func read(_ binding: Program.Binding) throws -> [UInt8] {
    if binding.rowStride == binding.rowBytes {
      return try readDram(binding.address, count: binding.rows * binding.rowBytes)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(binding.rows * binding.rowBytes)
    for row in 0..<binding.rows {
      bytes += try readDram(binding.address + UInt64(row * binding.rowStride), count: binding.rowBytes)
    }
    return bytes
  }

  /// Writes a tensor given without padding. Throws `machine.input-size` when the number of bytes is wrong.
  public func write(_ bytes: [UInt8], to binding: Program.Binding) throws {
    guard bytes.count == binding.rows * binding.rowBytes else {
      throw Diagnostic(
        "machine.input-size",
        "'\(binding.name)' has \(bytes.count) bytes; expected \(binding.rows * binding.rowBytes) for \(binding.type)")
    }
    if binding.rowStride == binding.rowBytes {
      try writeDram(bytes, at: binding.address)
      return
    }
    for row in 0..<binding.rows {
      let start = row * binding.rowBytes
      try writeDram(
        Array(bytes[start..<start + binding.rowBytes]), at: binding.address + UInt64(row * binding.rowStride))
    }
  }
}
