import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan

/// Gives the parts of each step's working block rows of their own, apart by banks.
///
/// A bank of the scratchpad has one port: the array loses cycles where pixels and weights lie in one bank, and where
/// loads write to the bank that it reads. So pixels, the weights that are used and those that are loaded meanwhile go
/// to different banks where rows are free, and away from the rows of the step before, whose last tiles may still use
/// them while the first loads of this step come.
struct BankPlacement {
  private let target: Target
  /// Those of the step that are being looked at: where the tensors in the scratchpad are, and the parts of the step
  /// before.
  private var free: [Range<Int>] = []
  private var placed: [Placed] = []
  private var before: [Range<Int>] = []

  private struct Placed {
    var buffer: Int
    var contents: LocalBuffer.Contents
    /// Whether it is filled again while other slots of its buffer are used.
    var isRefilled: Bool
    var rows: Range<Int>
  }

  init(_ target: Target) { self.target = target }

  /// The first row of each slot of the working buffers, in their order; nil where they lie as well behind one another.
  ///
  /// - Parameters:
  ///   - buffers: of the step's nest.
  ///   - block: the first row of the block that the plan has for them.
  ///   - occupied: rows of tensors during the step.
  ///   - refilled: slots of weights that are filled again.
  ///   - resident: first rows of the tensors that the nest uses in place, by buffer.
  mutating func rows(
    of buffers: [LocalBuffer], block: Int, occupied: [Range<Int>], refilled: Range<Int>,
    resident: (LocalBuffer) -> Int?
  ) -> [Int]? {
    let fixed = buffers.enumerated().compactMap { index, buffer in
      resident(buffer).map {
        Placed(buffer: index, contents: buffer.contents, isRefilled: false, rows: $0..<$0 + buffer.rows)
      }
    }
    var parts: [Placed] = []
    var next = block
    for (index, buffer) in buffers.enumerated() where buffer.isWorking {
      for slot in 0..<buffer.slots {
        let isRefilled = buffer.slots > 1 && (buffer.contents == .pixels || refilled.contains(slot))
        parts.append(
          Placed(
            buffer: index, contents: buffer.contents, isRefilled: isRefilled, rows: next..<next + buffer.rows))
        next += buffer.rows
      }
    }
    defer { before = parts.map(\.rows) }
    if parts.isEmpty { return nil }
    let inBlock = cost(of: parts, fixed)
    free = gaps(occupied)
    placed = fixed
    var spread = parts
    // Large ones first, which have the fewest places.
    for index in parts.indices.sorted(by: { (-parts[$0].rows.count, $0) < (-parts[$1].rows.count, $1) }) {
      guard let first = place(parts[index]) else { return nil }
      spread[index].rows = first..<first + parts[index].rows.count
      placed.append(spread[index])
      free = free.flatMap { Self.without(spread[index].rows, $0) }
    }
    if cost(of: spread, fixed) >= inBlock { return nil }
    parts = spread
    return spread.map(\.rows.lowerBound)
  }

  private func gaps(_ occupied: [Range<Int>]) -> [Range<Int>] {
    occupied.reduce([0..<target.scratchpadRows]) { gaps, taken in gaps.flatMap { Self.without(taken, $0) } }
  }

  private static func without(_ taken: Range<Int>, _ gap: Range<Int>) -> [Range<Int>] {
    if taken.isEmpty || !gap.overlaps(taken) { return [gap] }
    return [
      gap.lowerBound..<max(gap.lowerBound, taken.lowerBound), min(gap.upperBound, taken.upperBound)..<gap.upperBound,
    ].filter { !$0.isEmpty }
  }

  /// The best of the places at the ends of gaps and banks.
  private func place(_ part: Placed) -> Int? {
    let count = part.rows.count
    let bank = target.scratchpadRowsPerBank
    var best: (cost: Int, row: Int)?
    for gap in free where gap.count >= count {
      var starts = [gap.lowerBound, gap.upperBound - count]
      for border in stride(from: gap.lowerBound / bank * bank, through: gap.upperBound, by: bank) {
        starts += [border, border - count]
      }
      for start in starts where start >= gap.lowerBound && start + count <= gap.upperBound {
        var moved = part
        moved.rows = start..<start + count
        let cost = placed.reduce(conflict(withBefore: moved)) { $0 + conflict(moved, $1) }
        if best == nil || (cost, start) < best! { best = (cost, start) }
      }
    }
    return best?.row
  }

  /// How often reads and writes of the parts meet in a bank, in thousandths of what one part could lose.
  private func cost(of parts: [Placed], _ fixed: [Placed]) -> Int {
    var sum = 0
    for (index, part) in parts.enumerated() {
      sum += conflict(withBefore: part)
      for other in fixed + parts[..<index] { sum += conflict(part, other) }
    }
    return sum
  }

  private func conflict(_ left: Placed, _ right: Placed) -> Int {
    // Slots of which one is loaded while the other is used, and what is multiplied with each other.
    let isTurn = left.buffer == right.buffer && left.isRefilled && right.isRefilled
    guard isTurn || left.contents != right.contents else { return 0 }
    let bank = target.scratchpadRowsPerBank
    var meetings = 0
    for index in max(left.rows.lowerBound, right.rows.lowerBound) / bank..<target.scratchpadBanks {
      let rows = index * bank..<(index + 1) * bank
      if rows.lowerBound >= min(left.rows.upperBound, right.rows.upperBound) { break }
      meetings += left.rows.clamped(to: rows).count * right.rows.clamped(to: rows).count
    }
    return meetings * 1000 / max(1, left.rows.count * right.rows.count)
  }

  private func conflict(withBefore part: Placed) -> Int {
    let shared = before.reduce(0) { $0 + $1.clamped(to: part.rows).count }
    return shared * 20 / max(1, part.rows.count)
  }
}

extension PreparedKernels {
  /// Array cycles of a step from which on its banks are worth a line of the plan.
  private static let leastCycles = 1 << 12

  /// A plan whose steps have their working rows apart by banks.
  public func spread(_ plan: Plan) -> Plan {
    var plan = plan
    var placement = BankPlacement(target)
    var pieces = plan.pieces[...]
    var present: [Plan.Piece] = []
    for step in plan.steps.indices {
      present.removeAll { $0.last < step }
      while let piece = pieces.first, piece.first <= step {
        present.append(piece)
        pieces.removeFirst()
      }
      guard plan.group(of: step) == nil, plan.steps[step].cost.arrayCycles >= Self.leastCycles,
        let buffers = workingBuffers(of: step, plan),
        case .tile(_, let tiling) = plan.steps[step].nest, let kernel = tileKernel(step: step, plan)
      else { continue }
      let occupied = present.map { $0.row..<$0.row + problem.tensors[$0.tensor].rows }
      plan.steps[step].rows = placement.rows(
        of: buffers, block: plan.steps[step].workingRow, occupied: occupied,
        refilled: KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim).refilledWeightSlots,
        resident: { buffer in
          let value: ValueID
          switch buffer.tensor {
          case .input(let position): value = inputs[step][position]
          case .output, .constant, nil: return nil
          }
          return present.first { tensorID(value) == $0.tensor }?.row
        })
    }
    return plan
  }

  /// The buffers of a step that runs in tiles.
  func workingBuffers(of step: Int, _ plan: Plan) -> [LocalBuffer]? {
    guard case .tile(_, let tiling) = plan.steps[step].nest, let kernel = tileKernel(step: step, plan) else {
      return nil
    }
    let places = KernelPlaces(
      kernel, inputs: plan.steps[step].inputs.map { $0 == .resident },
      output: plan.steps[step].outputs.first == .resident)
    return KernelNest.buffers(
      KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim), places: places,
      accumulatorRows: target.accumulatorRows)
  }
}

extension PreparedKernels {
  /// The rows that a step has for itself, part by part.
  public func workingRows(of step: Int, _ plan: Plan) -> [Range<Int>] {
    if let group = plan.group(of: step) { return [group.row..<group.row + group.rows] }
    let it = plan.steps[step]
    if it.workingRows == 0 { return [] }
    guard let rows = it.rows, let buffers = workingBuffers(of: step, plan) else {
      return [it.workingRow..<it.workingRow + it.workingRows]
    }
    let sizes = buffers.filter(\.isWorking).flatMap { Array(repeating: $0.rows, count: $0.slots) }
    return zip(rows, sizes).map { $0..<$0 + $1 }
  }
}
