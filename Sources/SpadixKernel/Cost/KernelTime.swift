import SpadixISA
import SpadixSupport
import SpadixTiming

/// What a tile program costs: the one place where the compiler guesses cycles before there are commands.
///
/// Each load, compute and store takes its turn on a `StreamClock`:
///
/// - loads and stores take what `MoveTime` says of their moves: 64-byte requests, beats, requests in flight, tracked moves;
/// - computes take a cycle for each pixel, at least four a run, and `dim` where new weights follow; new weights in the bank
///   that pixels are read from cost the array `dim` cycles more, and rows that loads write there one;
/// - the accumulator is used in halves where tiles fit, so that one is stored while the next is computed;
/// - a buffer is loaded again behind its last use. A ring of more lines than a tile needs is loaded ahead by so many;
/// - an operator begins where the results of the one before are stored, with its first constants loaded, and ends where its
///   own are.
///
/// docs/scheduling.md has how far that is from the machine's time model.
public struct KernelTime: Sendable {
  /// Whose sizes and timing the costs are for.
  public let target: Target
  var moves: MoveTime
  var products = ProductTimes()

  /// Rows between column blocks that a load can name (config_ld, bits 31:16).
  static let largestBlockStride = 65535

  public init(_ target: Target) {
    self.target = target
    moves = MoveTime(target)
  }

  /// Of an operator between others of its like; nothing for one on the host or in place.
  public mutating func cost(of program: TileProgram) -> Cost {
    if program.isHost || program.operations.isEmpty { return .zero }
    var fold = TileFold(
      take(), program.buffers, program.windows, program.sums, inputs: (program.reads.last ?? -1) + 1)
    for operation in program.operations { fold.append(operation) }
    return fold.result(&self)
  }

  /// Without a program in memory: what a nest would generate.
  public mutating func cost(of nest: KernelNest) -> Cost {
    cost(of: nest, limit: nil) ?? .zero
  }

  /// - Parameter limit: time from which on the cost does not matter, with the work that is to come; the answer is then
  ///   nil.
  mutating func cost(of nest: KernelNest, limit: (time: Int, work: ArrayWork)?) -> Cost? {
    let kernel = nest.geometry.kernel
    var fold = TileFold(
      take(), nest.buffers.all, nest.windows, SumImage(kernel),
      inputs: kernel.identities.reduce(kernel.contraction == nil ? 0 : 2) { max($0, $1.input + 1) })
    if let limit { fold.limit(limit.time, limit.work) }
    nest.generate(into: &fold)
    let cost = fold.result(&self)
    return fold.wantsMore ? cost : nil
  }

  /// What the array has to do whatever is loaded when: the same for all tilings with the same tiles and slices.
  mutating func work(of nest: KernelNest) -> ArrayWork {
    var fold = ArrayWorkFold(take(), nest.windows, SumImage(nest.geometry.kernel))
    nest.generate(into: &fold)
    return fold.result(&self)
  }

  /// What is known, moved out so that there is one copy of it.
  private mutating func take() -> KernelTime {
    var taken = KernelTime(target)
    swap(&taken, &self)
    return taken
  }

  // MARK: Moves

  /// Cycles of moves of consecutive rows, `dim` a move.
  ///
  /// - Parameter reads: rows that are read for each that is stored; nil for a load.
  mutating func cycles(rows: Int, bytes: Int, offset: Int, stride: Int, reads: Int?) -> Int {
    let dim = target.dim
    var cycles = 0
    if rows >= dim { cycles += rows / dim * one(dim, bytes, offset, stride, reads) }
    if rows % dim > 0 { cycles += one(rows % dim, bytes, offset, stride, reads) }
    return cycles
  }

  /// Cycles of a store of sums, without what it waits for.
  mutating func cycles(of store: TileStore, _ sums: SumImage) -> Int {
    let transfer = store.transfer
    let rows = transfer.lines * transfer.rows
    let window = sums.store.pooling.map { $0.window * $0.window } ?? 1
    if store.resident != nil { return moves.storeOnChip(reads: rows * window) }
    return cycles(
      rows: rows, bytes: transfer.columns, offset: transfer.offset, stride: transfer.rowStride,
      reads: window * ceilDivide(transfer.columns, target.dim))
  }

  /// Whether a tile takes both halves of the accumulator.
  func isInBothHalves(_ tile: SumTile) -> Bool { tile.sumRows > target.accumulatorRows / 2 }

  private mutating func one(_ rows: Int, _ bytes: Int, _ offset: Int, _ stride: Int, _ reads: Int?) -> Int {
    guard let reads else { return moves.load(rows: rows, bytes: bytes, offset: offset, stride: stride) }
    return moves.store(rows: rows, bytes: bytes, offset: offset, stride: stride, reads: reads)
  }
}
