import SpadixSupport

/// What the array has to do for a kernel whatever is loaded when: a bound for the time of every tiling with the same
/// tiles.
struct ArrayWork {
  /// By window of the kernel: its products.
  struct Products {
    var cycles = 0
    /// Matrices that are new to the array, and multiplications that they are for.
    var newMatrices = 0
    var multiplications = 0
    /// Buffers of the matrices and of the pixels.
    var weights = BufferID(0)
    var pixels = BufferID(0)
  }

  var products: [Products]
  /// Cycles of the last tile's stores, which follow its last products.
  var lastStores = 0
  var storesToMemory = false
}

/// Adds up the work.
struct ArrayWorkFold: TileSink {
  private var time: KernelTime
  private let windows: [InputWindow]
  private let numbers: [Int]
  private let sums: SumImage
  private var work: ArrayWork

  init(_ time: KernelTime, _ windows: [InputWindow], _ sums: SumImage) {
    var time = time
    numbers = windows.map { time.products.number(of: $0) }
    self.time = time
    self.windows = windows
    self.sums = sums
    work = ArrayWork(products: Array(repeating: ArrayWork.Products(), count: windows.count))
  }

  /// - Parameter time: takes back what is known.
  mutating func result(_ time: inout KernelTime) -> ArrayWork {
    swap(&time, &self.time)
    return work
  }

  static var takesProducts: Bool { true }

  @inline(__always)
  mutating func append(_ operation: TileOperation) {
    switch operation {
    case .begin: work.lastStores = 0
    case .multiply(let products):
      let one = time.products.cycles(
        products, windows[products.window], number: numbers[products.window], dim: time.target.dim, time.moves)
      let pairs = products.pairs
      var sum = work.products[products.window]
      sum.cycles += pairs * one.cycles
      sum.multiplications += 1
      if !products.weights.isShared { sum.newMatrices += pairs * products.taps.count }
      sum.weights = products.weights.place.buffer
      sum.pixels = products.source.place.buffer
      work.products[products.window] = sum
    case .store(let store):
      guard let of = store.sums else { break }
      work.storesToMemory = store.resident == nil
      if !store.isEarly(of, time) { work.lastStores += time.cycles(of: store, sums) }
    case .load, .zero, .bias, .diagonals, .copy, .host: break
    }
  }
}

extension TileStore {
  /// Whether a block's results are there half of the computing before the last ones, in another bank of the
  /// accumulator.
  func isEarly(_ of: Sums, _ time: KernelTime) -> Bool {
    let last = of.block + ceilDivide(transfer.columns, time.target.dim) - 1
    return time.isInBothHalves(of.tile) && 2 * (of.tile.row(of: last) + of.tile.pixels) <= of.tile.sumRows
  }
}
