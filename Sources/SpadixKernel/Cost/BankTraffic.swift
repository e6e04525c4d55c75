import SpadixSupport

/// How often the array reads each slot of a nest's buffers, and how many rows loads write there meanwhile: what slots that
/// share a bank of the scratchpad cost each other, where a bank has one port.
///
/// Image rows of a group are in one buffer and anywhere: here it has a slot for those of the contraction's input, for those
/// of each addend, and for those of the result; and one each for the rows of inputs that the array reads last of a tile,
/// while it takes up new weights.
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
  /// In a group, the buffer of image rows; the contraction's input, and the addends by term.
  private let images: BufferID?
  private let contracted: Int?
  private let hasContraction: Bool
  private let addends: [Int]
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
    images = nest.imageBuffer
    hasContraction = nest.kernel.contraction != nil
    contracted = nest.kernel.contraction?.input
    addends = nest.kernel.identities.map(\.input)
    counts = nest.localBuffers.enumerated().map { [images, addends] in
      $0.offset == images?.index ? 3 + 2 * addends.count : $0.element.slots
    }
    var first: [Int] = []
    var count = 0
    for slots in counts {
      first.append(count)
      count += slots
    }
    self.first = first
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

  /// The slot of image rows of the contraction's input or an addend.
  public func imageSlot(ofTerm term: Int?) -> Int { term.map { 1 + $0 } ?? 0 }

  /// The slot of image rows of the result.
  public var imageSlotOfResult: Int { 1 + addends.count }

  /// The slot of the image rows that are read last.
  public func lastImageSlot(ofTerm term: Int?) -> Int { imageSlotOfResult + 1 + imageSlot(ofTerm: term) }

  private func index(_ place: LocalPlace) -> Int {
    first[place.buffer.index] + min(place.slot, counts[place.buffer.index] - 1)
  }

  /// The same place; of image rows, in their slot.
  private func place(_ place: LocalPlace, _ imageSlot: @autoclosure () -> Int) -> LocalPlace {
    guard place.buffer == images else { return place }
    return LocalPlace(place.buffer, slot: imageSlot(), row: place.row)
  }

  public mutating func append(_ operation: TileOperation) {
    switch operation {
    case .load(let load):
      let transfer = load.transfer
      let rows = transfer.rows * ceilDivide(transfer.columns, dim)
      if transfer.partLines == 0 {
        return write(transfer.lines * rows, to: place(transfer.local, slot(of: transfer.operand)))
      }
      for line in 0..<transfer.lines {
        var local = transfer.local
        local.slot += transfer.row(ofLine: line) / max(1, transfer.partStride)
        write(rows, to: local)
      }
    case .store(let store):
      guard let resident = store.resident else { return }
      write(store.transfer.lines * store.transfer.rows, to: place(resident, imageSlotOfResult))
    case .diagonals(let it):
      let cycles = dim * dim * ceilDivide(it.taps * it.blocks.count, dim)
      multiply(it.compact, last: it.compact, it.oneHot, matrices: dim, pixels: cycles)
      meet(it.compact, it.matrices, cycles: cycles)
      meet(it.oneHot, it.matrices, cycles: dim * dim)
    case .multiply(let it):
      let count = it.pairs * it.taps.count
      let window = it.window - (hasContraction ? 1 : 0)
      let term = window < 0 ? nil : min(window, addends.count - 1)
      var source = place(it.source.place, imageSlot(ofTerm: term))
      if it.source.plane.partLines > 0 {
        // Most of a tile's rows are in the part that its last one is in.
        let window = windows[it.window]
        let last = window.inputRow(it.tile.rows.upperBound - 1, tapRow: (it.taps.upperBound - 1) / window.kernelColumns)
        let row = it.source.plane.row(max(0, min(last, window.inputRows - 1)), it.source.plane.firstColumn)
        source.slot += row / max(1, it.source.plane.partStride)
      }
      let last = place(source, lastImageSlot(ofTerm: term))
      multiply(
        source, last: last, it.weights.place, matrices: it.weights.isShared ? 0 : count, pixels: count * it.tile.pixels)
    case .begin, .zero, .bias, .copy, .host: break
    }
  }

  /// The slot of image rows of an input.
  private func slot(of operand: TileOperand) -> Int {
    guard case .input(let input) = operand, input != contracted else { return 0 }
    return imageSlot(ofTerm: addends.firstIndex(of: input))
  }

  private mutating func write(_ rows: Int, to place: LocalPlace) {
    if cycles == 0 { return }
    slots[index(place)].rowsWritten += rows
    slots[index(place)].loads += 1
  }

  /// - Parameter last: where the pixels are that are read last.
  private mutating func multiply(
    _ source: LocalPlace, last: LocalPlace, _ weights: LocalPlace, matrices count: Int, pixels: Int
  ) {
    let (source, last, matrix) = (index(source), index(last), index(weights))
    // New weights take `dim` cycles, however few pixels there are.
    let cycles = max(pixels, count * dim)
    self.cycles += cycles
    slots[source].readCycles += pixels
    slots[matrix].readCycles += count * dim
    slots[matrix].matrices += count
    slots[matrix].productCycles += cycles
    meetings[last * slots.count + matrix] += count * dim
  }

  private mutating func meet(_ left: LocalPlace, _ right: LocalPlace, cycles: Int) {
    meetings[index(left) * slots.count + index(right)] += cycles
  }
}
