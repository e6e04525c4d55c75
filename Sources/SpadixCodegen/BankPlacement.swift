import SpadixISA
import SpadixKernel

/// Gives the slots of a step's working buffers rows of their own, so that they cost each other few cycles.
///
/// A bank of the scratchpad has one port: the array loses cycles where pixels and weights that it multiplies lie in one
/// bank, and where loads write to the bank that it reads. Which slots meet how often is `BankTraffic`'s to say. Slots keep
/// away from the rows of the step before as well, whose last tiles may still use them while the first loads of this step
/// come.
struct BankPlacement {
  /// A slot of a buffer.
  struct Part {
    var buffer: Int
    var slot: Int
    var rows: Range<Int>
    /// Tensors of the scratchpad stay where they are.
    var isFixed: Bool
    /// Of image rows of a group, which lie anywhere and stay there, all of them; `rows` are the first.
    var images: [Range<Int>] = []
  }

  private let bankRows: Int
  private let banks: Int
  /// Cycles that each pair of parts would lose if all of both were in one bank; of a part with itself on the diagonal.
  private let losses: [Int]
  private let count: Int
  private let before: [Range<Int>]
  private var parts: [Part]
  private var isPlaced: [Bool]
  /// Rows that are free, ascending.
  private var free: [Range<Int>]
  private let freeAtFirst: [Range<Int>]

  /// More parts than this stay as they are.
  private static let mostParts = 512
  /// How often all parts are looked at again.
  private static let rounds = 4
  /// Up to so many buffers are stacked in every order.
  private static let mostStackedBuffers = 4
  /// So many of the stacks are improved, those that lose least.
  private static let improvedStacks = 6

  /// - Parameters:
  ///   - parts: as the plan has them, one behind the other in the step's block.
  ///   - occupied: rows of tensors during the step.
  ///   - before: rows of the step before.
  init(_ parts: [Part], _ traffic: BankTraffic, occupied: [Range<Int>], before: [Range<Int>], _ target: Target) {
    self.parts = parts
    self.before = before
    bankRows = target.scratchpadRowsPerBank
    banks = target.scratchpadBanks
    count = parts.count
    isPlaced = parts.map(\.isFixed)
    freeAtFirst = occupied.reduce([0..<target.scratchpadRows]) { gaps, taken in
      gaps.flatMap { Self.without(taken, $0) }
    }
    free = freeAtFirst
    losses = count <= Self.mostParts ? Self.losses(parts, traffic) : []
  }

  /// The parts in the places that lose the fewest cycles; nil where these are the ones they have.
  mutating func run() -> [Part]? {
    if count > Self.mostParts || parts.allSatisfy(\.isFixed) { return nil }
    let inBlock = parts
    isPlaced = parts.map { _ in true }
    var best = (cost: cost, parts: parts)
    let stacked = stacks.compactMap { start($0.order, fromEnd: $0.fromEnd) }
    let cheapest = stacked.indices.sorted { (stacked[$0].cost, $0) < (stacked[$1].cost, $1) }
    let starts = cheapest.prefix(Self.improvedStacks).map { stacked[$0] } + orders.compactMap { start($0) }
    for start in starts {
      take(start.parts)
      improve(start.order)
      let cost = cost
      if cost < best.cost { best = (cost, parts) }
    }
    return zip(best.parts, inBlock).allSatisfy { $0.rows == $1.rows } ? nil : best.parts
  }

  // MARK: Losses

  private static func losses(_ parts: [Part], _ traffic: BankTraffic) -> [Int] {
    let uses = parts.map { traffic[$0.buffer, $0.slot] }
    // Cycles that the array loses in one part while rows are written to the other.
    func written(to index: Int, beside other: Int) -> Int {
      let takeTurns = parts[index].buffer == parts[other].buffer && index != other
      // A slot of several is not read while it is filled.
      let all = traffic.cycles - (takeTurns ? max(uses[index].readCycles, uses[index].productCycles) : 0)
      let disturbed = uses[other].cyclesDisturbed(by: uses[index].rowsWritten / max(1, uses[index].loads))
      return all <= 0 ? 0 : uses[index].rowsWritten * min(disturbed, all) / all
    }
    let slots = parts.reduce(into: [:]) { $0[$1.buffer, default: 0] += 1 }
    var losses = [Int](repeating: 0, count: parts.count * parts.count)
    for left in parts.indices {
      if slots[parts[left].buffer] == 1 { losses[left * parts.count + left] = written(to: left, beside: left) }
      for right in 0..<left {
        let meetings = traffic.meetings(
          (parts[left].buffer, parts[left].slot), (parts[right].buffer, parts[right].slot))
        var loads = written(to: left, beside: right) + written(to: right, beside: left)
        if parts[left].buffer == parts[right].buffer, let count = slots[parts[left].buffer], count > 3 {
          // Slots take turns: the one that is filled is next to the one that is read.
          let distance = parts[left].slot - parts[right].slot
          loads = abs(distance) == 1 || abs(distance) == count - 1 ? loads * (count - 1) / 2 : 0
        }
        let loss = loads + meetings
        losses[left * parts.count + right] = loss
        losses[right * parts.count + left] = loss
      }
    }
    return losses
  }

  /// Rows of a range in a bank.
  private func rows(of range: Range<Int>, in bank: Int) -> Int {
    max(0, min(range.upperBound, (bank + 1) * bankRows) - max(range.lowerBound, bank * bankRows))
  }

  /// Per bank, the cycles that a part would lose with those that are placed, in 1024ths.
  private func pressure(on index: Int) -> [Int] {
    var pressure = [Int](repeating: 0, count: banks)
    for other in parts.indices where isPlaced[other] && other != index {
      let loss = losses[index * count + other]
      if loss == 0 || parts[other].rows.isEmpty { continue }
      let range = parts[other].rows
      if parts[other].images.isEmpty {
        for bank in range.lowerBound / bankRows...(range.upperBound - 1) / bankRows {
          pressure[bank] += loss * (rows(of: range, in: bank) << 10) / range.count
        }
      } else {
        for (bank, share) in shares(of: parts[other].images).enumerated() { pressure[bank] += loss * share }
      }
    }
    return pressure
  }

  /// How much of some rows is in each bank, in 1024ths.
  private func shares(of images: [Range<Int>]) -> [Int] {
    let all = images.reduce(0) { $0 + $1.count }
    return (0..<banks).map { bank in
      images.reduce(0) { $0 + rows(of: $1, in: bank) } << 10 / max(1, all)
    }
  }

  /// What a part loses in some rows, in 1024ths of cycles.
  private func cost(of index: Int, in range: Range<Int>, _ pressure: [Int]) -> Int {
    if range.isEmpty { return 0 }
    let itself = losses[index * count + index]
    var sum = 0
    for bank in range.lowerBound / bankRows...(range.upperBound - 1) / bankRows {
      let share = (rows(of: range, in: bank) << 10) / range.count
      sum += (pressure[bank] * share + itself * share * share) >> 10
    }
    // Rows that the step before still uses are loaded later by about a cycle each.
    return before.reduce(sum) { $0 + $1.clamped(to: range).count << 10 }
  }

  /// What all parts lose; of a pair, each sees the other.
  private var cost: Int {
    parts.indices.reduce(0) { sum, index in
      if !parts[index].images.isEmpty {
        return zip(pressure(on: index), shares(of: parts[index].images)).reduce(sum) { $0 + ($1.0 * $1.1) >> 10 }
      }
      let all = cost(of: index, in: parts[index].rows, pressure(on: index))
      let alone = cost(of: index, in: parts[index].rows, [Int](repeating: 0, count: banks))
      return sum + all + alone
    }
  }

  // MARK: Places

  /// In which parts are placed: large ones have the fewest places, pixels meet the most others.
  private var orders: [[Int]] {
    let movable = parts.indices.filter { !parts[$0].isFixed }
    let sums = parts.indices.map { index in (0..<count).reduce(0) { $0 + losses[index * count + $1] } }
    return [
      movable.sorted { (-parts[$0].rows.count, $0) < (-parts[$1].rows.count, $1) },
      movable.sorted { (-sums[$0], $0) < (-sums[$1], $1) },
    ]
  }

  /// Buffers one behind the other in every order, some of them from the end of the scratchpad: greedy places alone leave
  /// slots that belong together in what others left.
  private var stacks: [(order: [Int], fromEnd: Set<Int>)] {
    var buffers: [Int] = []
    for part in parts where !part.isFixed && buffers.last != part.buffer { buffers.append(part.buffer) }
    if buffers.count > Self.mostStackedBuffers { return [] }
    var orders: [[Int]] = [[]]
    for buffer in buffers {
      orders = orders.flatMap { order in
        (0...order.count).map { Array(order[..<$0]) + [buffer] + Array(order[$0...]) }
      }
    }
    return orders.flatMap { order in
      (0...order.count).map { count in
        let slots = order.flatMap { buffer in
          parts.indices.filter { parts[$0].buffer == buffer && !parts[$0].isFixed }
        }
        return (slots, Set(order[..<count]))
      }
    }
  }

  /// Parts placed in an order, from which they are improved.
  private struct Start {
    var cost: Int
    var order: [Int]
    var parts: [Part]
  }

  /// Nil where not all of them fit.
  private mutating func start(_ order: [Int], fromEnd: Set<Int>? = nil) -> Start? {
    place(order, fromEnd: fromEnd) ? Start(cost: cost, order: order, parts: parts) : nil
  }

  /// - Parameter fromEnd: for a stack, the buffers that begin at the end; nil for the cheapest places.
  private mutating func place(_ order: [Int], fromEnd: Set<Int>? = nil) -> Bool {
    free = freeAtFirst
    isPlaced = parts.map(\.isFixed)
    for index in order {
      let outermost = fromEnd.map { outermostRow(index, fromEnd: $0.contains(parts[index].buffer)) }
      guard let row = outermost ?? bestRow(index) else { return false }
      take(index, row)
    }
    return true
  }

  /// Takes up places that were found before.
  private mutating func take(_ placed: [Part]) {
    free = freeAtFirst
    isPlaced = parts.map(\.isFixed)
    for index in parts.indices where !parts[index].isFixed { take(index, placed[index].rows.lowerBound) }
  }

  /// The first free rows from the start or the end of the scratchpad.
  private func outermostRow(_ index: Int, fromEnd: Bool) -> Int? {
    let rows = parts[index].rows.count
    if fromEnd { return free.last { $0.count >= rows }.map { $0.upperBound - rows } }
    return free.first { $0.count >= rows }?.lowerBound
  }

  /// Moves parts one by one to better places, as long as there are any.
  private mutating func improve(_ order: [Int]) {
    for _ in 0..<Self.rounds {
      var hasMoved = false
      for index in order {
        let row = parts[index].rows.lowerBound
        give(index)
        let pressure = pressure(on: index)
        let before = cost(of: index, in: parts[index].rows, pressure)
        if let better = bestRow(index), better != row,
          cost(of: index, in: better..<better + parts[index].rows.count, pressure) < before
        {
          take(index, better)
          hasMoved = true
        } else {
          take(index, row)
        }
      }
      if !hasMoved { return }
    }
  }

  /// The best of the places at the ends of gaps and banks.
  private func bestRow(_ index: Int) -> Int? {
    let rows = parts[index].rows.count
    let pressure = pressure(on: index)
    var best: (cost: Int, row: Int)?
    for gap in free where gap.count >= rows {
      var starts = [gap.lowerBound, gap.upperBound - rows]
      for border in stride(from: gap.lowerBound / bankRows * bankRows, through: gap.upperBound, by: bankRows) {
        starts += [border, border - rows]
      }
      for start in starts where start >= gap.lowerBound && start + rows <= gap.upperBound {
        let cost = cost(of: index, in: start..<start + rows, pressure)
        if best == nil || (cost, start) < best! { best = (cost, start) }
      }
    }
    return best?.row
  }

  private mutating func take(_ index: Int, _ row: Int) {
    parts[index].rows = row..<row + parts[index].rows.count
    isPlaced[index] = true
    free = free.flatMap { Self.without(parts[index].rows, $0) }
  }

  private mutating func give(_ index: Int) {
    let rows = parts[index].rows
    isPlaced[index] = false
    if rows.isEmpty { return }
    let place = free.firstIndex { $0.lowerBound >= rows.upperBound } ?? free.count
    free.insert(rows, at: place)
    for left in [place, place - 1] where left >= 0 && left + 1 < free.count {
      if free[left].upperBound == free[left + 1].lowerBound {
        free[left] = free[left].lowerBound..<free[left + 1].upperBound
        free.remove(at: left + 1)
      }
    }
  }

  private static func without(_ taken: Range<Int>, _ gap: Range<Int>) -> [Range<Int>] {
    if taken.isEmpty || !gap.overlaps(taken) { return [gap] }
    return [
      gap.lowerBound..<max(gap.lowerBound, taken.lowerBound), min(gap.upperBound, taken.upperBound)..<gap.upperBound,
    ].filter { !$0.isEmpty }
  }
}
