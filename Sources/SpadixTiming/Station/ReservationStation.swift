/// The reservation station: entries for each kind of command, and the rows that the commands in it use.
///
/// A command waits for every held one of another kind whose rows meet its own (docs/isa.md has the rule). Times are those
/// of the latest completion, `RowRing.unknown` when one of them has none yet.
struct ReservationStation: ~Copyable {
  var loads: StationEntries
  var stores: StationEntries
  var executes: StationEntries

  /// Rows that loads write.
  var loaded: RowRing
  /// Rows that stores read, and those that stores to the scratchpad write.
  var stored: RowRing
  var scratchpadStores: RowRing
  /// Rows of preloads: results and weights; of computes: A and the bias.
  var results: RowRing
  var weights: RowRing
  var operands: RowRing
  var biases: RowRing

  init(_ hardware: Hardware) {
    loads = StationEntries(hardware.stationLoad)
    stores = StationEntries(hardware.stationStore)
    executes = StationEntries(hardware.stationExecute)
    loaded = RowRing(capacity: hardware.stationLoad)
    stored = RowRing(capacity: hardware.stationStore)
    scratchpadStores = RowRing(capacity: hardware.stationStore)
    results = RowRing(capacity: hardware.stationExecute)
    weights = RowRing(capacity: hardware.stationExecute)
    operands = RowRing(capacity: hardware.stationExecute)
    biases = RowRing(capacity: hardware.stationExecute)
  }

  /// Preloads and computes that use the rows.
  @inline(__always)
  func arrayUses(of rows: Operation.Rows, at time: Int) -> Int {
    max(
      max(results.latest(rows, at: time), weights.latest(rows, at: time)),
      max(operands.latest(rows, at: time), biases.latest(rows, at: time)))
  }

  /// Stores that read or write the rows.
  @inline(__always)
  func storeUses(of rows: Operation.Rows, at time: Int) -> Int {
    max(stored.latest(rows, at: time), scratchpadStores.latest(rows, at: time))
  }

  /// Loads and stores that write the rows.
  @inline(__always)
  func moves(to rows: Operation.Rows, at time: Int) -> Int {
    max(loaded.latest(rows, at: time), scratchpadStores.latest(rows, at: time))
  }
}
