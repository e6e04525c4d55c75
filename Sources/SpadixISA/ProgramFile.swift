import SpadixSupport
import SpadixTensor

/// The `.spxo` file of a program: a safetensors file with the commands, the DRAM image and one metadata entry.
///
/// Tensors: `commands` u64[n, 3] (funct, rs1, rs2), `dram.<k>` u8, `expect.<k>` u8. The metadata entry is `spadix`, or
/// `gemmini` for recorded programs of Gemmini's conformance suite.
extension Program {
  /// What the metadata of Spadix's own files begin with.
  static let format = "spadix-program-1"
  /// What the metadata of recorded programs begin with.
  static let traceFormat = "gemmini-trace-1"

  /// Whether a path is one of programs: `.safetensors` are recorded ones, `.s` assembly text.
  public static func isProgram(_ path: String) -> Bool {
    [".spxo", ".safetensors", ".s"].contains { path.hasSuffix($0) }
  }

  /// Reads a program file, or assembly text where the name ends in `.s`; `-` is standard input, with either of them.
  ///
  /// Throws `program.*` and `asm.*` diagnostics for anything but a legal program.
  public init(reading path: String) throws {
    if path.hasSuffix(".s") {
      try self.init(assembly: Files.readSource(path))
      return
    }
    let bytes = try Files.read(path)
    if path == "-" {
      let name = "<standard input>"
      if Safetensors.isContainer(bytes) {
        try self.init(file: bytes, name: name)
      } else {
        try self.init(assembly: SourceText(name: name, bytes: bytes))
      }
    } else {
      try self.init(file: bytes, name: path)
    }
  }

  /// Reads the bytes of a program file.
  ///
  /// Throws `program.*` diagnostics that name the file as `name`.
  public init(file: [UInt8], name: String) throws {
    try self.init(container: Safetensors(file: file, name: name))
  }

  /// Reads a program out of a container that is read already. Throws `program.*` diagnostics.
  public init(container: Safetensors) throws {
    var reader = ProgramReader(container: container)
    self = try reader.read()
  }

  /// The file as bytes: the same program gives the same bytes.
  public func serialized() -> [UInt8] {
    var writer = SafetensorsWriter()
    writer.metadata = [Safetensors.Metadata("spadix", metadata().text())]
    writer.add("commands", .u64, shape: [commands.count, 3], bytes: Self.bytes(of: commands))
    for (index, segment) in segments.enumerated() {
      writer.add("dram.\(index)", .u8, shape: [segment.bytes.count], bytes: segment.bytes)
    }
    for (index, segment) in expectations.enumerated() {
      writer.add("expect.\(index)", .u8, shape: [segment.bytes.count], bytes: segment.bytes)
    }
    return writer.serialized()
  }

  /// Writes `serialized()`. Throws `file.*` diagnostics.
  public func write(to path: String) throws { try Files.write(serialized(), to: path) }

  static func bytes(of commands: [Command]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: commands.count * 24) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for (index, command) in commands.enumerated() {
        raw.storeBytes(of: UInt64(command.funct).littleEndian, toByteOffset: 24 * index, as: UInt64.self)
        raw.storeBytes(of: command.rs1.littleEndian, toByteOffset: 24 * index + 8, as: UInt64.self)
        raw.storeBytes(of: command.rs2.littleEndian, toByteOffset: 24 * index + 16, as: UInt64.self)
      }
      count = commands.count * 24
    }
  }
}

// MARK: Metadata

extension Program {
  /// Everything but commands and bytes, as stands in the metadata entry.
  func metadata() -> JSONValue {
    var runs = [[JSONValue]](repeating: [], count: operations.count)
    for run in debug { runs[run.operation].append([.integer(run.first), .integer(run.count)]) }
    var members: [JSONValue.Member] = [
      .init("format", .string(Self.format)),
      .init("target", target.json),
      .init("segments", .array(segments.enumerated().map { Self.json($1, tensor: "dram.\($0)") })),
      .init("inputs", .array(inputs.map(\.json))),
      .init("outputs", .array(outputs.map(\.json))),
      .init(
        "symbols",
        .array(
          symbols.map {
            [
              "name": .string($0.name), "address": .integer(Int($0.address)), "length": .integer($0.length),
              "kind": .string($0.kind.rawValue),
            ]
          })),
      .init(
        "debug",
        .array(
          zip(operations, runs).map { operation, runs in
            ["operation": .string(operation.text), "line": .integer(operation.line), "runs": .array(runs)]
          })),
      .init(
        "host",
        .array(
          hostSteps.map {
            [
              "before": .integer($0.before), "reason": .string($0.reason), "graph": .string($0.graph),
              "inputs": .array($0.inputs.map(\.json)), "outputs": .array($0.outputs.map(\.json)),
            ]
          })),
    ]
    if !parts.isEmpty { members.append(.init("parts", .array(parts.map(\.json)))) }
    if !expectations.isEmpty {
      members.append(
        .init("expect", .array(expectations.enumerated().map { Self.json($1, tensor: "expect.\($0)") })))
    }
    if !unspecified.isEmpty {
      members.append(
        .init(
          "unspecified",
          .array(unspecified.map { ["address": .integer(Int($0.address)), "length": .integer($0.length)] })))
    }
    return .object(members)
  }

  private static func json(_ segment: Segment, tensor: String) -> JSONValue {
    ["tensor": .string(tensor), "name": .string(segment.name), "address": .integer(Int(segment.address))]
  }
}

extension Target {
  /// Parameters and fingerprint, as a program carries them.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(name)), .init("fingerprint", .string(fingerprint)), .init("dim", .integer(dim)),
      .init("scratchpad_banks", .integer(scratchpadBanks)),
      .init("scratchpad_rows_per_bank", .integer(scratchpadRowsPerBank)),
      .init("accumulator_rows", .integer(accumulatorRows)),
    ]
    members += Capability.all.map { .init($0.name, .boolean(self[keyPath: $0.path])) }
    members += [
      .init(
        "faults",
        ["short_compute": .boolean(faults.shortCompute), "range_order": .boolean(faults.rangeOrder)]),
      .init("dram_bytes", .integer(dramBytes)), .init("timing", timingJSON),
    ]
    if let clockMHz { members.append(.init("clock_mhz", .integer(clockMHz))) }
    if !energy.isEmpty { members.append(.init("energy", energy.json)) }
    return .object(members)
  }

  private var timingJSON: JSONValue {
    [
      "dma_latency": .integer(timing.dmaLatency), "max_in_flight": .integer(timing.maxInFlight),
      "bus_bytes": .integer(timing.busBytes),
      "reservation_station": [
        "load": .integer(timing.reservationStation.load), "store": .integer(timing.reservationStation.store),
        "execute": .integer(timing.reservationStation.execute),
        "overlapping_stores": .boolean(timing.reservationStation.overlappingStores),
      ],
      "commands": .string(timing.commandSource.rawValue), "issue_cycles": .integer(timing.issueCycles),
      "instruction_cycles": .integer(timing.instructionCycles),
      "minimum_compute_rows": .integer(timing.minimumComputeRows),
      "scratchpad_read_delay": .integer(timing.scratchpadReadDelay),
      "accumulator_scale_latency": .integer(timing.accumulatorScaleLatency),
    ]
  }
}

extension Program.Binding {
  var json: JSONValue {
    var type: [JSONValue.Member] = [.init("shape", .array(self.type.shape.map { .integer($0) }))]
    switch self.type.element {
    case .f32: type.append(.init("element", "f32"))
    case .i8: type.append(.init("element", "i8"))
    case .i32: type.append(.init("element", "i32"))
    case .q8(let quantization):
      type.append(.init("element", "q8"))
      if let axis = quantization.axis { type.append(.init("axis", .integer(axis))) }
      type.append(.init("scales", .array(quantization.scales.map { .number(Double($0)) })))
      type.append(.init("zero_points", .array(quantization.zeroPoints.map { .integer(Int($0)) })))
    }
    return [
      "name": .string(name), "address": .integer(Int(address)), "type": .object(type),
      "rowStride": .integer(rowStride),
    ]
  }
}
