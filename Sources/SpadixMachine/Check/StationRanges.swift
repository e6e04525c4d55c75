import SpadixISA
import SpadixSupport

/// What the reservation station of Gemmini takes a command to read and write (ReservationStation.scala; docs/isa.md).
struct StationRanges {
  /// Rows of one memory, one after the other.
  struct Range {
    var isAccumulator: Bool
    var rows: Swift.Range<Int>

    func meets(_ other: Range) -> Bool { isAccumulator == other.isAccumulator && rows.overlaps(other.rows) }

    func contains(_ access: LocalAccess) -> Bool {
      access.isAccumulator == isAccumulator && access.row >= rows.lowerBound
        && access.row + max(access.rows - 1, 0) * access.stride < rows.upperBound
    }
  }

  /// A preload's operand; nil for none.
  var weights: Range?
  /// What a compute, or a store, reads.
  var a: Range?
  var d: Range?
  /// What a load, a preload's result or a store to the scratchpad writes.
  var destination: Range?
  /// Whether the ranges, as later commands see them, hold all rows that the command uses.
  private(set) var areComplete = true

  init(_ it: DecodedCommand, _ configuration: StoreConfiguration, _ target: Target) {
    let dim = target.dim
    let isAccumulator = it.flags.contains(.accumulator)
    func range(_ tile: DecodedCommand.Tile, rows: Int, accumulator: Bool = false) -> Range? {
      if tile.isGarbage { return nil }
      // A stride of 0 makes an empty range, which meets others like a single row.
      return Range(isAccumulator: accumulator, rows: Int(tile.row)..<Int(tile.row) + max(rows, 1))
    }
    let blocks = max(ceilDivide(Int(it.a.columns), dim), 1)
    switch it.kind {
    case .load:
      var first = Int(it.a.row)
      let count = (blocks - 1) * Int(it.aStride) + Int(it.a.rows)
      // The start moves down by the repeated pixels, at most to the start of its half of the scratchpad; the end too.
      if !isAccumulator && it.small > 1 {
        let floor = first > target.scratchpadRows / 2 ? target.scratchpadRows / 2 : 0
        first = max(first - (Int(it.small) - 1), floor)
      }
      destination = Range(isAccumulator: isAccumulator, rows: first..<first + max(count, 1))
      areComplete = it.writes(dim: dim).allSatisfy { destination!.contains($0) }
    case .store, .storeScratchpad:
      if it.flags.contains(.pooled) && it.kind == .store {
        let bank = target.accumulatorRowsPerBank
        let first = Int(it.a.row)
        // A scratchpad address has no bank of the accumulator: the range ends where it starts.
        let end = isAccumulator ? (first / bank + 1) * bank : first + 1
        a = Range(isAccumulator: isAccumulator, rows: first..<max(end, first + 1))
        areComplete = it.reads(configuration, dim: dim).allSatisfy { a!.contains($0) }
      } else {
        a = range(it.a, rows: (blocks - 1) * dim + Int(it.a.rows), accumulator: isAccumulator)
      }
      if it.kind == .storeScratchpad {
        // The stride of the destination is not looked at, and the source is forgotten once the command is in.
        destination = range(it.c, rows: Int(it.a.rows))
        areComplete = false
      }
    case .compute:
      let transposedA = it.flags.contains(.transposeA)
      weights = it.flags.contains(.loadArray) ? range(it.b, rows: Int(it.b.rows)) : nil
      a = range(it.a, rows: Int(transposedA ? it.a.columns : it.a.rows) * Int(it.aStride))
      d = range(it.d, rows: Int(it.d.rows))
      if it.c.rows > 0 {
        destination = range(it.c, rows: Int(it.c.rows) * Int(it.cStride), accumulator: isAccumulator)
      }
      // A transposed operand has as many rows as its logical shape has columns.
      if it.flags.contains(.transposeB) {
        let tile = it.flags.contains(.outputStationary) ? it.d : it.b
        areComplete = tile.isGarbage || tile.columns <= tile.rows
      }
    case .loadScales, .loadTable, .fence: break
    }
  }
}
