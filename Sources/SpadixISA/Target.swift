import SpadixSupport

/// An accelerator: sizes, capabilities and timing. The compiler, the machine and the time model read the same value.
public struct Target: Hashable, Sendable {
  /// As reports and programs have it; no two targets are told apart by it (see `fingerprint`).
  public var name: String
  /// Rows and columns of the array, elements of a local row: a power of two, 2...`maximumDim`.
  public var dim: Int
  /// 1...64.
  public var scratchpadBanks: Int
  /// Rows of `dim` int8.
  public var scratchpadRowsPerBank: Int
  /// Rows of `dim` int32, of both banks together.
  public var accumulatorRows: Int
  /// funct 23: accumulator or scratchpad to scratchpad.
  public var hasScratchpadStore: Bool
  /// functs 32 and 33: zero point, clamp and per-channel scales of int8 stores.
  public var hasOutputStage: Bool
  /// funct 33 brings biases too, which int8 stores add before scaling.
  public var hasOutputBiases: Bool
  /// funct 34: a table of 256 entries that int8 stores pass through.
  public var hasOutputTable: Bool
  /// funct 35: sums and products of two int8 that the accumulator holds in one element.
  public var hasOutputPair: Bool
  /// Pooling applies to funct 23 as well.
  public var hasPooledScratchpadStore: Bool
  /// igelu, softmax and layernorm in stores.
  public var hasNormalizations: Bool
  /// Rounds as Gemmini's functional model does: like hardware but for one value below each power of two, where its
  /// Float32 addition carries into the next integer (docs/isa.md). For recorded programs.
  public var roundsLikeFunctionalModel: Bool
  /// What the hardware gets wrong and programs have to keep clear of. It changes no result of the machine.
  public var faults: Faults
  /// First DRAM address that does not exist.
  public var dramBytes: Int
  /// What the time model, and with it the plan, goes by. It changes no result of the machine.
  public var timing: Timing
  /// Clock in MHz; nil where it is not known. It turns modelled cycles into milliseconds and changes nothing else.
  public var clockMHz: Int?
  /// Femtojoules for each event; all zero where the target file has none.
  public var energy: EnergyParameters
  /// What follows from a target file without standing there; reports repeat it. Nothing depends on it.
  public var notes: [String] = []

  /// Largest `dim` that anything here is written for.
  public static let maximumDim = 64

  /// Bytes of the largest DMA request.
  public static let requestBytes = 64

  /// A compute that feeds no more rows than this is short: Gemmini's control queue holds all of it.
  public static let shortComputeRows = 4

  /// Faults of Gemmini's hardware (docs/isa.md): checks find them, and the compiler does not produce them.
  public struct Faults: Hashable, Sendable {
    /// A compute of few rows directly before a config_ex multiplies with the weights before its own.
    public var shortCompute: Bool
    /// The reservation station orders commands by the address ranges of Gemmini's, not by the rows that they use.
    public var rangeOrder: Bool
    /// Rows of DRAM that loads ask for until a row that was asked for before them has arrived in the accumulator: up to 28
    /// have overtaken one on the RTL.
    public static let overtakingRows = 32

    /// As RTL without the two faults would behave.
    static let none = Faults(shortCompute: false, rangeOrder: false)
    /// As Gemmini's RTL behaves.
    public static let gemmini = Faults(shortCompute: true, rangeOrder: true)
  }

  /// Parameters of the time model, named as Gemmini's generator names them where it has them. They change modelled
  /// cycles and nothing else.
  public struct Timing: Hashable, Sendable {
    /// Entries of the reservation station for each kind of command.
    public struct ReservationStation: Hashable, Sendable {
      /// Of loads, 1...4096.
      public var load: Int
      /// Of stores, 1...4096.
      public var store: Int
      /// Of preloads and computes, 4...4096.
      public var execute: Int
      /// A store is issued while earlier ones are under way, as older generators have it; newer ones wait for them.
      public var overlappingStores: Bool

      public init(load: Int = 8, store: Int = 4, execute: Int = 16, overlappingStores: Bool = true) {
        self.overlappingStores = overlappingStores
        self.load = load
        self.store = store
        self.execute = execute
      }
    }

    /// How commands reach the accelerator.
    public enum CommandSource: String, CaseIterable, Sendable {
      /// Whenever it takes one.
      case ideal
      /// A processor runs the loops of exported C.
      case exportedC = "exported_c"
      /// It reads a list of them from memory, over its own bus.
      case commandList = "command_list"
    }

    /// Bytes of a beat of the bus: what one direction moves in a cycle.
    public var busBytes: Int
    /// Latency of the memory system: cycles between a request leaving the accelerator and the first beat of its answer.
    public var dmaLatency: Int
    /// Requests in flight, as many reads and as many writes.
    public var maxInFlight: Int
    /// Commands wait here, in their order, for what they use to be free.
    public var reservationStation: ReservationStation
    /// `timing.commands` in target files.
    public var commandSource: CommandSource
    /// Cycles between two commands at least, wherever they come from.
    public var issueCycles: Int
    /// Cycles of a processor for an instruction of exported C.
    public var instructionCycles: Int
    /// Cycles of a compute of fewer rows that needs no new operand in the array.
    public var minimumComputeRows: Int
    /// Stages between the rows of the scratchpad and the array.
    public var scratchpadReadDelay: Int
    /// Stages of the unit that scales results on their way out of the accumulator.
    public var accumulatorScaleLatency: Int

    public init(
      busBytes: Int = 16, dmaLatency: Int = 60, maxInFlight: Int = 16,
      reservationStation: ReservationStation = ReservationStation(), commandSource: CommandSource = .ideal,
      issueCycles: Int = 1, instructionCycles: Int = 1,
      minimumComputeRows: Int = 4, scratchpadReadDelay: Int = 4, accumulatorScaleLatency: Int = 8
    ) {
      self.busBytes = busBytes
      self.dmaLatency = dmaLatency
      self.maxInFlight = maxInFlight
      self.reservationStation = reservationStation
      self.commandSource = commandSource
      self.issueCycles = issueCycles
      self.instructionCycles = instructionCycles
      self.minimumComputeRows = minimumComputeRows
      self.scratchpadReadDelay = scratchpadReadDelay
      self.accumulatorScaleLatency = accumulatorScaleLatency
    }
  }

  public init(
    name: String, dim: Int = 16, scratchpadBanks: Int = 4, scratchpadRowsPerBank: Int = 4096,
    accumulatorRows: Int = 1024, hasScratchpadStore: Bool = false, hasOutputStage: Bool = false,
    hasOutputBiases: Bool = false, hasOutputTable: Bool = false, hasOutputPair: Bool = false,
    hasPooledScratchpadStore: Bool = false, hasNormalizations: Bool = false,
    roundsLikeFunctionalModel: Bool = false, faults: Faults = .gemmini, dramBytes: Int = 1 << 32,
    timing: Timing = Timing(), clockMHz: Int? = nil, energy: EnergyParameters = EnergyParameters()
  ) {
    self.name = name
    self.dim = dim
    self.scratchpadBanks = scratchpadBanks
    self.scratchpadRowsPerBank = scratchpadRowsPerBank
    self.accumulatorRows = accumulatorRows
    self.hasScratchpadStore = hasScratchpadStore
    self.hasOutputStage = hasOutputStage
    self.hasOutputBiases = hasOutputBiases
    self.hasOutputTable = hasOutputTable
    self.hasOutputPair = hasOutputPair
    self.hasPooledScratchpadStore = hasPooledScratchpadStore
    self.hasNormalizations = hasNormalizations
    self.roundsLikeFunctionalModel = roundsLikeFunctionalModel
    self.faults = faults
    self.dramBytes = dramBytes
    self.timing = timing
    self.clockMHz = clockMHz
    self.energy = energy
  }

  /// Of all banks.
  public var scratchpadRows: Int { scratchpadBanks * scratchpadRowsPerBank }
  /// Of all banks: one byte for an element.
  public var scratchpadBytes: Int { scratchpadRows * dim * ElementWidth.operand }
  /// Of both banks: four bytes for an element.
  public var accumulatorBytes: Int { accumulatorRows * dim * ElementWidth.accumulator }
  /// The accumulator has two banks, as in all of Gemmini's configurations.
  public var accumulatorRowsPerBank: Int { accumulatorRows / 2 }

  /// Column blocks of dim that one move of int8 elements may have: as much as one DMA request brings.
  public var maxBlockLength: Int { max(1, Self.requestBytes / dim) }
  /// Column blocks of dim that one move of 32-bit elements may have.
  public var maxBlockLengthAccumulator: Int { max(1, Self.requestBytes / (ElementWidth.accumulator * dim)) }

  /// First DRAM address that programs use; below it an address means "none".
  public static let firstAddress = 0x10000

  /// A stable hash of everything that changes what a program does: not the name, not the timing, not the faults.
  public var fingerprint: String {
    let text =
      "spadix-target-1 dim=\(dim) banks=\(scratchpadBanks) rows=\(scratchpadRowsPerBank) acc=\(accumulatorRows)"
      + Capability.all.map { $0.isLater && !self[keyPath: $0.path] ? "" : " \($0.mark)=\(self[keyPath: $0.path])" }
      .joined() + " dram=\(dramBytes)"
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Target {
  /// Gemmini's default configuration (its generator's `GemminiConfigs.defaultConfig`).
  public static let gemmini = Target(name: "gemmini")
  /// Gemmini with the move from the accumulator to the scratchpad.
  public static let gemminiSpad = Target(name: "gemmini-spad", hasScratchpadStore: true)
  /// The default target: everything stays on chip, per-channel scales and zero points are exact.
  public static let spadix = Target(
    name: "spadix", hasScratchpadStore: true, hasOutputStage: true, hasOutputBiases: true, hasOutputTable: true,
    hasOutputPair: true, hasPooledScratchpadStore: true, faults: .none)

  /// The targets that ship with the tool, in the order in which they are listed.
  public static let presets: [Target] = [gemmini, gemminiSpad, spadix]

  /// Nil for a name that is none of `presets`.
  public static func preset(named name: String) -> Target? { presets.first { $0.name == name } }

  /// Checks every number; the parameter's name in the target file comes with each problem.
  public func problems() -> [(parameter: String, message: String)] {
    var found: [(parameter: String, message: String)] = []
    func expect(_ condition: Bool, _ parameter: String, _ message: String) {
      if !condition { found.append((parameter, message)) }
    }
    func powerOfTwo(_ value: Int) -> Bool { value > 0 && value & (value - 1) == 0 }
    expect(
      powerOfTwo(dim) && (2...Self.maximumDim).contains(dim), "dim",
      "dim is \(dim); expected a power of two from 2 to \(Self.maximumDim)")
    expect(
      (1...64).contains(scratchpadBanks), "scratchpad.banks", "banks is \(scratchpadBanks); expected 1 to 64")
    expect(
      (1...LocalAddress.maximumRows).contains(scratchpadRowsPerBank), "scratchpad.rows_per_bank",
      "rows_per_bank is \(scratchpadRowsPerBank); expected 1 to \(LocalAddress.maximumRows)")
    expect(
      (1...LocalAddress.maximumRows).contains(accumulatorRows), "accumulator.rows",
      "rows is \(accumulatorRows); expected 1 to \(LocalAddress.maximumRows)")
    expect(
      (1 << 17...1 << 40).contains(dramBytes), "dram_bytes",
      "dram_bytes is \(dramBytes); expected \(1 << 17) (128 KiB) to \(1 << 40) (1 TiB)")
    if found.isEmpty {
      // One tile each of A, B, a second B being loaded and one of slack.
      expect(
        scratchpadRows >= 4 * dim, "scratchpad.rows_per_bank",
        "the scratchpad has \(scratchpadRows) rows; expected at least 4 * dim = \(4 * dim), room for the tiles of one product"
      )
      expect(
        accumulatorRows >= dim, "accumulator.rows",
        "the accumulator has \(accumulatorRows) rows; expected at least dim = \(dim), room for one tile")
      expect(
        scratchpadRows <= LocalAddress.maximumRows, "scratchpad.banks",
        "the scratchpad has \(scratchpadRows) rows; a local address reaches \(LocalAddress.maximumRows)")
      expect(
        scratchpadBytes <= 1 << 28 && accumulatorBytes <= 1 << 28, "scratchpad.rows_per_bank",
        "local memory has \(scratchpadBytes) and \(accumulatorBytes) bytes; expected at most 256 MiB each")
    }
    expect(
      hasScratchpadStore || !hasPooledScratchpadStore, "capabilities.pooled_scratchpad_store",
      "pooled_scratchpad_store is true and scratchpad_store is not; expected both, or pooled_scratchpad_store: false")
    for (isThere, name) in [
      (hasOutputBiases, "output_biases"), (hasOutputTable, "output_table"), (hasOutputPair, "output_pair"),
    ] {
      expect(
        hasOutputStage || !isThere, "capabilities.\(name)",
        "\(name) is true and output_stage is not; expected both, or \(name): false")
    }
    expect(
      powerOfTwo(timing.busBytes), "timing.bus_bytes", "bus_bytes is \(timing.busBytes); expected a power of two")
    for (name, value, range) in timingRanges {
      expect(
        range.contains(value), "timing.\(name)",
        "\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
    }
    if let clockMHz {
      expect(
        (1...100_000).contains(clockMHz), "clock_mhz", "clock_mhz is \(clockMHz); expected 1 to 100000")
    }
    for field in EnergyParameters.fields {
      expect(
        (0...EnergyParameters.maximum).contains(energy[keyPath: field.path]), "energy.\(field.key)",
        "\(field.key) is \(EnergyParameters.picojoules(energy[keyPath: field.path])); expected 0 to "
          + EnergyParameters.picojoules(EnergyParameters.maximum))
    }
    return found
  }

  private var timingRanges: [(String, Int, ClosedRange<Int>)] {
    [
      ("bus_bytes", timing.busBytes, 1...64),
      ("dma_latency", timing.dmaLatency, 0...100_000),
      ("max_in_flight", timing.maxInFlight, 1...4096),
      ("reservation_station.load", timing.reservationStation.load, 1...4096),
      ("reservation_station.store", timing.reservationStation.store, 1...4096),
      ("reservation_station.execute", timing.reservationStation.execute, 4...4096),
      ("issue_cycles", timing.issueCycles, 0...1000),
      ("instruction_cycles", timing.instructionCycles, 1...100),
      ("minimum_compute_rows", timing.minimumComputeRows, 1...64),
      ("scratchpad_read_delay", timing.scratchpadReadDelay, 1...64),
      ("accumulator_scale_latency", timing.accumulatorScaleLatency, 1...64),
    ]
  }
}
