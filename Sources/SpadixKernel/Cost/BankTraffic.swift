/// How often the array reads each slot of a nest's buffers, and how many rows loads write there meanwhile: what slots that
/// share a bank of the scratchpad cost each other, where a bank has one port.
public struct BankTraffic: TileSink {
  /// A slot of a buffer in the scratchpad.
  public struct Slot: Sendable {
    /// Cycles in which the array reads it.
    public var readCycles = 0
    /// Rows that are written once the array is at work.
    public var rowsWritten = 0
  }

  private let dim: Int
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
      write(transfer.lines * transfer.rows * KernelGeometry.ceilDivide(transfer.columns, dim), to: transfer.local)
    case .store(let store):
      if let resident = store.resident { write(store.transfer.lines * store.transfer.rows, to: resident) }
    case .diagonals(let it):
      let cycles = dim * dim * KernelGeometry.ceilDivide(it.taps * it.blocks.count, dim)
      multiply(it.compact, it.oneHot, matrices: dim, cycles: cycles)
      meet(it.compact, it.matrices, cycles: cycles)
      meet(it.oneHot, it.matrices, cycles: dim * dim)
    case .multiply(let it):
      let count = it.pairs * it.taps.count
      multiply(
        it.source.place, it.weights.place, matrices: it.weights.isShared ? 0 : count, cycles: count * it.tile.pixels)
    case .begin, .zero, .bias, .copy, .host: break
    }
  }

  private mutating func write(_ rows: Int, to place: LocalPlace) {
    if cycles > 0 { slots[index(place)].rowsWritten += rows }
  }

  private mutating func multiply(_ pixels: LocalPlace, _ weights: LocalPlace, matrices count: Int, cycles: Int) {
    let (source, matrix) = (index(pixels), index(weights))
    self.cycles += cycles
    slots[source].readCycles += cycles
    slots[matrix].readCycles += count * dim
    meetings[source * slots.count + matrix] += count * dim
  }

  private mutating func meet(_ left: LocalPlace, _ right: LocalPlace, cycles: Int) {
    meetings[index(left) * slots.count + index(right)] += cycles
  }
}
