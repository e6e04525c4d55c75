import SpadixSupport

/// What each event of a program costs in energy, for figures that are modelled like cycles: events times these.
///
/// In femtojoules; a target file gives picojoules with up to three decimals. All are zero unless a target says otherwise,
/// since they depend on a process and a memory that nobody but its designer knows.
public struct EnergyParameters: Hashable, Sendable {
  /// A useful multiply-accumulate.
  var mac = 0
  /// A byte on the bus to or from DRAM.
  var dramByte = 0
  /// A byte read from or written to the scratchpad.
  var scratchpadByte = 0
  /// A byte read from or written to the accumulator.
  var accumulatorByte = 0
  /// A command issued.
  public var command = 0
  /// A cycle, whatever happens in it: clock and leakage.
  var cycle = 0

  public init() {}

  /// Whether nothing costs anything, as without `energy` in the target file: there are no figures then.
  public var isEmpty: Bool { self == EnergyParameters() }

  /// Largest parameter: 100 nJ, beyond anything a byte of DRAM costs.
  static let maximum = 100_000_000

  /// One parameter, for all that reads, prints and adds them up.
  public struct Field: @unchecked Sendable {
    /// Under `energy` in a target file.
    public let key: String
    /// In reports.
    public let label: String
    /// In femtojoules.
    public let path: WritableKeyPath<EnergyParameters, Int>
  }

  /// In the order of files and reports.
  public static let fields: [Field] = [
    Field(key: "mac_pj", label: "MACs", path: \.mac), Field(key: "dram_byte_pj", label: "DRAM", path: \.dramByte),
    Field(key: "scratchpad_byte_pj", label: "scratchpad", path: \.scratchpadByte),
    Field(key: "accumulator_byte_pj", label: "accumulator", path: \.accumulatorByte),
    Field(key: "command_pj", label: "commands", path: \.command),
    Field(key: "cycle_pj", label: "cycles", path: \.cycle),
  ]

  /// `0.25` for 250 femtojoules.
  static func picojoules(_ femtojoules: Int) -> String {
    let rest = femtojoules % 1000
    if rest == 0 { return String(femtojoules / 1000) }
    var digits = String(rest + 1000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(femtojoules / 1000).\(digits)"
  }

  /// Femtojoules of a decimal number of picojoules with at most three decimals; nil for other text.
  static func femtojoules(_ text: String) -> Int? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isDigit) }),
      let whole = Int(parts[0]), whole <= maximum
    else { return nil }
    if parts.count == 1 { return whole * 1000 }
    guard parts[1].count <= 3, let rest = Int(parts[1]) else { return nil }
    return whole * 1000 + rest * [1, 100, 10, 1][parts[1].count]
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// The parameters as a program carries them, in femtojoules.
  var json: JSONValue {
    .object(Self.fields.map { .init(Self.femtojouleKey($0), .integer(self[keyPath: $0.path])) })
  }

  /// `mac_fj` for `mac_pj`.
  static func femtojouleKey(_ field: Field) -> String { field.key.dropLast(2) + "fj" }
}
