import SpadixMachine
import SpadixSupport

extension JSONReport {
  /// Reads a report that `--report=json` wrote.
  ///
  /// Throws `report.format` for something else, and `report.malformed` with the place of a member that is missing or of
  /// another kind.
  public init(parsing source: SourceText) throws {
    let json = try JSONValue(parsing: source)
    guard json["format"]?.string == Self.format else {
      throw Diagnostic(
        "report.format", "'\(source.name)' is no report of this version; expected \"format\": \"\(Self.format)\"",
        help: "spadix compile --report=json writes one")
    }
    let report = try CompilationReport(ReportFields(json, source))
    self.init(report, verification: json["verification"])
  }
}

/// The members of an object in a report, with the way to it for diagnostics.
struct ReportFields {
  private let json: JSONValue
  private let source: SourceText
  private let path: String

  init(_ json: JSONValue, _ source: SourceText, path: String = "") {
    self.json = json
    self.source = source
    self.path = path
  }

  private func child(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private func problem(_ key: String, _ expected: String) -> Diagnostic {
    Diagnostic(
      "report.malformed", "expected \(expected) for '\(child(key))'",
      at: JSONValue.range(of: child(key), in: source), help: "spadix compile --report=json writes reports")
  }

  private func value(_ key: String) -> JSONValue? { json[key] == .null ? nil : json[key] }

  /// Beyond this nothing in a report is a count, and sums over as many elements as a list may have stay far from the
  /// limits of Int, whatever a file says.
  private static let largest = 1 << 43
  private static let maximumElements = 1 << 17

  func optionalInteger(_ key: String, below limit: Int = largest) throws -> Int? {
    guard let value = value(key) else { return nil }
    guard let integer = value.integer, (-limit...limit).contains(integer) else {
      throw problem(key, "a whole number of at most \(limit)")
    }
    return integer
  }

  func integer(_ key: String, below limit: Int = largest) throws -> Int {
    guard let value = try optionalInteger(key, below: limit) else { throw problem(key, "a whole number") }
    guard value >= 0 else { throw problem(key, "a number that is not negative") }
    return value
  }

  private func list(_ key: String, _ expected: String) throws -> [JSONValue] {
    guard let elements = value(key)?.elements else { throw problem(key, expected) }
    guard elements.count <= Self.maximumElements else {
      throw problem(key, "at most \(Self.maximumElements) elements")
    }
    return elements
  }

  func optionalString(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    guard let string = value.string else { throw problem(key, "a string") }
    return string
  }

  func string(_ key: String) throws -> String {
    guard let string = try optionalString(key) else { throw problem(key, "a string") }
    return string
  }

  func boolean(_ key: String) throws -> Bool {
    guard let boolean = value(key)?.boolean else { throw problem(key, "true or false") }
    return boolean
  }

  /// One of the values of an enumeration.
  func named<Name: RawRepresentable & CaseIterable>(_ key: String) throws -> Name where Name.RawValue == String {
    guard let name = Name(rawValue: try string(key)) else {
      throw problem(key, "one of \(Name.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return name
  }

  func optionalObject(_ key: String) throws -> ReportFields? {
    guard let value = value(key) else { return nil }
    guard value.members != nil else { throw problem(key, "an object") }
    return ReportFields(value, source, path: child(key))
  }

  func object(_ key: String) throws -> ReportFields {
    guard let object = try optionalObject(key) else { throw problem(key, "an object") }
    return object
  }

  func objects(_ key: String) throws -> [ReportFields] {
    let elements = try list(key, "a list of objects")
    guard elements.allSatisfy({ $0.members != nil }) else { throw problem(key, "a list of objects") }
    return elements.enumerated().map { ReportFields($1, source, path: "\(child(key))[\($0)]") }
  }

  func strings(_ key: String) throws -> [String] {
    let elements = try list(key, "a list of strings")
    guard elements.allSatisfy({ $0.string != nil }) else { throw problem(key, "a list of strings") }
    return elements.compactMap(\.string)
  }

  func integers(_ key: String) throws -> [Int] {
    let integers = try list(key, "a list of whole numbers").compactMap(\.integer)
    guard integers.count == value(key)?.elements?.count, integers.allSatisfy({ (0...Self.largest).contains($0) }) else {
      throw problem(key, "a list of whole numbers")
    }
    return integers
  }

  /// Pairs of whole numbers, or null.
  func spans(_ key: String) throws -> [QueueProfile.Span?] {
    try list(key, "a list").map { element in
      if element == .null { return nil }
      guard let pair = element.integers, pair.count == 2, 0 <= pair[0], pair[0] <= pair[1], pair[1] <= Self.largest
      else {
        throw problem(key, "pairs of whole numbers")
      }
      return QueueProfile.Span(first: pair[0], last: pair[1])
    }
  }
}

extension CompilationReport {
  init(_ it: ReportFields) throws {
    self.init(
      graph: try it.string("graph"), target: try TargetReport(it.object("target")),
      calibration: try it.optionalString("calibration"),
      operators: try it.objects("operators").map { try OperatorReport($0) },
      schedule: try ScheduleReport(it.object("schedule")), scratchpadPeakRows: try it.integer("scratchpad_peak_rows"),
      accumulatorPeakRows: try it.integer("accumulator_peak_rows"), commands: try it.integer("commands"),
      dramImageBytes: try it.integer("dram_image_bytes"), time: nil,
      allocation: try it.objects("allocation").map { try AllocationReport($0) })
    command = try it.optionalString("command")
    if let cycles = try it.optionalObject("cycles_bound_by") {
      let bus = try it.object("bus_bytes")
      time = TimeReport(
        cycles: try Counters.Cycles(cycles), busRead: try bus.integer("read"), busWritten: try bus.integer("written"))
    }
    whatIfs = try it.objects("what_if").map {
      WhatIf(
        parameter: try $0.string("parameter"), present: try $0.integer("present"), changed: try $0.integer("changed"),
        cycles: try $0.integer("cycles_modelled"))
    }
    if let energy = try it.optionalObject("energy_pj_modelled") {
      self.energy = EnergyReport(picojoules: try EnergyReport.keys.map { try energy.integer($0, below: 1 << 60) })
    }
    working = try it.objects("working_rows").map {
      WorkingRowsReport(step: try $0.integer("step"), row: try $0.integer("row"), rows: try $0.integer("rows"))
    }
    groups = try it.objects("groups").map {
      let (first, last) = (try $0.integer("first_step"), try $0.integer("last_step"))
      return GroupReport(
        steps: first..<max(first, last) + 1, strips: try $0.integer("strips"), row: try $0.integer("row"),
        rows: try $0.integer("rows"))
    }
    timeline = try it.optionalObject("timeline").map { try TimelineReport($0) }
    messages = try it.objects("messages").map {
      MessageReport(
        severity: try $0.string("severity"), id: try $0.string("id"), message: try $0.string("message"),
        place: try $0.optionalString("place"), help: try $0.optionalString("help"))
    }
  }
}

extension TargetReport {
  fileprivate init(_ it: ReportFields) throws {
    self.init(
      name: try it.string("name"), fingerprint: try it.string("fingerprint"), dim: try it.integer("dim"),
      scratchpadRows: try it.integer("scratchpad_rows"), accumulatorRows: try it.integer("accumulator_rows"),
      busBytes: try it.integer("bus_bytes"), clockMHz: try it.optionalInteger("clock_mhz"),
      notes: try it.strings("notes"))
  }
}

extension ScheduleReport {
  fileprivate init(_ it: ReportFields) throws {
    self.init(
      formulation: try it.string("formulation"), objective: try it.optionalString("objective"),
      bytes: try it.integer("traffic_bytes"), bytesBound: try it.optionalInteger("bound_bytes"),
      cycles: try it.integer("planned_cycles"), cyclesBound: try it.optionalInteger("bound_cycles"),
      isProven: try it.boolean("proven"), closedBy: try it.string("closed_by"), rows: try it.integer("rows"),
      columns: try it.integer("columns"), nodes: try it.integer("nodes"), whyOpen: try it.strings("why_open"),
      front: try it.objects("front").map {
        FrontPoint(
          objective: try $0.string("objective"), cycles: try $0.integer("planned_cycles"),
          bytes: try $0.integer("traffic_bytes"))
      })
  }
}

extension OperatorReport {
  fileprivate init(_ it: ReportFields) throws {
    func places(_ key: String) throws -> [Place] {
      try it.strings(key).map { text in
        guard let place = Place(rawValue: text) else {
          throw Diagnostic(
            "report.malformed",
            "expected one of \(Place.allCases.map(\.rawValue).joined(separator: ", ")) in '\(key)', found '\(text)'")
        }
        return place
      }
    }
    self.init(
      name: try it.string("name"), kind: try it.named("kind"), hostReason: try it.optionalString("host_reason"),
      sourceLine: try it.optionalInteger("line"), traffic: try DRAMTraffic(it.object("dram_bytes")),
      arrayCycles: try it.integer("array_cycles_modelled"), issuedMACs: try it.integer("issued_macs"),
      usefulMACs: try it.integer("useful_macs"), scratchpadRows: try it.integer("scratchpad_rows"),
      accumulatorRows: try it.integer("accumulator_rows"), commands: try it.integer("commands"),
      operands: try places("operands"), results: try places("results"), tiling: try it.string("tiling"))
    cycles = try it.optionalObject("cycles_bound_by").map { try Counters.Cycles($0) }
  }
}

extension DRAMTraffic {
  fileprivate init(_ it: ReportFields) throws {
    self.init()
    for field in Self.fields { self[keyPath: field.path] = try it.integer(field.key) }
  }
}

extension Counters.Cycles {
  fileprivate init(_ it: ReportFields) throws {
    self.init()
    // An operator's part of what no operation accounts for may be negative.
    for part in parts { self[keyPath: part.path] = try it.optionalInteger(part.key) ?? 0 }
  }
}

extension AllocationReport {
  fileprivate init(_ it: ReportFields) throws {
    self.init(
      tensor: try it.string("tensor"), firstStep: try it.integer("first_step"), lastStep: try it.integer("last_step"),
      row: try it.integer("row"), rows: try it.integer("rows"), origin: try it.string("origin"),
      spilled: try it.boolean("spilled"))
  }
}

extension TimelineReport {
  fileprivate init(_ it: ReportFields) throws {
    self.init(
      cyclesPerBin: max(1, try it.integer("cycles_per_bin")), load: try it.integers("load"),
      execute: try it.integers("execute"), store: try it.integers("store"), operators: try it.spans("operators"))
  }
}
