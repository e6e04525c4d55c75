import SpadixISA

/// What the time model knows of the accelerator and the memory behind it: sizes of local memory, widths, depths of queues.
///
/// Constants of the pipeline stand beside the parameters that a target file can change; both are those of Gemmini's
/// generator (docs/machine.md names the source of each).
public struct Hardware: Sendable {
  /// Rows and columns of the array, elements of a local row.
  var dim: Int
  /// Of all banks.
  var scratchpadRows: Int
  /// Of one bank.
  let scratchpadBankRows: Int
  private let scratchpadBanks: Banks
  /// Of both banks.
  var accumulatorRows: Int
  /// Of one of the two banks, at least 1.
  let accumulatorBankRows: Int
  let accumulatorBanks: Banks
  /// Bytes of a beat.
  var busBytes: Int
  /// Reads in flight, and as many writes.
  var maxInFlight: Int
  /// Cycles from a request leaving the accelerator to the first beat of its answer, less one.
  var latency: Int
  /// Cycles between two commands at least.
  public var issueCycles: Int
  /// Cycles of a processor for an instruction of exported C.
  var instructionCycles: Int
  /// Entries of the reservation station for loads.
  var stationLoad: Int
  /// Entries of the reservation station for stores.
  var stationStore: Int
  /// Entries of the reservation station for preloads and computes.
  var stationExecute: Int
  /// Whether a store is issued while earlier ones are under way.
  var storesOverlap: Bool
  /// Entries of the queue of each controller.
  var loadQueue: Int
  /// Entries of the queue of the store controller.
  var storeQueue: Int
  /// Entries of the queue of the execute controller.
  var executeQueue: Int
  /// Stages between a scratchpad row and who reads it.
  var scratchpadReadDelay: Int
  /// Stages of the unit that scales results on their way out.
  var accumulatorScaleLatency: Int
  /// Rows that a compute takes at least in the array.
  var minimumComputeRows: Int

  /// Bytes of the largest request.
  public static let requestBytes = Target.requestBytes

  /// What a target's sizes and timing say; depths of queues are Gemmini's.
  public init(_ target: Target) {
    let timing = target.timing
    dim = target.dim
    scratchpadRows = target.scratchpadRows
    scratchpadBankRows = target.scratchpadRowsPerBank
    scratchpadBanks = Banks(rows: scratchpadBankRows)
    accumulatorRows = target.accumulatorRows
    accumulatorBankRows = max(1, (target.accumulatorRows + 1) / 2)
    accumulatorBanks = Banks(rows: accumulatorBankRows)
    busBytes = timing.busBytes
    maxInFlight = timing.maxInFlight
    latency = timing.dmaLatency
    issueCycles = max(1, timing.issueCycles)
    instructionCycles = timing.instructionCycles
    stationLoad = timing.reservationStation.load
    stationStore = timing.reservationStation.store
    stationExecute = timing.reservationStation.execute
    storesOverlap = timing.reservationStation.overlappingStores
    loadQueue = 8
    storeQueue = 2
    executeQueue = 8
    scratchpadReadDelay = timing.scratchpadReadDelay
    accumulatorScaleLatency = timing.accumulatorScaleLatency
    minimumComputeRows = timing.minimumComputeRows
  }

  /// The bank of a row of the scratchpad.
  @inline(__always)
  func bank(of row: Int32) -> Int { scratchpadBanks.bank(of: row) }

  /// The bank of a row of the accumulator, numbered as operations have it.
  @inline(__always)
  func accumulatorBank(of row: Int32) -> Int { accumulatorBanks.bank(of: row - Operation.accumulatorBase) }

  /// Moves of one direction that are in flight at a time.
  var trackedMoves: Int { maxInFlight / dim + 1 }
}

/// Banks of a memory, all of the same number of rows.
struct Banks: Sendable {
  private let rows: Int
  /// Of a power of two, its logarithm, otherwise -1: divisions would cost more than the rest.
  private let shift: Int

  init(rows: Int) {
    self.rows = rows
    shift = rows & (rows - 1) == 0 ? rows.trailingZeroBitCount : -1
  }

  @inline(__always)
  func bank(of row: Int32) -> Int { shift >= 0 ? Int(row) >> shift : Int(row) / rows }
}
