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
  private var previousA = Operation.Rows.none

  /// Stages of the pipelines beyond the array itself.
  private static let pipeline = 8

  public init(_ hardware: Hardware) { self.hardware = hardware }

  /// Cycles from the end of a store until memory has acknowledged it.
  public var acknowledgement: Int { hardware.latency + WritePath.acknowledgeDelay }

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

  private func loadCycles(_ it: Operation) -> Int {
    let local = Int(it.rows) * Int(it.blocks)
    if it.flags.contains(.zeros) { return local }
    return max(local, transfer(rows: it.flags.contains(.repeated) ? 1 : Int(it.rows), bytes: Int(it.bytes)))
  }

  private func storeCycles(_ it: Operation) -> Int {
    let local = Int(it.rows) * Int(it.blocks)
    return it.flags.contains(.onChip) ? local : max(local, transfer(rows: Int(it.rows), bytes: Int(it.bytes)))
  }

  /// Beats on the bus, or what the requests in flight allow.
  private func transfer(rows: Int, bytes: Int) -> Int {
    let beats = rows * ((bytes + hardware.busBytes - 1) / hardware.busBytes)
    let requests = rows * ((bytes + Hardware.requestBytes - 1) / Hardware.requestBytes)
    return max(beats, requests * (hardware.latency + ReadPath.requestDelay + 1) / hardware.maxInFlight)
  }

  private mutating func executeCycles(_ preload: Operation, _ compute: Operation) -> Int {
    var cycles = min(max(Int(compute.rows), hardware.minimumComputeRows), hardware.dim)
    if compute.flags.contains(.transposed) { cycles = hardware.dim }
    if !preload.reads.isEmpty {
      // New weights come in beside the rows of the compute before, unless both lie in one bank.
      let sharesBank =
        !previousA.isEmpty && hardware.bank(of: preload.reads.start) == hardware.bank(of: previousA.start)
      cycles = sharesBank ? cycles + hardware.dim : hardware.dim
    }
    previousA = compute.reads
    return cycles
  }
}
