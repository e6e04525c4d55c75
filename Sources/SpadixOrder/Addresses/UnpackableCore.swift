import SpadixAllocation
import SpadixSupport

/// Looks for a small set of pieces that do not pack either, among some that do not.
struct UnpackableCore {
  let builder: PieceBuilder
  let budget: Int
  /// Elementary steps that all packings may take.
  let effortLimit: Int
  let cancellation: Cancellation?
  /// Elementary steps that they took.
  private(set) var effort = 0

  init(_ builder: PieceBuilder, budget: Int, effortLimit: Int, cancellation: Cancellation?) {
    self.builder = builder
    self.budget = budget
    self.effortLimit = effortLimit
    self.cancellation = cancellation
  }

  mutating func find(in pieces: [ScheduleSolution.Piece]) -> [ScheduleSolution.Piece] {
    func inside(_ first: Int, _ last: Int) -> [ScheduleSolution.Piece] {
      pieces.filter { $0.first <= last && first <= $0.last }
    }
    // Halving finds the first and the last step without which the rest packs.
    var low = 0
    var high = builder.stepCount - 1
    while low < high {
      let middle = (low + high) / 2
      if packs(inside(0, middle)) { low = middle + 1 } else { high = middle }
    }
    let last = low
    low = 0
    high = last
    while low < high {
      let middle = (low + high + 1) / 2
      if packs(inside(middle, last)) { high = middle - 1 } else { low = middle }
    }
    var kept = inside(low, last)
    if kept.count <= AddressLimits.mostLeftOut {
      for piece in kept {
        let without = kept.filter { $0 != piece }
        if !packs(without) { kept = without }
      }
    }
    return kept
  }

  private mutating func packs(_ pieces: [ScheduleSolution.Piece]) -> Bool {
    if cancellation?.isCancelled == true { return false }
    var options = AllocationSolver.Options()
    options.nodeLimit = AddressLimits.coreNodes
    options.layoutSweep = false
    options.effortLimit = max(1, min(AddressLimits.coreEffort, effortLimit - effort))
    let result = AllocationSolver(options: options, cancellation: cancellation).solve(
      builder.allocation(pieces, budget, inPlace: false).problem)
    effort += result.effort
    return result.solution != nil
  }
}
