import SpadixAllocation
import SpadixSupport

/// Addresses for more pieces than a packing can look at together: a stretch of steps after the other.
///
/// What has an address from before keeps it. Of each stretch only the first half is settled, so that what follows soon has
/// a say. Where a stretch does not pack, the first steps that do not are found, and what is dropped most cheaply there goes.
struct StretchPacking {
  /// Steps that are looked at together, and of these, those that are settled.
  private static let look = 32
  private static let advance = 16
  /// Nodes and elementary steps of a packing.
  private static let nodes = 500
  private static let effort = 2_000_000

  private let builder: PieceBuilder
  private let budget: Int
  private let effortLimit: Int
  private let cancellation: Cancellation?
  /// Of all packings.
  private(set) var effort = 0
  private(set) var nodes = 0

  private struct Key: Hashable {
    var tensor: Int
    var first: Int

    init(_ piece: ScheduleSolution.Piece) {
      tensor = piece.tensor.index
      first = piece.first
    }
  }

  init(_ builder: PieceBuilder, budget: Int, effortLimit: Int, cancellation: Cancellation?) {
    self.builder = builder
    self.budget = budget
    self.effortLimit = effortLimit
    self.cancellation = cancellation
  }

  /// Pieces with addresses; nil at the limit.
  ///
  /// - Parameter ends: for each tensor the steps after which it leaves.
  mutating func run(_ ends: [Set<Int>]) -> [ScheduleSolution.Piece]? {
    var cuts = ends
    var pieces = builder.pieces(endingAfter: cuts)
    var offsets: [Key: Int] = [:]
    var start = 0
    while start < builder.stepCount {
      if effort > effortLimit || cancellation?.isCancelled == true { return nil }
      let end = min(builder.stepCount, start + Self.look)
      let live = Self.live(pieces, start, end)
      if let found = packed(live, start..<end, offsets) {
        let next = end == builder.stepCount ? end : start + Self.advance
        for (piece, offset) in zip(live, found) where piece.first < next { offsets[Key(piece)] = offset }
        start = next
        continue
      }
      // The fewest steps that do not pack: something has to go from the last of them.
      var (low, high) = (start, end - 1)
      while low < high {
        let middle = (low + high) / 2
        let some = live.filter { $0.first <= middle }
        if packed(some, start..<middle + 1, offsets) != nil { low = middle + 1 } else { high = middle }
      }
      guard let cut = cheapestCut(live.filter { $0.first <= low && low <= $0.last }, at: low, cuts) else { return nil }
      cuts[cut.tensor].insert(cut.step)
      pieces = builder.pieces(endingAfter: cuts)
      effort += 50 * pieces.count
    }
    for index in pieces.indices { pieces[index].offset = offsets[Key(pieces[index])] ?? 0 }
    return pieces
  }

  /// Pieces are sorted by first step.
  private static func live(
    _ pieces: [ScheduleSolution.Piece], _ start: Int, _ end: Int
  ) -> [ScheduleSolution.Piece] {
    pieces.filter { $0.first < end && $0.last >= start }
  }

  private mutating func packed(
    _ pieces: [ScheduleSolution.Piece], _ steps: Range<Int>, _ offsets: [Key: Int]
  ) -> [Int]? {
    var problem = builder.allocation(pieces, budget)
    for (index, piece) in pieces.enumerated() {
      problem.buffers[index].lower = max(piece.first, steps.lowerBound)
      problem.buffers[index].upper = min(piece.last + 1, steps.upperBound)
      if piece.first < steps.lowerBound { problem.buffers[index].fixedOffset = offsets[Key(piece)] }
    }
    var limits = AllocationSolver.Options()
    (limits.nodeLimit, limits.effortLimit) = (Self.nodes, Self.effort)
    let result = AllocationSolver(options: limits, cancellation: cancellation).solve(problem)
    effort += result.effort + 2_000 * pieces.count
    nodes += result.nodes
    return result.solution?.offsets
  }

  /// The cheapest tensor to drop so that it is not there at a step; of operands of that step, so that it comes again then.
  private func cheapestCut(
    _ pieces: [ScheduleSolution.Piece], at step: Int, _ cuts: [Set<Int>]
  ) -> (tensor: Int, step: Int)? {
    var best: (isOperand: Int, price: Int, tensor: Int, step: Int)?
    for piece in pieces {
      let tensor = piece.tensor.index
      guard let use = builder.lastUse(of: tensor, before: step), use >= piece.first else { continue }
      let isOperand = builder.isUsed(tensor, at: step)
      if !isOperand, piece.last == use { continue }
      let found = (isOperand ? 1 : 0, builder.price(ofCutting: tensor, cuts), tensor, use)
      if best.map({ found < $0 }) ?? true { best = found }
    }
    return best.map { ($0.tensor, $0.step) }
  }
}
