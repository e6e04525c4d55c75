import SpadixISA
import SpadixSupport

/// What a run did, in total and for each operation. Counted, not modelled, except `cycles`.
public struct Counters: Sendable {
  /// Classes of DRAM traffic: the kinds of symbols, what lies outside all symbols, and commands, where the target's timing
  /// has them read from memory (counted when time is modelled).
  public static let classes = Program.Symbol.Kind.allCases.map(\.rawValue) + ["other", "commands"]

  /// What some commands did.
  public struct Activity: Sendable, Hashable {
    /// Bytes by class, in the order of `Counters.classes`. A row that a stride of 0 repeats counts once.
    public var dramRead = [Int](repeating: 0, count: classes.count)
    /// Bytes by class, in the order of `Counters.classes`.
    public var dramWritten = [Int](repeating: 0, count: classes.count)
    /// Multiplications inside the logical shapes.
    public var usefulMACs = 0
    /// Array cycles times the size of the array.
    var issuedMACs = 0
    /// Cycles in which the array is busy, as `ArrayOccupancy` adds them up; no time model is needed.
    public var arrayCycles = 0
    /// Steps: moves and computes.
    var loads = 0
    /// Steps that move rows to DRAM.
    var stores = 0
    /// Steps that move rows to the scratchpad.
    var scratchpadStores = 0
    /// Steps of the array.
    var computes = 0
    /// As commands.
    var fences = 0
    /// Modelled; zero when no time was modelled.
    public var cycles = Cycles()
    /// Bytes of requests on the bus, whole beats; zero when no time was modelled.
    public var busRead = 0
    /// As `busRead`.
    public var busWritten = 0
    /// Bytes of whole local rows that moves and computes read and write; a result added to the accumulator is both.
    public var scratchpadBytes = 0
    /// Bytes of whole rows of `dim` int32, as `scratchpadBytes`.
    public var accumulatorBytes = 0

    /// Bytes of the class "commands".
    public var commandBytes: Int { dramRead.last ?? 0 }
    /// Of all classes.
    public var dramReadBytes: Int { dramRead.reduce(0, +) }
    /// Of all classes.
    public var dramWrittenBytes: Int { dramWritten.reduce(0, +) }
    /// Useful over issued MACs, 0...1; nil without computes.
    var utilization: Double? { issuedMACs == 0 ? nil : Double(usefulMACs) / Double(issuedMACs) }
  }

  /// Modelled cycles, split by what bounds the run in each of them.
  public struct Cycles: Sendable, Hashable {
    /// The array works, or its results are on their way.
    public var array = 0
    /// Loads are under way, the memory's latency included.
    public var load = 0
    /// Stores are under way, the memory's latency included.
    public var store = 0
    /// Commands wait in the reservation station, for rows or for their unit.
    public var dependence = 0
    /// Nothing has come from the processor yet, or the station is full.
    public var issue = 0
    /// Each cycle of the run counts once.
    public var total: Int { array + load + store + dependence + issue }

    public init() {}

    /// Adds part by part.
    public static func += (left: inout Cycles, right: Cycles) {
      left.array += right.array
      left.load += right.load
      left.store += right.store
      left.dependence += right.dependence
      left.issue += right.issue
    }

    /// Subtracts part by part; parts may become negative.
    public static func -= (left: inout Cycles, right: Cycles) {
      left.array -= right.array
      left.load -= right.load
      left.store -= right.store
      left.dependence -= right.dependence
      left.issue -= right.issue
    }
  }

  /// The bytes that moved to and from one symbol.
  struct SymbolBytes: Sendable, Hashable {
    /// As the program has it.
    var symbol: Program.Symbol
    /// Bytes that moves and tables read.
    var dramRead: Int
    /// Bytes that stores write.
    var dramWritten: Int
  }

  /// The whole run, commands of no operation included.
  public var total = Activity()
  /// One for each of the program's operations.
  public var operations: [Activity] = []
  /// Symbols that bytes moved to or from, by address; empty unless `Machine.Options.symbols` asks for them.
  var symbols: [SymbolBytes] = []
  /// Commands by mnemonic, as the program has them (loops not expanded), in the order of the function numbers.
  public var commands: [(mnemonic: String, count: Int)] = []
  /// Highest local row that was written, plus one.
  public var scratchpadPeakRows = 0
  /// Highest row of the accumulator that was written, plus one.
  public var accumulatorPeakRows = 0

  public init() {}
}

extension Counters {
  /// Everything as JSON, with the operations' text and lines from the program.
  public func json(for program: Program) -> JSONValue {
    var members = total.json.members ?? []
    members.append(.init("scratchpadPeakRows", .integer(scratchpadPeakRows)))
    members.append(.init("accumulatorPeakRows", .integer(accumulatorPeakRows)))
    members.append(
      .init("commands", .object(commands.map { JSONValue.Member($0.mnemonic, .integer($0.count)) })))
    let symbols = symbols.map {
      [
        "name": .string($0.symbol.name), "class": .string($0.symbol.kind.rawValue), "dramRead": .integer($0.dramRead),
        "dramWritten": .integer($0.dramWritten),
      ] as JSONValue
    }
    members.append(.init("symbols", .array(symbols)))
    let operations = zip(program.operations, operations).map { operation, activity in
      JSONValue.object(
        [.init("operation", .string(operation.text)), .init("line", .integer(operation.line))]
          + (activity.json.members ?? []))
    }
    members.append(.init("operations", .array(operations)))
    return .object(members)
  }
}

extension Counters.Activity {
  var json: JSONValue {
    func classes(_ bytes: [Int]) -> JSONValue {
      .object(zip(Counters.classes, bytes).map { JSONValue.Member($0, .integer($1)) })
    }
    return [
      "dramRead": classes(dramRead), "dramWritten": classes(dramWritten), "usefulMACs": .integer(usefulMACs),
      "issuedMACs": .integer(issuedMACs), "arrayCycles": .integer(arrayCycles), "loads": .integer(loads),
      "stores": .integer(stores), "scratchpadStores": .integer(scratchpadStores), "computes": .integer(computes),
      "fences": .integer(fences),
      "modelledCycles": [
        "total": .integer(cycles.total), "array": .integer(cycles.array), "load": .integer(cycles.load),
        "store": .integer(cycles.store), "dependence": .integer(cycles.dependence), "issue": .integer(cycles.issue),
      ],
      "busRead": .integer(busRead), "busWritten": .integer(busWritten),
      "scratchpadBytes": .integer(scratchpadBytes), "accumulatorBytes": .integer(accumulatorBytes),
    ]
  }
}

/// Which operation a command comes from, for commands that come in about ascending order.
struct OperationCursor {
  private let runs: [Program.DebugRun]
  private var operation = -1
  private var first = 0
  private var end = 0

  init(_ program: Program) { runs = program.debug }

  /// Index of the operation, or -1.
  @inline(__always)
  mutating func operation(of command: Int) -> Int {
    if command >= first && command < end { return operation }
    return seek(command)
  }

  @inline(never)
  private mutating func seek(_ command: Int) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].first <= command { low = middle + 1 } else { high = middle }
    }
    guard low > 0, command < runs[low - 1].first + runs[low - 1].count else { return -1 }
    operation = runs[low - 1].operation
    first = runs[low - 1].first
    end = first + runs[low - 1].count
    return operation
  }
}

/// The class and the symbol of a DRAM address, remembered from the last look-up.
struct ClassCursor {
  /// By address.
  let symbols: [Program.Symbol]
  private var position = 0
  private var first: UInt64 = 0
  private var end: UInt64 = 0
  private var kind = 0

  init(_ program: Program) { symbols = program.symbols.sorted { $0.address < $1.address } }

  @inline(__always)
  mutating func kind(of address: UInt64) -> Int {
    if address >= first && address < end { return kind }
    return seek(address)
  }

  /// The index in `symbols` of the one that the address lies in.
  mutating func symbol(of address: UInt64) -> Int? {
    _ = kind(of: address)
    return address >= first && address < end ? position : nil
  }

  @inline(never)
  private mutating func seek(_ address: UInt64) -> Int {
    var low = 0
    var high = symbols.count
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address < symbols[low - 1].address + UInt64(symbols[low - 1].length) else {
      return Program.Symbol.Kind.allCases.count
    }
    position = low - 1
    first = symbols[position].address
    end = first + UInt64(symbols[low - 1].length)
    // A symbol that starts inside this one takes over there.
    if low < symbols.count { end = min(end, symbols[low].address) }
    kind = Program.Symbol.Kind.allCases.firstIndex(of: symbols[low - 1].kind) ?? kind
    return kind
  }
}
