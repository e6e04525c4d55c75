import SpadixISA

/// Runs a program that carries the DRAM content it must leave, and compares.
public struct Conformance: Sendable {
  /// A byte of DRAM that is not what the program says.
  public struct Difference: Sendable, Hashable {
    /// Of the byte.
    public var address: UInt64
    /// As the program's expectation has it.
    public var expected: UInt8
    /// As the run left it.
    public var found: UInt8
  }

  /// The first byte that differs.
  public var first: Difference?
  /// Bytes that differ.
  public var differences = 0
  /// Bytes of all expectations, those without a fixed value too.
  public var bytesCompared = 0
  /// The first store outside all expectations: its command.
  public var strayStore: Int?
  /// What ended the run before its time; nil where nothing did.
  public var fault: Finding?
  /// What the checks found.
  public var log = FindingLog()
  /// What the run did.
  public var counters = Counters()

  /// Those that the log keeps.
  public var findings: [Finding] { log.kept }

  /// The first error that the checks found. A program whose bytes come out right in spite of it is not right: on hardware
  /// they depend on timing, or on what memory held before.
  public var error: Finding? { findings.first { $0.severity == .error } }

  /// The bytes that it must leave, and no others.
  public var isExact: Bool { differences == 0 && fault == nil && strayStore == nil }
  /// Whether the bytes are right and no check found an error.
  public var passes: Bool { isExact && error == nil }

  /// Throws what `Machine.init` throws.
  public init(_ program: Program, options: Machine.Options = Machine.Options()) throws {
    let machine = try Machine(program, options: options)
    machine.run()
    fault = machine.fault
    log = machine.log
    counters = machine.counters
    for segment in program.expectations {
      let found = try machine.readDram(segment.address, count: segment.bytes.count)
      bytesCompared += found.count
      if found == segment.bytes { continue }
      for (offset, pair) in zip(segment.bytes, found).enumerated() where pair.0 != pair.1 {
        let address = segment.address + UInt64(offset)
        if Self.contains(program.unspecified, address, 1) { continue }
        if first == nil { first = Difference(address: address, expected: pair.0, found: pair.1) }
        differences += 1
      }
    }
    strayStore = Self.strayStore(program)
  }

  private static func contains(_ ranges: [Program.AddressRange], _ address: UInt64, _ count: Int) -> Bool {
    ranges.contains { address >= $0.address && address + UInt64(count) <= $0.address + UInt64($0.length) }
  }

  /// The first command that stores a byte outside the expectations, found from the commands alone.
  private static func strayStore(_ program: Program) -> Int? {
    let ranges = union(
      program.expectations.map { Program.AddressRange(address: $0.address, length: $0.bytes.count) }
        + program.unspecified)
    var stray: Int?
    try? program.forEachStep { it, chunk in
      guard it.kind == .store, it.normalization == 0, stray == nil else { return }
      Transfer.forEach(storedBy: it, chunk.stores[Int(it.configuration)]) { transfer in
        for row in 0..<transfer.rows where stray == nil {
          if !contains(ranges, transfer.address(row), transfer.bytes) { stray = Int(it.command) }
        }
      }
    }
    return stray
  }

  /// Ranges in ascending order, those that touch joined.
  private static func union(_ ranges: [Program.AddressRange]) -> [Program.AddressRange] {
    var joined: [Program.AddressRange] = []
    for range in ranges.sorted(by: { $0.address < $1.address }) {
      if let last = joined.last, range.address <= last.address + UInt64(last.length) {
        let end = max(last.address + UInt64(last.length), range.address + UInt64(range.length))
        joined[joined.count - 1].length = Int(end - last.address)
      } else {
        joined.append(range)
      }
    }
    return joined
  }
}
