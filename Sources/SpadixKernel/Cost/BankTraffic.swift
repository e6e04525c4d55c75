import SpadixSupport

/// How often the array reads each slot of a nest's buffers, and how many rows loads write there meanwhile: what slots that
/// share a bank of the scratchpad cost each other, where a bank has one port.
public struct BankTraffic: TileSink {
  /// A slot of a buffer in the scratchpad.
  public struct Slot: Sendable {
    /// Cycles in which the array reads it.
    public var readCycles = 0
    /// Rows that are written once the array is at work.
    public var rowsWritten = 0
    /// The loads that bring these.
    public var loads = 0
    /// Of weights: how many matrices are read.
    public var matrices = 0
    /// Of weights: the cycles of their products.
    public var productCycles = 0

    /// Cycles of the array for which rows that are written to its bank cost a cycle each, where so many come in a row.
    ///
    /// Writes go before reads. A product waits for its weights until all rows have come, but needs them only once: where
    /// that is not before the rows have come, they cost nothing.
    public func cyclesDisturbed(by rows: Int) -> Int {
      if matrices == 0 || rows == 0 { return readCycles }
      let period = max(1, productCycles / matrices)
      let share = rows >= period ? 2 * rows - period : rows * rows / period
      return max(readCycles, productCycles * share / (2 * rows))
    }
  }

  private let dim: Int
  private let windows: [InputWindow]
  /// The first slot of each buffer.
  private let first: [Int]
  private let counts: [Int]
  private var slots: [Slot]
  /// By slot and slot, cycles in which both are used at once whatever is loaded when.
  private var meetings: [Int]
  /// Cycles of all products.
  public private(set) var cycles = 0

  /// - Parameter nest: the loop nest, whose buffers the slots are of.
  public init(_ nest: KernelNest) {
    dim = nest.dim
    windows = nest.windows
    let buffers = nest.localBuffers
    var first: [Int] = []
    var count = 0
    for buffer in buffers {
      first.append(count)
      count += buffer.slots
    }
    self.first = first
    counts = buffers.map(\.slots)
    slots = Array(repeating: Slot(), count: count)
    meetings = Array(repeating: 0, count: count * count)
    nest.generate(into: &self)
  }

  public static var takesProducts: Bool { true }

  /// A slot of one of the nest's local buffers.
  public subscript(_ buffer: Int, _ slot: Int) -> Slot { slots[first[buffer] + slot] }

  /// Cycles that the array loses where two slots lie in one bank: pixels and the matrices that they are multiplied with,
  /// and results that it writes.
  public func meetings(_ left: (buffer: Int, slot: Int), _ right: (buffer: Int, slot: Int)) -> Int {
    let (left, right) = (first[left.buffer] + left.slot, first[right.buffer] + right.slot)
    return meetings[left * slots.count + right] + meetings[right * slots.count + left]
  }

  private func index(_ place: LocalPlace) -> Int {
    first[place.buffer.index] + min(place.slot, counts[place.buffer.index] - 1)
  }

  public mutating func append(_ operation: TileOperation) {
    switch operation {
    case .load(let load):
      let transfer = load.transfer
      let rows = transfer.rows * ceilDivide(transfer.columns, dim)
      if transfer.partLines == 0 { return write(transfer.lines * rows, to: transfer.local) }
      for line in 0..<transfer.lines {
        var local = transfer.local
        local.slot += transfer.row(ofLine: line) / max(1, transfer.partStride)
        write(rows, to: local)
      }
    case .store(let store):
      if let resident = store.resident { write(store.transfer.lines * store.transfer.rows, to: resident) }
    case .diagonals(let it):
      let cycles = dim * dim * ceilDivide(it.taps * it.blocks.count, dim)
      multiply(it.compact, it.oneHot, matrices: dim, pixels: cycles)
      meet(it.compact, it.matrices, cycles: cycles)
      meet(it.oneHot, it.matrices, cycles: dim * dim)
    case .multiply(let it):
      let count = it.pairs * it.taps.count
      var source = it.source.place
      if it.source.plane.partLines > 0 {
        // Most of a tile's rows are in the part that its last one is in.
        let window = windows[it.window]
        let last = window.inputRow(it.tile.rows.upperBound - 1, tapRow: (it.taps.upperBound - 1) / window.kernelColumns)
        let row = it.source.plane.row(max(0, min(last, window.inputRows - 1)), it.source.plane.firstColumn)
        source.slot += row / max(1, it.source.plane.partStride)
      }
      multiply(source, it.weights.place, matrices: it.weights.isShared ? 0 : count, pixels: count * it.tile.pixels)
    case .begin, .zero, .bias, .copy, .host: break
    }
  }

  private mutating func write(_ rows: Int, to place: LocalPlace) {
    if cycles == 0 { return }
    slots[index(place)].rowsWritten += rows
    slots[index(place)].loads += 1
  }

  private mutating func multiply(_ source: LocalPlace, _ weights: LocalPlace, matrices count: Int, pixels: Int) {
    let (source, matrix) = (index(source), index(weights))
    // New weights take `dim` cycles, however few pixels there are.
    let cycles = max(pixels, count * dim)
    self.cycles += cycles
    slots[source].readCycles += pixels
    slots[matrix].readCycles += count * dim
    slots[matrix].matrices += count
    slots[matrix].productCycles += cycles
    meetings[source * slots.count + matrix] += count * dim
  }

  private mutating func meet(_ left: LocalPlace, _ right: LocalPlace, cycles: Int) {
    meetings[index(left) * slots.count + index(right)] += cycles
  }
}
