import SpadixISA
import SpadixSupport

/// What the machine watches for. Each can be turned off; a check that is off costs nothing.
public struct CheckSet: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Local rows read before any write.
  static let initialized = CheckSet(rawValue: 1 << 0)
  /// DRAM bytes read that no segment, input or store gave a value.
  static let dram = CheckSet(rawValue: 1 << 1)
  /// Configuration used before it is set, computes without a preload.
  static let configured = CheckSet(rawValue: 1 << 2)
  /// Shapes that hardware cannot do though the functional model can.
  public static let limits = CheckSet(rawValue: 1 << 3)
  /// Output-stationary sums beyond the width of the mesh.
  static let meshWidth = CheckSet(rawValue: 1 << 4)
  /// Dependent DRAM transfers without a fence between them.
  static let fences = CheckSet(rawValue: 1 << 5)
  /// One row or byte written twice without an order.
  static let writeOrder = CheckSet(rawValue: 1 << 6)
  /// Operands that are garbage where the result depends on them.
  static let garbage = CheckSet(rawValue: 1 << 7)
  /// Places where hardware, library and functional model disagree.
  static let portability = CheckSet(rawValue: 1 << 8)
  /// Remarks: results stored over without being read, tiles loaded again unchanged.
  static let waste = CheckSet(rawValue: 1 << 9)

  /// What Gemmini's hardware gets wrong, on targets that say so.
  public static let hardwareFaults = CheckSet(rawValue: 1 << 10)

  /// Every check, the remarks of `waste` too.
  public static let all = CheckSet(rawValue: (1 << 11) - 1)
  /// All but the remarks, which correct programs have reason to cause.
  public static let standard = all.subtracting(.waste)

  /// Name, as the command line has it, and meaning of each check, in the order of the documentation.
  static let named: [(name: String, check: CheckSet, summary: String)] = [
    ("initialized", .initialized, "local rows are written before they are read"),
    ("dram", .dram, "DRAM bytes have a value before they are read"),
    ("configured", .configured, "configuration is set before it is used; a preload stands before its compute"),
    ("limits", .limits, "rows, columns, block strides, transposes and windows are what hardware can do"),
    ("mesh-width", .meshWidth, "output-stationary sums fit the 20 bits of the mesh"),
    ("fences", .fences, "a fence stands between dependent DRAM transfers"),
    ("write-order", .writeOrder, "no row or byte is written twice without an order"),
    ("garbage", .garbage, "operands that the result depends on are not garbage"),
    ("portability", .portability, "nothing is used that hardware and functional model do differently"),
    ("hardware-faults", .hardwareFaults, "nothing meets the faults of Gemmini's hardware, where the target has them"),
    ("waste", .waste, "remarks: dead stores and redundant loads (off by default)"),
  ]

  /// Reads `all`, `none`, `default`, or names separated by commas; `no-` before a name takes it out of the set.
  ///
  /// Throws `machine.check-name` for names that there are not.
  public init(parsing text: String) throws {
    var set: CheckSet = text.hasPrefix("no-") ? .standard : []
    for name in text.split(separator: ",").map(String.init) {
      switch name {
      case "all": set.formUnion(.all)
      case "none": set = []
      case "default": set.formUnion(.standard)
      default:
        let negated = name.hasPrefix("no-")
        let bare = negated ? String(name.dropFirst(3)) : name
        guard let check = Self.named.first(where: { $0.name == bare })?.check else {
          throw Diagnostic(
            "machine.check-name", "there is no check '\(bare)'",
            help: "expected all, none, default or some of \(Self.named.map(\.name).joined(separator: ", "))")
        }
        if negated { set.subtract(check) } else { set.formUnion(check) }
      }
    }
    self = set
  }
}

/// Something that a check found, at one command.
public struct Finding: Error, Hashable, Sendable {
  /// `machine.RULE`, the id of its diagnostic.
  public var id: String
  /// An error makes the program wrong on some hardware; warnings and remarks leave its results alone.
  public var severity: Diagnostic.Severity
  /// Index of the command in the program.
  public var command: Int
  /// Lower case, without the command; `diagnostic` adds that.
  public var message: String
  /// The earlier command that has to do with it.
  var earlier: Int?

  init(
    _ id: String, _ command: Int, _ message: String, earlier: Int? = nil, severity: Diagnostic.Severity = .error
  ) {
    self.id = id
    self.severity = severity
    self.command = command
    self.message = message
    self.earlier = earlier
  }

  /// The finding with disassembly and the operation it came from.
  public func diagnostic(in program: Program) -> Diagnostic {
    var notes: [Diagnostic.Note] = []
    func describe(_ index: Int) -> String {
      guard program.commands.indices.contains(index) else { return "command \(index)" }
      var text = "command \(index): \(Assembly.text(program.commands[index]))"
      if let operation = program.operation(ofCommand: index) {
        text += operation.line > 0 ? " (line \(operation.line): \(operation.text))" : " (\(operation.text))"
      }
      return text
    }
    if let earlier { notes.append(Diagnostic.Note("earlier, \(describe(earlier))")) }
    return Diagnostic(id, "\(message), in \(describe(command))", severity: severity, notes: notes)
  }
}
