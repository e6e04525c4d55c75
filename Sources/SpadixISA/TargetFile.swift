import SpadixSupport
import Yams

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

/// Walks the YAML tree once, collecting every problem with its line.
struct TargetReader {
  /// What is being read: the file, then each setting.
  var source: SourceText
  var diagnostics = Diagnostics()
  /// Where each parameter stands, for problems found after reading.
  var places: [String: SourceRange] = [:]
  /// The place of what has no mark: the value of the setting that is read.
  var unmarked: SourceRange?

  static let maximumBytes = 1 << 16
  static let maximumNesting = 64

  init(source: SourceText) { self.source = source }

  /// The file, then the settings over it.
  mutating func read(_ settings: [TargetSetting]) throws -> Target {
    let mapping = try mapping()
    var draft = Draft(target: base(mapping))
    let base = draft.target
    visit(mapping, &draft)
    return try finish(&draft, settings, base)
  }

  /// Settings over a target that is whole.
  mutating func read(_ settings: [TargetSetting], base: Target) throws -> Target {
    var draft = Draft(target: base)
    return try finish(&draft, settings, base)
  }

  private mutating func finish(_ draft: inout Draft, _ settings: [TargetSetting], _ base: Target) throws -> Target {
    for setting in settings { visit(setting, &draft) }
    var target = draft.target
    resolve(draft.sizes, &target)
    reportFormerNames()
    for problem in target.problems() {
      diagnostics.report(Diagnostic("target.illegal", problem.message, at: place(problem.parameter)))
    }
    try diagnostics.throwIfErrors()
    noteKeptRows(&target, base)
    target.notes += settings.map { "set \($0.text)" }
    return target
  }

  private mutating func mapping() throws -> Node.Mapping {
    let text = try checkedText()
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Diagnostics([syntaxError(error)])
    } catch {
      throw Diagnostics([Diagnostic("target.yaml", "'\(source.name)' is not YAML")])
    }
    guard let root, let mapping = root.mapping else {
      throw Diagnostics([
        Diagnostic(
          "target.yaml", "expected a mapping of target parameters in '\(source.name)'", at: range(root?.mark),
          help: "spadix targets --yaml spadix prints one to start from")
      ])
    }
    return mapping
  }

  /// A target while its parameters are read.
  struct Draft {
    var target: Target
    var sizes = Sizes()
  }

  mutating func visit(_ mapping: Node.Mapping, _ draft: inout Draft) {
    var (target, sizes) = (draft.target, draft.sizes)
    defer { (draft.target, draft.sizes) = (target, sizes) }
    for (key, value) in mapping {
      let name = key.string ?? ""
      places[name] = range(key.mark, length: name.utf8.count)
      switch name {
      case "base": break
      case "name": target.name = string(value, name) ?? target.name
      case "dim": assign(&target.dim, value, name)
      case "dram_bytes": assign(&target.dramBytes, value, name)
      case "clock_mhz": if let clock = integer(value, name) { target.clockMHz = clock }
      case "energy":
        section(value, name) { reader, key, value, path in
          guard let field = EnergyParameters.fields.first(where: { $0.key == key }) else {
            return EnergyParameters.fields.map(\.key)
          }
          if let energy = reader.energy(value, path) { target.energy[keyPath: field.path] = energy }
          return nil
        }
      case "scratchpad":
        section(value, name) { reader, key, value, path in
          switch key {
          case "banks": reader.assign(&target.scratchpadBanks, value, path)
          case "rows_per_bank": reader.assign(&target.scratchpadRowsPerBank, value, path)
          case "bytes": sizes.scratchpad = reader.integer(value, path)
          default: return ["banks", "rows_per_bank", "bytes"]
          }
          return nil
        }
      case "accumulator":
        section(value, name) { reader, key, value, path in
          switch key {
          case "rows": reader.assign(&target.accumulatorRows, value, path)
          case "bytes": sizes.accumulator = reader.integer(value, path)
          default: return ["rows", "bytes"]
          }
          return nil
        }
      case "capabilities":
        section(value, name) { reader, key, value, path in
          guard let capability = Capability.all.first(where: { $0.name == key }) else {
            return Capability.all.map(\.name)
          }
          reader.assign(&target[keyPath: capability.path], value, path)
          return nil
        }
      case "faults":
        section(value, name) { reader, key, value, path in
          switch key {
          case "short_compute": reader.assign(&target.faults.shortCompute, value, path)
          case "range_order": reader.assign(&target.faults.rangeOrder, value, path)
          default: return ["short_compute", "range_order"]
          }
          return nil
        }
      case "timing":
        section(value, name) { reader, key, value, path in
          if key == "reservation_station" {
            reader.section(value, path) { reader, key, value, path in
              if key == "overlapping_stores" {
                reader.assign(&target.timing.reservationStation.overlappingStores, value, path)
                return nil
              }
              guard let parameter = Self.stations.first(where: { $0.0 == key }) else {
                return Self.stations.map(\.0) + ["overlapping_stores"]
              }
              reader.assign(&target.timing[keyPath: parameter.1], value, path)
              return nil
            }
            return nil
          }
          if key == "commands" {
            reader.assign(&target.timing.commandSource, value, path)
            return nil
          }
          guard let parameter = (Self.timing + Self.formerTiming).first(where: { $0.0 == key }) else {
            return ["commands"] + Self.timing.map(\.0) + ["reservation_station"]
          }
          reader.assign(&target.timing[keyPath: parameter.1], value, path)
          return nil
        }
      default:
        unknown(
          name, places[name],
          [
            "base", "name", "dim", "scratchpad", "accumulator", "capabilities", "faults", "dram_bytes", "timing",
            "clock_mhz", "energy",
          ])
      }
    }
  }

  /// A parameter under both of its names would leave which one counts to chance.
  mutating func reportFormerNames() {
    let present =
      Self.timing.map { ("timing.\($0.0)", $0.1) }
      + Self.stations.map { ("timing.reservation_station.\($0.0)", $0.1) }
    for (former, parameter) in Self.formerTiming {
      guard let range = places["timing.\(former)"], let name = present.first(where: { $0.1 == parameter })?.0,
        let other = places[name]
      else { continue }
      diagnostics.report(
        Diagnostic(
          "target.contradiction", "timing.\(former) is a former name of \(name), which is given as well", at: range,
          notes: [Diagnostic.Note("it is given here", at: other)], help: "leave timing.\(former) out"))
    }
  }

  /// A row has dim elements: with another dim, memories whose size is not given have other sizes in bytes.
  func noteKeptRows(_ target: inout Target, _ base: Target) {
    if target.dim == base.dim { return }
    func note(_ memory: String, _ bytes: Int, _ before: Int, _ rows: String) {
      if places["\(memory).bytes"] != nil || places[rows] != nil { return }
      target.notes.append(
        "dim \(target.dim) keeps the rows of '\(base.name)': its \(memory) has \(bytes) bytes instead of \(before); "
          + "\(memory).bytes or \(rows) gives it another size")
    }
    note("scratchpad", target.scratchpadBytes, base.scratchpadBytes, "scratchpad.rows_per_bank")
    note("accumulator", target.accumulatorBytes, base.accumulatorBytes, "accumulator.rows")
  }

  struct Sizes {
    var scratchpad: Int?
    var accumulator: Int?
  }

  nonisolated(unsafe) static let timing: [(String, WritableKeyPath<Target.Timing, Int>)] = [
    ("dma_latency", \.dmaLatency), ("max_in_flight", \.maxInFlight), ("bus_bytes", \.busBytes),
    ("issue_cycles", \.issueCycles), ("instruction_cycles", \.instructionCycles),
    ("minimum_compute_rows", \.minimumComputeRows),
    ("scratchpad_read_delay", \.scratchpadReadDelay),
    ("accumulator_scale_latency", \.accumulatorScaleLatency),
  ]
  nonisolated(unsafe) static let stations: [(String, WritableKeyPath<Target.Timing, Int>)] = [
    ("load", \.reservationStation.load), ("store", \.reservationStation.store),
    ("execute", \.reservationStation.execute),
  ]
  /// Names of before, still read (docs/targets.md).
  nonisolated(unsafe) static let formerTiming: [(String, WritableKeyPath<Target.Timing, Int>)] = [
    ("dma_outstanding_requests", \.maxInFlight), ("dma_bytes_per_cycle", \.busBytes),
    ("load_queue", \.reservationStation.load), ("store_queue", \.reservationStation.store),
    ("execute_queue", \.reservationStation.execute),
  ]

  /// The YAML parser descends recursively: bound what a hostile file can make it do.
  func checkedText() throws -> String {
    guard source.bytes.count <= Self.maximumBytes else {
      throw Diagnostics([
        Diagnostic(
          "target.too-large",
          "'\(source.name)' has \(source.bytes.count) bytes; a target file has at most \(Self.maximumBytes)")
      ])
    }
    let opens: [UInt8] = [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "?"), UInt8(ascii: "-")]
    var openings = 0
    var comment = false
    for byte in source.bytes {
      if byte == UInt8(ascii: "\n") { comment = false }
      if byte == UInt8(ascii: "#") { comment = true }
      if !comment && opens.contains(byte) { openings += 1 }
    }
    guard openings <= Self.maximumNesting else {
      throw Diagnostics([
        Diagnostic("target.yaml", "'\(source.name)' is nested too deeply for a target file", at: range(nil))
      ])
    }
    guard let text = String(validating: source.bytes, as: UTF8.self) else {
      throw Diagnostics([Diagnostic("target.yaml", "'\(source.name)' is not UTF-8 text")])
    }
    return text
  }

  mutating func base(_ mapping: Node.Mapping) -> Target {
    guard let node = mapping["base"] else { return .spadix }
    guard let name = string(node, "base") else { return .spadix }
    if let preset = Target.preset(named: name) { return preset }
    let known = Target.presets.map(\.name).joined(separator: ", ")
    diagnostics.report(
      Diagnostic("target.base", "there is no preset '\(name)'; expected one of \(known)", at: range(node.mark)))
    return .spadix
  }

  /// `body` returns the keys that it knows when it does not know this one.
  mutating func section(
    _ node: Node, _ name: String,
    _ body: (_ reader: inout TargetReader, _ key: String, _ value: Node, _ path: String) -> [String]?
  ) {
    guard let mapping = node.mapping else {
      diagnostics.report(
        Diagnostic("target.type", "expected a mapping of parameters under '\(name)'", at: range(node.mark)))
      return
    }
    for (key, value) in mapping {
      let keyName = key.string ?? ""
      let path = "\(name).\(keyName)"
      places[path] = range(key.mark, length: keyName.utf8.count)
      if let known = body(&self, keyName, value, path) { unknown(path, places[path], known) }
    }
  }

  mutating func unknown(_ name: String, _ range: SourceRange?, _ known: [String]) {
    diagnostics.report(
      Diagnostic(
        "target.unknown-parameter", "there is no parameter '\(name)'", at: range,
        help: "known here: \(known.joined(separator: ", "))"))
  }

  mutating func assign(_ parameter: inout Int, _ node: Node, _ path: String) {
    if let value = integer(node, path) { parameter = value }
  }

  mutating func assign(_ parameter: inout Bool, _ node: Node, _ path: String) {
    guard let value = node.bool else {
      diagnostics.report(
        Diagnostic("target.type", "expected true or false for '\(path)'\(found(node))", at: range(node.mark)))
      return
    }
    parameter = value
  }

  mutating func assign(_ parameter: inout Target.Timing.CommandSource, _ node: Node, _ path: String) {
    if let source = Target.Timing.CommandSource(rawValue: node.scalar?.string ?? "") {
      parameter = source
      return
    }
    let known = Target.Timing.CommandSource.allCases.map(\.rawValue).joined(separator: ", ")
    diagnostics.report(
      Diagnostic("target.type", "expected one of \(known) for '\(path)'\(found(node))", at: range(node.mark)))
  }

  /// A whole number, with K, M, G for powers of 1024.
  mutating func integer(_ node: Node, _ path: String) -> Int? {
    var text = node.scalar?.string ?? ""
    var factor = 1
    if let last = text.last, let shift = ["K": 10, "M": 20, "G": 30][last] {
      factor = 1 << shift
      text.removeLast()
    }
    if let value = Int(text) {
      let (product, overflow) = value.multipliedReportingOverflow(by: factor)
      if !overflow { return product }
    }
    diagnostics.report(
      Diagnostic("target.type", "expected a whole number for '\(path)'\(found(node))", at: range(node.mark)))
    return nil
  }

  /// Picojoules with up to three decimals, in femtojoules.
  mutating func energy(_ node: Node, _ path: String) -> Int? {
    if let value = EnergyParameters.femtojoules(node.scalar?.string ?? "") { return value }
    diagnostics.report(
      Diagnostic(
        "target.type", "expected picojoules with up to three decimals for '\(path)'\(found(node))", at: range(node.mark)
      ))
    return nil
  }

  mutating func string(_ node: Node, _ path: String) -> String? {
    let legal = node.scalar.map { scalar in
      !scalar.string.isEmpty && scalar.string.utf8.count <= 100
        && scalar.string.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
    }
    if legal == true { return node.scalar?.string }
    diagnostics.report(
      Diagnostic(
        "target.type", "expected a name of letters, digits, '-', '_' and '.' for '\(path)'\(found(node))",
        at: range(node.mark)))
    return nil
  }

  mutating func resolve(_ sizes: Sizes, _ target: inout Target) {
    if let bytes = sizes.scratchpad {
      let row = target.dim.multipliedReportingOverflow(by: target.scratchpadBanks)
      resolve(bytes, row, "scratchpad.bytes", "scratchpad.rows_per_bank", &target.scratchpadRowsPerBank)
    }
    if let bytes = sizes.accumulator {
      resolve(
        bytes, target.dim.multipliedReportingOverflow(by: 4), "accumulator.bytes", "accumulator.rows",
        &target.accumulatorRows)
    }
  }

  mutating func resolve(
    _ bytes: Int, _ row: (partialValue: Int, overflow: Bool), _ path: String, _ rowsPath: String, _ rows: inout Int
  ) {
    // A dim or a number of banks that is out of range has its own diagnostic.
    guard !row.overflow, row.partialValue > 0 else { return }
    guard bytes > 0, bytes % row.partialValue == 0 else {
      diagnostics.report(
        Diagnostic(
          "target.illegal", "\(path) is \(bytes); expected a multiple of \(row.partialValue), one row of every bank",
          at: places[path]))
      return
    }
    if let other = places[rowsPath], rows != bytes / row.partialValue {
      diagnostics.report(
        Diagnostic(
          "target.contradiction",
          "\(path) is \(bytes), which are \(bytes / row.partialValue) rows; \(rowsPath) is \(rows)", at: places[path],
          notes: [Diagnostic.Note("the rows are given here", at: other)], help: "leave one of them out"))
    }
    rows = bytes / row.partialValue
  }

  func found(_ node: Node) -> String {
    guard let text = node.scalar?.string else { return "" }
    return ", found '\(text.prefix(40))'"
  }

  /// The parameter's own line, or that of the size it follows from.
  func place(_ parameter: String) -> SourceRange? {
    if let range = places[parameter] { return range }
    if parameter == "capabilities.pooled_scratchpad_store", let range = places["capabilities.scratchpad_store"] {
      return range
    }
    let section = parameter.prefix { $0 != "." }
    return places["\(section).bytes"] ?? places["\(section).rows"] ?? places[String(section)]
  }

  func range(_ mark: Mark?, length: Int = 1) -> SourceRange {
    guard let mark else { return unmarked ?? SourceRange(source, 0, 1) }
    var line = 1
    var start = 0
    for (offset, byte) in source.bytes.enumerated() {
      if line == mark.line { break }
      if byte == UInt8(ascii: "\n") {
        line += 1
        start = offset + 1
      }
    }
    let column = min(start + max(mark.column - 1, 0), source.bytes.count)
    return SourceRange(source, column, column + max(length, 1))
  }

  func syntaxError(_ error: YamlError) -> Diagnostic {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return Diagnostic("target.yaml", "this is not YAML: \(problem)", at: range(mark))
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.joined(separator: ", ")
      return Diagnostic("target.duplicate", "'\(names)' is given more than once", at: range(context.mark))
    case .no, .memory, .reader, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return Diagnostic("target.yaml", "'\(source.name)' is not YAML")
    }
  }
}
