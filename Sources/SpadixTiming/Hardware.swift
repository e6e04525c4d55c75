import SpadixISA

/// What the time model knows of the accelerator and the memory behind it: sizes of local memory, widths, depths of queues.
///
/// Constants of the pipeline stand beside the parameters that a target file can change; both are those of Gemmini's
/// generator (docs/machine.md names the source of each).
public struct Hardware: Sendable {
  public var dim: Int
  public var scratchpadRows: Int
  public var scratchpadBankRows: Int
  public var accumulatorRows: Int
  public var accumulatorBankRows: Int
  /// Bytes of a beat.
  public var busBytes: Int
  /// Reads in flight, and as many writes.
  public var maxInFlight: Int
  /// Cycles from a request leaving the accelerator to the first beat of its answer, less one.
  public var latency: Int
  /// Cycles between two commands of the processor.
  public var issueCycles: Int
  public var stationLoad: Int
  public var stationStore: Int
  public var stationExecute: Int
  /// Entries of the queue of each controller.
  public var loadQueue: Int
  public var storeQueue: Int
  public var executeQueue: Int
  /// Stages between a scratchpad row and who reads it.
  public var scratchpadReadDelay: Int
  /// Stages of the unit that scales results on their way out.
  public var accumulatorScaleLatency: Int
  /// Rows that a compute takes at least in the array.
  public var minimumComputeRows: Int

  /// Bytes of the largest request.
  public static let requestBytes = 64

  public init(_ target: Target) {
    let timing = target.timing
    dim = target.dim
    scratchpadRows = target.scratchpadRows
    scratchpadBankRows = target.scratchpadRowsPerBank
    accumulatorRows = target.accumulatorRows
    accumulatorBankRows = max(1, (target.accumulatorRows + 1) / 2)
    busBytes = timing.busBytes
    maxInFlight = timing.maxInFlight
    latency = timing.dmaLatency
    issueCycles = max(1, timing.issueCycles)
    stationLoad = timing.reservationStation.load
    stationStore = timing.reservationStation.store
    stationExecute = timing.reservationStation.execute
    loadQueue = 8
    storeQueue = 2
    executeQueue = 8
    scratchpadReadDelay = timing.scratchpadReadDelay
    accumulatorScaleLatency = timing.accumulatorScaleLatency
    minimumComputeRows = timing.minimumComputeRows
  }

  /// Moves of one direction that are in flight at a time.
  var trackedMoves: Int { maxInFlight / dim + 1 }
}
