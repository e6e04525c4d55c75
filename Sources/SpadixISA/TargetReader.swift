import SpadixSupport
import Yams

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
}
