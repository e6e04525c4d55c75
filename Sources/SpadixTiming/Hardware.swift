import SpadixISA

/// What the time model knows of the accelerator and the memory behind it: sizes of local memory, widths, depths of queues.
///
/// Constants of the pipeline stand beside the parameters that a target file can change; both are those of Gemmini's
/// generator (docs/machine.md names the source of each).
public struct Hardware: Sendable {
  public var dim: Int
  public var scratchpadRows: Int
  public let scratchpadBankRows: Int
  /// Where a bank has a power of two of rows, its logarithm, otherwise -1: divisions would cost more than the rest.
  private let bankShift: Int
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
    bankShift =
      scratchpadBankRows & (scratchpadBankRows - 1) == 0 ? scratchpadBankRows.trailingZeroBitCount : -1
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

  /// The bank of a row of the scratchpad.
  @inline(__always)
  func bank(of row: Int32) -> Int {
    bankShift >= 0 ? Int(row) >> bankShift : Int(row) / scratchpadBankRows
  }

  /// Moves of one direction that are in flight at a time.
  var trackedMoves: Int { maxInFlight / dim + 1 }
}
