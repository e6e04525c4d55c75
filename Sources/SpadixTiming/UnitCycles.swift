import SpadixISA

/// How long the load, execute and store units take for commands, each unit looked at by itself.
///
/// An estimate that an order of commands is chosen by, for millions of them; `Timeline` says what an order costs.
public struct UnitCycles: Sendable {
  /// What one command takes of its unit.
  public struct Span: Sendable {
    /// Cycles until the unit takes up the next command.
    public var busy: Int
    /// Cycles from there until whoever waits for the command can start.
    public var behind: Int
  }

  private let hardware: Hardware
  private var moves: MoveTime
  private var previousA = Operation.Rows.none

  /// Stages of the pipelines beyond the array itself.
  private static let pipeline = 8

  /// Before the first command of a stream.
  public init(_ target: Target) {
    moves = MoveTime(target)
    hardware = moves.hardware
  }

  /// Cycles from the end of a store until memory has acknowledged it.
  public var acknowledgement: Int { hardware.latency + WritePath.acknowledgeDelay }

  /// Cycles of the array for the products that the reservation station holds, each a preload and a compute.
  public var waitingProducts: Int { hardware.stationExecute / 2 * hardware.dim }

  /// - Parameter compute: the compute behind a preload. Both come in the order of their stream.
  public mutating func span(_ it: Operation, _ compute: Operation? = nil) -> Span {
    switch it.kind {
    case .load:
      let behind = it.flags.contains(.zeros) ? 2 : hardware.latency + ReadPath.requestDelay + ReadPath.narrowDelay
      return Span(busy: loadCycles(it), behind: behind)
    case .store: return Span(busy: storeCycles(it), behind: Self.pipeline)
    case .preload, .compute:
      return Span(busy: executeCycles(it, compute ?? it), behind: 2 * hardware.dim + Self.pipeline)
    case .configLoad, .configStore, .configExecute, .fence, .none: return Span(busy: 1, behind: 0)
    }
  }

  private mutating func loadCycles(_ it: Operation) -> Int {
    let local = Int(it.rows) * Int(it.blocks)
    if it.flags.contains(.zeros) { return local }
    let cycles = moves.load(
      rows: Int(it.rows), bytes: Int(it.bytes), offset: Int(truncatingIfNeeded: it.address),
      stride: it.flags.contains(.repeated) ? 0 : Int(it.stride))
    return max(local, cycles)
  }

  private mutating func storeCycles(_ it: Operation) -> Int {
    let reads = Int(it.rows) * Int(it.blocks)
    let isPooled = it.pixels > 0
    if it.reads.start < Operation.accumulatorBase && it.flags.contains(.onChip) { return reads }
    if it.flags.contains(.onChip) { return moves.storeOnChip(reads: reads) }
    // Column blocks of a row are read one after the other and leave together.
    return max(
      isPooled ? 0 : moves.storeOnChip(reads: reads),
      moves.store(
        rows: Int(it.rows), bytes: Int(it.bytes), offset: Int(truncatingIfNeeded: it.address), stride: Int(it.stride),
        reads: isPooled ? Int(it.blocks) : 1))
  }

  private mutating func executeCycles(_ preload: Operation, _ compute: Operation) -> Int {
    var cycles = moves.leastCompute(rows: min(max(Int(compute.rows), hardware.minimumComputeRows), hardware.dim))
    if compute.flags.contains(.transposed) { cycles = hardware.dim }
    if !preload.reads.isEmpty {
      // New weights come in beside the rows of the compute before, unless both lie in one bank.
      let sharesBank =
        !previousA.isEmpty && hardware.bank(of: preload.reads.start) == hardware.bank(of: previousA.start)
      cycles = sharesBank ? cycles + hardware.dim : max(cycles, hardware.dim)
    }
    previousA = compute.reads
    return cycles
  }
}
