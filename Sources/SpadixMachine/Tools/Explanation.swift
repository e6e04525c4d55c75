import SpadixISA
import SpadixSupport

/// The state around one command: configuration in force, what it reads and writes, and who wrote that.
public enum Explanation {
  /// - Parameters:
  ///   - steps: how many steps of a hardware loop are explained, from its first on.
  ///   - output: takes the text, a part at a time: of all steps of a long loop it is larger than memory.
  ///
  /// Throws `explain.range` for commands that there are not, the fault of a command before, and what `output` throws.
  public static func write(
    _ program: Program, command index: Int, steps: Int = 16, to output: @escaping (String) throws -> Void
  ) throws {
    guard program.commands.indices.contains(index) else {
      let last = program.commands.count - 1
      let range = last < 0 ? "no commands" : last == 0 ? "command 0 only" : "commands 0 to \(last)"
      throw Diagnostic("explain.range", "there is no command \(index); the program has \(range)")
    }
    let history = History(program)
    for before in 0..<index { try history.step(before) }
    try history.explain(index, steps: steps, to: output)
  }
}

/// Who wrote what, up to a command.
private final class History {
  let program: Program
  let dim: Int
  var decoder: Decoder
  var scratchpad: [Int32]
  var accumulator: [Int32]
  /// Transfers to DRAM so far, in order.
  var stores: [Transfer] = []
  /// The configuration commands in force, by what they set.
  var configurations: [(name: String, command: Int)] = []
  var lastFence: Int?

  init(_ program: Program) {
    self.program = program
    dim = program.target.dim
    decoder = Decoder(target: program.target, checks: [])
    scratchpad = [Int32](repeating: -1, count: program.target.scratchpadRows)
    accumulator = [Int32](repeating: -1, count: program.target.accumulatorRows)
  }

  /// Decodes a command; a loop gives its steps a chunk at a time.
  private func decode(_ index: Int, _ body: @escaping (borrowing DecodedChunk) -> Void) throws {
    var chunk = DecodedChunk { (chunk) throws(Finding) in body(chunk) }
    chunk.reset(decoder.store)
    do {
      try decoder.decode(program.commands[index], index: index, into: &chunk)
    } catch {
      throw error.diagnostic(in: program)
    }
    body(chunk)
  }

  func step(_ index: Int) throws {
    try decode(index) { [self] in note($0) }
    noteConfiguration(index)
  }

  private func note(_ chunk: borrowing DecodedChunk) {
    for it in chunk.commands {
      for access in it.writes(dim: dim) {
        for row in access.each {
          if access.isAccumulator { accumulator[row] = it.command } else { scratchpad[row] = it.command }
        }
      }
      if it.kind == .store && it.normalization == 0 {
        Transfer.forEach(storedBy: it, chunk.stores[Int(it.configuration)]) { stores.append($0) }
      }
      if it.kind == .fence { lastFence = Int(it.command) }
    }
  }

  private func noteConfiguration(_ index: Int) {
    let command = program.commands[index]
    guard let format = CommandFormat.of(command) else { return }
    var name = format.mnemonic
    guard name.hasPrefix("config_") || (name.hasPrefix("loop_") && name != "loop_ws" && name != "loop_conv_ws") else {
      return
    }
    if name == "config_ld" { name += " state=\(command.rs1 >> 3 & 3)" }
    if name == "config_st" {
      configurations.removeAll { $0.name.hasPrefix("config_output") && $0.name != "config_output_table" }
    }
    configurations.removeAll { $0.name == name }
    configurations.append((name, index))
  }

  func explain(_ index: Int, steps: Int, to output: @escaping (String) throws -> Void) throws {
    var text = "\(describe(index))\n"
    let command = program.commands[index]
    if let format = CommandFormat.of(command) {
      text += "  \(format.summary)\n"
      for field in format.fields { text += "    \(line(field, command))\n" }
    }
    text += "\nin force\n"
    if configurations.isEmpty { text += "  nothing is configured\n" }
    for (_, index) in configurations.sorted(by: { $0.command < $1.command }) { text += "  \(describe(index))\n" }
    text += "  last fence: \(lastFence.map { "command \($0)" } ?? "none")\n"
    try output(text)
    var count = 0
    var failure: (any Error)?
    try decode(index) { [self] chunk in
      var part = ""
      for it in chunk.commands {
        if count < steps && failure == nil { part += explain(it, chunk.stores[Int(it.configuration)]) }
        count += 1
      }
      do { try output(part) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    if count == 0 { return try output("\n\(withoutStep(index))") }
    let rest = count - steps
    if rest > 0 { try output("\n... and \(rest) more \(rest == 1 ? "step" : "steps") (--steps all)\n") }
  }

  /// What a command is for that neither moves nor computes.
  private func withoutStep(_ index: Int) throws -> String {
    switch program.commands[index].funct {
    case Funct.preload:
      let isCompute: (Command) -> Bool = { $0.funct == Funct.computePreloaded || $0.funct == Funct.computeAccumulated }
      guard let compute = program.commands[index...].firstIndex(where: isCompute) else {
        return "no compute follows that would use what it latches\n"
      }
      for between in (index + 1)..<compute { try step(between) }
      var text = "one step with \(describe(compute))\n"
      try decode(compute) { [self] chunk in
        for it in chunk.commands { text += explain(it, chunk.stores[Int(it.configuration)]) }
      }
      return text
    case Funct.flush, Funct.counter, Funct.clockGate:
      return "nothing moves and nothing is computed: the machine passes over it\n"
    case Funct.fence: return "the commands behind it wait until all before it are done\n"
    case Funct.loopMatmulRun, Funct.loopConvRun: return "the loop has no steps: one of its bounds is 0\n"
    default: return "nothing moves and nothing is computed: it is in force for the commands behind it\n"
    }
  }

  private func line(_ field: CommandField, _ command: Command) -> String {
    let bits = field.bits(of: command)
    let summary = field.summary.isEmpty ? "" : "  (\(field.summary))"
    let place = "rs\(field.operand)[\(field.low + field.width - 1):\(field.low)]"
    var value = "\(bits)"
    if field.kind == .signed { value = "\(Assembly.signed(bits, field.width))" }
    if field.kind == .float { value = "\(Float(bitPattern: UInt32(bits)))" }
    if field.kind == .address || field.kind == .tile || field.kind == .local { value = hexadecimal(bits) }
    return "\(field.name) = \(value)  \(place)\(summary)"
  }

  private func explain(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) -> String {
    var text = "\nstep: \(it.kind)\n"
    if it.kind == .load || it.kind == .store || it.kind == .loadScales || it.kind == .loadTable {
      if it.flags.contains(.zero) {
        text += "  writes zeros: no DRAM traffic\n"
      } else {
        let transfer = Transfer(it)
        let place = program.place(of: it.dram).map { " (\($0))" } ?? ""
        let verb = it.kind == .store ? "writes" : "reads"
        text +=
          "  \(verb) DRAM \(hexadecimal(it.dram))\(place): \(transfer.rows) rows of \(transfer.bytes) bytes, "
          + "\(it.stride) apart\n"
        if it.kind != .store {
          let writer = stores.last { $0.overlaps(transfer) }
          text += "    written by \(writer.map { describe(Int($0.command)) } ?? initial(transfer))\n"
        }
      }
    }
    for access in it.reads(configuration, dim: dim) {
      text += "  reads \(access.name): \(access.text)\n"
      let writers = Set(access.each.map { access.isAccumulator ? accumulator[$0] : scratchpad[$0] }).sorted()
      for writer in writers.prefix(4) {
        text += "    written by \(writer < 0 ? "no command" : describe(Int(writer)))\n"
      }
      if writers.count > 4 { text += "    and \(writers.count - 4) more\n" }
    }
    for access in it.writes(dim: dim) { text += "  writes \(access.name): \(access.text)\n" }
    return text
  }

  private func initial(_ transfer: Transfer) -> String {
    let isInitial = program.segments.contains {
      transfer.dram >= $0.address && transfer.dram < $0.address + UInt64($0.bytes.count)
    }
    return isInitial ? "the initial content of DRAM" : "no command (an input, or nothing)"
  }

  private func describe(_ index: Int) -> String {
    var text = "command \(index): \(Assembly.text(program.commands[index]))"
    if let operation = program.operation(ofCommand: index) {
      text += "  ; \(operation.text.prefix(80))"
      if operation.line > 0 { text += " (line \(operation.line))" }
    }
    return text
  }
}
