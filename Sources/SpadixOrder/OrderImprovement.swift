import SpadixMIP
import SpadixSupport

/// Improves an order by moving operators, together with what has to move with them, as long as residency by rule costs
/// less.
///
/// Late acceptance hill climbing: a change is taken when it costs no more than the order did so many changes ago. Integers
/// and a fixed generator only, so that every machine finds the same order.
final class OrderImprovement {
  private let count: Int
  private let capacity: Int
  private let core: ScheduleCore
  private let cancellation: Cancellation?

  // The core in flat memory; an operator's operands are `slots[start[op]..<start[op + 1]]`.
  private let start: UnsafeMutablePointer<Int>
  private let slots: UnsafeMutablePointer<Int>
  private let privateSize: UnsafeMutablePointer<Int>
  private let size: UnsafeMutablePointer<Int>
  private let bytes: UnsafeMutablePointer<Int>
  private let isClean: UnsafeMutablePointer<Bool>

  // The state of an evaluation.
  private let nextOfSlot: UnsafeMutablePointer<Int>
  private let nextUse: UnsafeMutablePointer<Int>
  private let isStored: UnsafeMutablePointer<Bool>
  private let place: UnsafeMutablePointer<Int>
  private let resident: UnsafeMutablePointer<Int>
  private let stamp: UnsafeMutablePointer<Int>
  private let isMoving: UnsafeMutablePointer<Bool>
  private let lastUse: UnsafeMutablePointer<Int>
  /// What the evaluation evicts, where that is wanted.
  private var recorded: [ResidencyModel.Gap]?

  private var random: UInt64 = 0x2545_F491_4F6C_DD1D

  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0

  init(_ core: ScheduleCore, capacity: Int, cancellation: Cancellation?) {
    self.core = core
    self.capacity = capacity
    self.cancellation = cancellation
    count = core.count
    func memory<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
      let pointer = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
      for (index, value) in values.enumerated() { (pointer + index).initialize(to: value) }
      return pointer
    }
    var starts = [0]
    for op in core.operators { starts.append(starts[starts.count - 1] + op.operands.count) }
    start = memory(starts)
    slots = memory(core.operators.flatMap(\.operands))
    privateSize = memory(core.operators.map(\.privateSize))
    size = memory(core.tensors.map(\.size))
    bytes = memory(core.tensors.map(\.bytes))
    isClean = memory(core.tensors.map(\.isClean))
    nextOfSlot = memory([Int](repeating: 0, count: starts[count]))
    nextUse = memory([Int](repeating: 0, count: core.tensors.count))
    isStored = memory([Bool](repeating: false, count: core.tensors.count))
    place = memory([Int](repeating: -1, count: core.tensors.count))
    resident = memory([Int](repeating: 0, count: core.tensors.count))
    stamp = memory([Int](repeating: -1, count: core.tensors.count))
    isMoving = memory([Bool](repeating: false, count: count))
    lastUse = memory([Int](repeating: 0, count: core.tensors.count))
  }

  deinit {
    for pointer in [start, slots, privateSize, size, bytes, nextOfSlot, nextUse, place, resident, stamp, lastUse] {
      pointer.deallocate()
    }
    for pointer in [isClean, isStored, isMoving] { pointer.deallocate() }
  }

  /// The best order found, and what residency by rule costs for it; that of the start at worst.
  func run(from order: [Int], effortLimit: Int) -> (order: [Int], cost: Int) {
    var best = order
    var bestCost = cost(of: order)
    let end = effort + effortLimit
    var length = 20
    while bestCost > 0, effort < end, cancellation?.isCancelled != true {
      // Each round starts from the best order and accepts worse ones for longer than the round before.
      var current = best
      var currentCost = bestCost
      var history = [Int](repeating: bestCost, count: length)
      var sinceImprovement = 0
      var number = 0
      while bestCost > 0, sinceImprovement < 60 * length, effort < end {
        if number & 63 == 0, cancellation?.isCancelled == true { break }
        guard let candidate = moved(current) else {
          effort += 50
          sinceImprovement += 1
          number += 1
          continue
        }
        let late = history[number % length]
        let limit = max(late, currentCost)
        let candidateCost = cost(of: candidate, limit: limit)
        sinceImprovement += 1
        if candidateCost <= limit {
          current = candidate
          currentCost = candidateCost
          if candidateCost < bestCost {
            best = candidate
            bestCost = candidateCost
            sinceImprovement = 0
          }
        }
        history[number % length] = min(late, currentCost)
        number += 1
      }
      length = min(length * 4, 5_000)
    }
    return (best, bestCost)
  }

  // MARK: - Moves

  private func next(_ bound: Int) -> Int {
    random &+= 0x9E37_79B9_7F4A_7C15
    var z = random
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }

  /// An operator moves some positions up with everything in between that it waits for, or down with everything that
  /// waits for it; nil when that changes nothing.
  private func moved(_ order: [Int]) -> [Int]? {
    let from = next(count)
    let reach = 1 << (1 + next(max(1, min(10, Int.bitWidth - count.leadingZeroBitCount))))
    let distance = 1 + next(reach)
    var result = order
    effort += 10 * distance + 2 * count
    if next(2) == 0 {
      let to = max(0, from - distance)
      if to == from { return nil }
      var moving: [Int] = []
      var staying: [Int] = []
      isMoving[order[from]] = true
      for position in stride(from: from, through: to, by: -1) {
        let op = order[position]
        if isMoving[op] || core.operators[op].successors.contains(where: { isMoving[$0] }) {
          isMoving[op] = true
          moving.append(op)
        } else {
          staying.append(op)
        }
      }
      for op in moving { isMoving[op] = false }
      if staying.isEmpty { return nil }
      result.replaceSubrange(to...from, with: moving.reversed() + staying.reversed())
    } else {
      let to = min(count - 1, from + distance)
      if to == from { return nil }
      var moving: [Int] = []
      var staying: [Int] = []
      isMoving[order[from]] = true
      for position in from...to {
        let op = order[position]
        if isMoving[op] || core.operators[op].predecessors.contains(where: { isMoving[$0] }) {
          isMoving[op] = true
          moving.append(op)
        } else {
          staying.append(op)
        }
      }
      for op in moving { isMoving[op] = false }
      if staying.isEmpty { return nil }
      result.replaceSubrange(from...to, with: staying + moving)
    }
    return result
  }

  // MARK: - Cost

  private static let never = Int.max

  /// Bytes moved when what is away longest for its price is evicted; more than the limit, somehow, when it is exceeded.
  func cost(of order: [Int], limit: Int = Int.max) -> Int {
    for tensor in core.tensors.indices {
      nextUse[tensor] = Self.never
      isStored[tensor] = isClean[tensor]
      place[tensor] = -1
      stamp[tensor] = -1
    }
    effort += 4 * core.tensors.count + 6 * start[count]
    for step in stride(from: count - 1, through: 0, by: -1) {
      let op = order[step]
      for slot in start[op]..<start[op + 1] {
        nextOfSlot[slot] = nextUse[slots[slot]]
        nextUse[slots[slot]] = step
      }
    }
    var cost = 0
    var residentCount = 0
    var needed = 0
    for step in 0..<count {
      let op = order[step]
      let operands = start[op]..<start[op + 1]
      for slot in operands {
        let tensor = slots[slot]
        stamp[tensor] = step
        if place[tensor] < 0 {
          place[tensor] = residentCount
          resident[residentCount] = tensor
          residentCount += 1
          needed += size[tensor]
        }
      }
      let room = capacity - privateSize[op]
      while needed > room {
        effort += 4 * residentCount + 20
        let victim = self.victim(residentCount, step, excess: needed - room)
        guard victim >= 0 else { return Self.never }
        cost += bytes[victim] * (isStored[victim] ? 1 : 2)
        recorded?.append(ResidencyModel.Gap(tensor: victim, first: lastUse[victim], last: nextUse[victim]))
        if cost > limit { return cost }
        isStored[victim] = true
        needed -= size[victim]
        residentCount -= 1
        remove(victim, last: resident[residentCount])
      }
      for slot in operands {
        let tensor = slots[slot]
        nextUse[tensor] = nextOfSlot[slot]
        lastUse[tensor] = step
        if nextUse[tensor] == Self.never {
          needed -= size[tensor]
          residentCount -= 1
          remove(tensor, last: resident[residentCount])
        }
      }
    }
    return cost
  }

  /// The gaps that pay for the cost of an order.
  func drops(of order: [Int]) -> [ResidencyModel.Gap] {
    recorded = []
    defer { recorded = nil }
    _ = cost(of: order)
    return recorded ?? []
  }

  private func remove(_ tensor: Int, last: Int) {
    let hole = place[tensor]
    resident[hole] = last
    place[last] = hole
    place[tensor] = -1
  }

  /// What is away longest for what its eviction costs; of what frees enough by itself, only that counts of its size which
  /// is needed. -1 when only the operator's own operands are there.
  private func victim(_ residentCount: Int, _ step: Int, excess: Int) -> Int {
    var victim = -1
    var best = -1.0
    for index in 0..<residentCount {
      let tensor = resident[index]
      if stamp[tensor] == step { continue }
      let useful = Double(min(size[tensor], excess))
      let price = Double(max(1, isStored[tensor] ? bytes[tensor] : 2 * bytes[tensor]))
      let rank = Double(nextUse[tensor] - step) * useful / price
      if rank > best || rank == best && tensor < victim {
        best = rank
        victim = tensor
      }
    }
    return victim
  }
}
