import SpadixSupport

extension Target {
  /// A preset by name, or a target file by path.
  ///
  /// Throws `target.unknown` when it is neither, and what `Target.init(yaml:)` throws.
  public static func named(_ nameOrPath: String) throws -> Target {
    try named(nameOrPath, settings: [])
  }

  /// The same with parameters set by `--set`, each of which counts over what preset or file say.
  ///
  /// Throws also all problems of the settings, as those of a file at the text of the option.
  public static func named(_ nameOrPath: String, settings: [TargetSetting]) throws -> Target {
    if let preset = preset(named: nameOrPath) { return try preset.with(settings) }
    guard nameOrPath == "-" || nameOrPath.contains("/") || nameOrPath.contains(".") else {
      let known = presets.map(\.name).joined(separator: ", ")
      throw Diagnostic(
        "target.unknown", "there is no target '\(nameOrPath)'; the presets are \(known)",
        help: "a target file is given by its path: ./\(nameOrPath).yaml")
    }
    var reader = TargetReader(source: try Files.readSource(nameOrPath))
    return try reader.read(settings)
  }

  /// The target with parameters set by `--set`. Throws all problems of the settings.
  public func with(_ settings: [TargetSetting]) throws -> Target {
    if settings.isEmpty { return self }
    var reader = TargetReader(source: settings[0].source)
    return try reader.read(settings, base: self)
  }

  /// Reads a target file. Keys that it leaves out come from its `base` (default `spadix`).
  ///
  /// Throws `Diagnostics`, all problems of the file with their lines.
  public init(yaml source: SourceText) throws {
    var reader = TargetReader(source: source)
    self = try reader.read([])
  }

  private var capabilityLines: String {
    Capability.all.map { capability in
      let line = "  \(capability.name): \(self[keyPath: capability.path])"
      return capability.comment.isEmpty ? line : line + "        # \(capability.comment)"
    }.joined(separator: "\n")
  }

  /// The target as a file that reads back as the same target.
  public var yaml: String {
    """
    name: \(name)
    dim: \(dim)                        # rows and columns of the array
    scratchpad:
      banks: \(scratchpadBanks)
      rows_per_bank: \(scratchpadRowsPerBank)          # \(scratchpadBytes) bytes together
    accumulator:
      rows: \(accumulatorRows)                   # \(accumulatorBytes) bytes
    capabilities:
    \(capabilityLines)
    faults:                        # what the hardware gets wrong: checked, and not produced
      short_compute: \(faults.shortCompute)
      range_order: \(faults.rangeOrder)
    dram_bytes: \(dramBytes)
    timing:                        # modelled cycles only
      dma_latency: \(timing.dmaLatency)              # of the memory system, from request to first beat
      max_in_flight: \(timing.maxInFlight)            # reads, and as many writes
      bus_bytes: \(timing.busBytes)                # of a beat, each direction one in a cycle
      reservation_station:
        load: \(timing.reservationStation.load)
        store: \(timing.reservationStation.store)
        execute: \(timing.reservationStation.execute)
        overlapping_stores: \(timing.reservationStation.overlappingStores)
      commands: \(timing.commandSource.rawValue)              # ideal, exported_c or command_list: where they come from
      issue_cycles: \(timing.issueCycles)              # between commands, at least
      instruction_cycles: \(timing.instructionCycles)        # of a processor, in exported C
      minimum_compute_rows: \(timing.minimumComputeRows)
      scratchpad_read_delay: \(timing.scratchpadReadDelay)
      accumulator_scale_latency: \(timing.accumulatorScaleLatency)
    \(clockMHz.map { "clock_mhz: \($0)" } ?? "# clock_mhz: 500               gives milliseconds")
    \(energyYAML)

    """
  }

  private var energyYAML: String {
    if energy.isEmpty { return "# energy: {mac_pj: 0.2, dram_byte_pj: 20, ...}   gives energy" }
    return "energy:                        # picojoules; modelled energy only\n"
      + EnergyParameters.fields.map {
        "  \($0.key): \(EnergyParameters.picojoules(energy[keyPath: $0.path]))"
      }.joined(separator: "\n")
  }
}
