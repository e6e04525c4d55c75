import SpadixSupport
import SpadixTensor

/// Reads and checks a program file; nothing in it is believed.
struct ProgramReader {
  let container: Safetensors

  mutating func read() throws -> Program {
    if let text = container.metadata("spadix") { return try readProgram(json(text, "spadix")) }
    if let text = container.metadata("gemmini") { return try readTrace(json(text, "gemmini")) }
    throw problem("metadata", "expected a metadata entry 'spadix' or 'gemmini', found neither")
  }

  private func json(_ text: String, _ key: String) throws -> JSONValue {
    do {
      return try JSONValue(parsing: SourceText(name: "\(container.name), metadata '\(key)'", text: text))
    } catch let diagnostic as Diagnostic {
      throw problem("metadata", "the metadata entry '\(key)' is not JSON: \(diagnostic.message)")
    }
  }

  private func readProgram(_ json: JSONValue) throws -> Program {
    guard json["format"]?.string == Program.format else {
      throw problem("format", "expected the format '\(Program.format)', found \(json["format"]?.text() ?? "none")")
    }
    let target = try target(json["target"])
    var program = Program(target: target, commands: try commands())
    program.segments = try segments(json["segments"], "segments", target)
    program.expectations = json["expect"] == nil ? [] : try segments(json["expect"], "expect", target)
    program.unspecified = try list(json["unspecified"] ?? [], "unspecified").map { try range($0, target) }
    program.inputs = try list(json["inputs"], "inputs").map { try binding($0, target) }
    program.outputs = try list(json["outputs"], "outputs").map { try binding($0, target) }
    program.symbols = try list(json["symbols"], "symbols").map { try symbol($0, target) }
    program.parts = try list(json["parts"] ?? [], "parts").map { try binding($0, target) }
    try debug(list(json["debug"], "debug"), into: &program)
    program.hostSteps = try hostSteps(list(json["host"], "host"), program.commands.count, target)
    return program
  }

  /// A recorded program of Gemmini's conformance suite.
  private func readTrace(_ json: JSONValue) throws -> Program {
    guard json["format"]?.string == Program.traceFormat else {
      throw problem("format", "expected the format '\(Program.traceFormat)', found \(json["format"]?.text() ?? "none")")
    }
    guard let parameters = json["target"] else { throw problem("target", "expected a target") }
    var target = Target.gemmini
    target.dim = try integer(parameters, "dim")
    target.scratchpadBanks = try integer(parameters, "sp_banks")
    target.scratchpadRowsPerBank = try integer(parameters, "sp_rows_per_bank")
    target.accumulatorRows = try integer(parameters, "acc_rows")
    target.hasNormalizations = try boolean(parameters, "has_normalizations")
    target.roundsLikeFunctionalModel = true
    target.name = "gemmini-functional-model"
    try check(target)
    var program = Program(target: target, commands: try commands())
    program.segments = try segments(json["segments"], "segments", target)
    program.expectations = try segments(json["expect"], "expect", target)
    program.unspecified = try list(json["unspecified"] ?? [], "unspecified").map { try range($0, target) }
    return program
  }
}

// MARK: Parts

extension ProgramReader {
  private func commands() throws -> [Command] {
    guard let entry = container["commands"], entry.dtype == .u64, entry.shape.count == 2, entry.shape[1] == 3 else {
      throw problem("commands", "expected a tensor 'commands' of type U64 and shape [n, 3]")
    }
    let count = entry.shape[0]
    var illegal: Int?
    let commands = container.bytes(of: entry).withUnsafeBytes { raw in
      [Command](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in 0..<count {
          let funct = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 24 * index, as: UInt64.self))
          let rs1 = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 24 * index + 8, as: UInt64.self))
          let rs2 = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 24 * index + 16, as: UInt64.self))
          if funct > 127 && illegal == nil { illegal = index }
          buffer.initializeElement(
            at: index, to: Command(funct: UInt8(truncatingIfNeeded: funct), rs1: rs1, rs2: rs2))
        }
        initialized = count
      }
    }
    if let illegal {
      throw problem("commands", "command \(illegal) has a function number above 127")
    }
    return commands
  }

  private func segments(_ json: JSONValue?, _ key: String, _ target: Target) throws -> [Program.Segment] {
    let segments = try list(json, key).map { it in
      guard let tensor = it["tensor"]?.string, let entry = container[tensor], entry.dtype == .u8 else {
        throw problem(
          "segment", "expected a U8 tensor for every one of '\(key)', found \(it["tensor"]?.text() ?? "none")")
      }
      let address = try address(it, length: entry.range.count, target)
      return Program.Segment(
        name: it["name"]?.string ?? tensor, address: address, bytes: Array(container.bytes(of: entry)))
    }
    let sorted = segments.indices.sorted { segments[$0].address < segments[$1].address }
    for (one, next) in zip(sorted, sorted.dropFirst())
    where segments[one].address + UInt64(segments[one].bytes.count) > segments[next].address {
      throw problem("segment", "'\(segments[one].name)' and '\(segments[next].name)' of '\(key)' overlap in DRAM")
    }
    return segments
  }

  private func range(_ json: JSONValue, _ target: Target) throws -> Program.AddressRange {
    let length = try integer(json, "length")
    return Program.AddressRange(address: try address(json, length: length, target), length: length)
  }

  private func symbol(_ json: JSONValue, _ target: Target) throws -> Program.Symbol {
    let range = try range(json, target)
    guard let kind = json["kind"]?.string.flatMap(Program.Symbol.Kind.init(rawValue:)) else {
      throw problem("symbol", "expected a kind of symbol, found \(json["kind"]?.text() ?? "none")")
    }
    return Program.Symbol(name: try string(json, "name"), address: range.address, length: range.length, kind: kind)
  }

  private func binding(_ json: JSONValue, _ target: Target) throws -> Program.Binding {
    guard let type = json["type"] else { throw problem("binding", "expected a type for every input and output") }
    guard let shape = type["shape"]?.integers, TensorType.checkedElementCount(shape) != nil else {
      throw problem("binding", "expected a shape of positive sizes, found \(type["shape"]?.text() ?? "none")")
    }
    let element = try element(type, shape)
    let rowStride = try integer(json, "rowStride")
    let rows = shape.dropLast().reduce(1, *)
    guard rowStride >= 0, rowStride <= target.dramBytes / rows else {
      throw problem("binding", "\(rows) rows with rowStride \(rowStride) do not fit DRAM")
    }
    var binding = Program.Binding(
      name: try string(json, "name"), address: 0, type: TensorType(shape, element), rowStride: rowStride)
    binding.address = try address(json, length: binding.byteSpan, target)
    return binding
  }

  private func element(_ json: JSONValue, _ shape: [Int]) throws -> ElementType {
    switch json["element"]?.string {
    case "f32": return .f32
    case "i8": return .i8
    case "i32": return .i32
    case "q8":
      guard let scales = json["scales"]?.elements?.compactMap(\.number), let zeros = json["zero_points"]?.integers,
        !scales.isEmpty, scales.count == zeros.count, zeros.allSatisfy({ (-128...127).contains($0) }),
        scales.allSatisfy({ Float($0).isFinite && Float($0) > 0 })
      else { throw problem("binding", "expected positive scales and as many zero points of -128...127") }
      guard let axis = json["axis"]?.integer else {
        guard scales.count == 1 else { throw problem("binding", "expected one scale, or an axis") }
        return .q8(Quantization(scale: Float(scales[0]), zeroPoint: Int32(zeros[0])))
      }
      guard shape.indices.contains(axis), shape[axis] == scales.count else {
        throw problem("binding", "expected a scale for every index of axis \(axis)")
      }
      return .q8(Quantization(axis: axis, scales: scales.map { Float($0) }, zeroPoints: zeros.map { Int32($0) }))
    default:
      throw problem(
        "binding", "expected an element type f32, i8, i32 or q8, found \(json["element"]?.text() ?? "none")")
    }
  }

  /// Operations with the runs of their commands; files of before runs have one range for each.
  private func debug(_ list: [JSONValue], into program: inout Program) throws {
    let commands = program.commands.count
    for it in list {
      let operation = program.operations.count
      program.operations.append(
        Program.DebugOperation(text: try string(it, "operation"), line: try integer(it, "line")))
      if it["runs"] == nil {
        program.debug.append(
          Program.DebugRun(first: try integer(it, "first"), count: try integer(it, "count"), operation: operation))
        continue
      }
      for run in try self.list(it["runs"], "runs") {
        guard let numbers = run.elements, numbers.count == 2, let first = numbers[0].integer,
          let count = numbers[1].integer
        else { throw problem("debug", "expected runs as [first, count], found \(run.text())") }
        program.debug.append(Program.DebugRun(first: first, count: count, operation: operation))
      }
    }
    program.debug.sort { ($0.first, $0.count) < ($1.first, $1.count) }
    var end = 0
    for run in program.debug {
      guard run.first >= end, run.count >= 0, run.count <= commands, run.first <= commands - run.count else {
        throw problem("debug", "runs of debug operations must not overlap, and lie within the \(commands) commands")
      }
      end = run.first + run.count
    }
  }

  private func hostSteps(_ list: [JSONValue], _ commands: Int, _ target: Target) throws -> [Program.HostStep] {
    var previous = 0
    return try list.map { it in
      let before = try integer(it, "before")
      guard before >= previous, before <= commands else {
        throw problem("host", "host steps must be ascending and within the \(commands) commands, found \(before)")
      }
      previous = before
      return Program.HostStep(
        before: before, graph: try string(it, "graph"),
        inputs: try self.list(it["inputs"], "inputs").map { try binding($0, target) },
        outputs: try self.list(it["outputs"], "outputs").map { try binding($0, target) },
        reason: try string(it, "reason"))
    }
  }

  private func target(_ json: JSONValue?) throws -> Target {
    guard let json, let timing = json["timing"] else { throw problem("target", "expected a target with its timing") }
    var target = Target(
      name: try string(json, "name"), dim: try integer(json, "dim"),
      scratchpadBanks: try integer(json, "scratchpad_banks"),
      scratchpadRowsPerBank: try integer(json, "scratchpad_rows_per_bank"),
      accumulatorRows: try integer(json, "accumulator_rows"),
      faults: try faults(json), dramBytes: try integer(json, "dram_bytes"), timing: try self.timing(timing))
    for capability in Capability.all where !capability.isLater || json[capability.name] != nil {
      target[keyPath: capability.path] = try boolean(json, capability.name)
    }
    if json["clock_mhz"] != nil { target.clockMHz = try integer(json, "clock_mhz") }
    if let energy = json["energy"] {
      for field in EnergyParameters.fields {
        target.energy[keyPath: field.path] = try integer(energy, EnergyParameters.femtojouleKey(field))
      }
    }
    try check(target)
    guard json["fingerprint"]?.string == target.fingerprint else {
      throw problem("target", "the target's fingerprint does not belong to its parameters: the file was altered")
    }
    return target
  }

  /// Parameters that a file of before this time model lacks have their defaults.
  private func timing(_ json: JSONValue) throws -> Target.Timing {
    let defaults = Target.Timing()
    let isFormer = json["max_in_flight"] == nil
    func value(_ json: JSONValue?, _ key: String, _ former: String? = nil, otherwise: Int) throws -> Int {
      guard let json else { return otherwise }
      if json[key] != nil || !isFormer { return try integer(json, key) }
      if let former, json[former] != nil { return try integer(json, former) }
      return otherwise
    }
    let station = isFormer ? json : json["reservation_station"]
    return Target.Timing(
      busBytes: try value(json, "bus_bytes", "dma_bytes_per_cycle", otherwise: defaults.busBytes),
      dmaLatency: try integer(json, "dma_latency"),
      maxInFlight: try value(json, "max_in_flight", "dma_outstanding_requests", otherwise: defaults.maxInFlight),
      reservationStation: Target.Timing.ReservationStation(
        load: try value(station, "load", "load_queue", otherwise: defaults.reservationStation.load),
        store: try value(station, "store", "store_queue", otherwise: defaults.reservationStation.store),
        execute: try value(station, "execute", "execute_queue", otherwise: defaults.reservationStation.execute),
        overlappingStores: try station.map {
          $0["overlapping_stores"] == nil ? true : try boolean($0, "overlapping_stores")
        }
          ?? true),
      commandSource: try commandSource(json) ?? defaults.commandSource,
      issueCycles: try integer(json, "issue_cycles"),
      instructionCycles: json["instruction_cycles"] == nil
        ? defaults.instructionCycles : try integer(json, "instruction_cycles"),
      minimumComputeRows: try value(json, "minimum_compute_rows", otherwise: defaults.minimumComputeRows),
      scratchpadReadDelay: try value(json, "scratchpad_read_delay", otherwise: defaults.scratchpadReadDelay),
      accumulatorScaleLatency: try value(
        json, "accumulator_scale_latency", otherwise: defaults.accumulatorScaleLatency))
  }

  /// Nil in files from before there was a choice.
  private func commandSource(_ timing: JSONValue) throws -> Target.Timing.CommandSource? {
    if timing["commands"] == nil { return nil }
    let name = try string(timing, "commands")
    guard let source = Target.Timing.CommandSource(rawValue: name) else {
      let known = Target.Timing.CommandSource.allCases.map(\.rawValue).joined(separator: ", ")
      throw problem("target", "expected one of \(known) for 'commands', found '\(name)'")
    }
    return source
  }

  /// Programs from before faults were written down: those that Gemmini's hardware can run are meant for it.
  private func faults(_ json: JSONValue) throws -> Target.Faults {
    guard let faults = json["faults"] else { return try boolean(json, "output_stage") ? .none : .gemmini }
    return Target.Faults(
      shortCompute: try boolean(faults, "short_compute"), rangeOrder: try boolean(faults, "range_order"))
  }

  private func check(_ target: Target) throws {
    if let first = target.problems().first { throw problem("target", "illegal target: \(first.message)") }
  }
}

// MARK: Values

extension ProgramReader {
  private func problem(_ id: String, _ message: String) -> Diagnostic {
    Diagnostic("program.\(id)", "\(container.name): \(message)")
  }

  private func list(_ json: JSONValue?, _ key: String) throws -> [JSONValue] {
    guard let elements = json?.elements else { throw problem("metadata", "expected a list '\(key)'") }
    return elements
  }

  private func integer(_ json: JSONValue, _ key: String) throws -> Int {
    guard let value = json[key]?.integer else {
      throw problem("metadata", "expected a whole number '\(key)', found \(json[key]?.text() ?? "none")")
    }
    return value
  }

  private func boolean(_ json: JSONValue, _ key: String) throws -> Bool {
    guard let value = json[key]?.boolean else {
      throw problem("metadata", "expected true or false for '\(key)', found \(json[key]?.text() ?? "none")")
    }
    return value
  }

  private func string(_ json: JSONValue, _ key: String) throws -> String {
    guard let value = json[key]?.string else {
      throw problem("metadata", "expected a string '\(key)', found \(json[key]?.text() ?? "none")")
    }
    return value
  }

  private func address(_ json: JSONValue, length: Int, _ target: Target) throws -> UInt64 {
    let address = try integer(json, "address")
    guard address >= Target.firstAddress, length >= 0, address <= target.dramBytes,
      length <= target.dramBytes - address
    else {
      throw problem(
        "address", "\(length) bytes at \(address) do not lie in DRAM (\(Target.firstAddress) to \(target.dramBytes))")
    }
    return UInt64(address)
  }
}
