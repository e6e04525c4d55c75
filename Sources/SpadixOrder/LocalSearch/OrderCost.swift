/// What residency by rule costs for a sequence of runs of operators: what is away longest for its price is evicted.
///
/// An operator may run more than once. A run makes its results anew, so that what they were before need not be kept until
/// then, nor stored.
final class OrderCost: OrderEvaluation {
  private let core: ScheduleCore
  private let capacity: Int
  /// What each run of an operator after its first one costs.
  private let repeatPrices: [Int]

  // The core in flat memory; an operator's operands are `slots[start[op]..<start[op + 1]]`.
  private let start: UnsafeMutablePointer<Int>
  private let slots: UnsafeMutablePointer<Int>
  private let isResult: UnsafeMutablePointer<Bool>
  private let privateSize: UnsafeMutablePointer<Int>
  private let size: UnsafeMutablePointer<Int>
  private let bytes: UnsafeMutablePointer<Int>
  private let isClean: UnsafeMutablePointer<Bool>

  // The state of an evaluation. `nextOfTouch` has an element for every operand of every run, in their order.
  @exclusivity(unchecked)
  private var nextOfTouch: UnsafeMutablePointer<Int>
  private var touchCapacity: Int
  private let nextUse: UnsafeMutablePointer<Int>
  private let isStored: UnsafeMutablePointer<Bool>
  private let place: UnsafeMutablePointer<Int>
  private let resident: UnsafeMutablePointer<Int>
  private let stamp: UnsafeMutablePointer<Int>
  private let lastUse: UnsafeMutablePointer<Int>
  private let hasRun: UnsafeMutablePointer<Bool>
  /// What the evaluation evicts, where that is wanted.
  @exclusivity(unchecked)
  private var recorded: [ResidencyModel.Gap]?

  /// Elementary steps, of about a nanosecond each.
  @exclusivity(unchecked)
  private(set) var effort = 0

  init(_ core: ScheduleCore, capacity: Int, repeatPrices: [Int] = []) {
    self.core = core
    self.capacity = capacity
    self.repeatPrices = repeatPrices
    func memory<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
      let pointer = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
      for (index, value) in values.enumerated() { (pointer + index).initialize(to: value) }
      return pointer
    }
    var starts = [0]
    for op in core.operators { starts.append(starts[starts.count - 1] + op.operands.count) }
    start = memory(starts)
    slots = memory(core.operators.flatMap(\.operands))
    isResult = memory(
      core.operators.enumerated().flatMap { op, node in node.operands.map { core.tensors[$0].producer == op } })
    privateSize = memory(core.operators.map(\.privateSize))
    size = memory(core.tensors.map(\.size))
    bytes = memory(core.tensors.map(\.bytes))
    isClean = memory(core.tensors.map(\.isClean))
    touchCapacity = max(1, starts[core.count])
    nextOfTouch = .allocate(capacity: touchCapacity)
    nextUse = memory([Int](repeating: 0, count: core.tensors.count))
    isStored = memory([Bool](repeating: false, count: core.tensors.count))
    place = memory([Int](repeating: -1, count: core.tensors.count))
    resident = memory([Int](repeating: 0, count: core.tensors.count))
    stamp = memory([Int](repeating: -1, count: core.tensors.count))
    lastUse = memory([Int](repeating: 0, count: core.tensors.count))
    hasRun = memory([Bool](repeating: false, count: core.count))
  }

  deinit {
    for pointer in [start, slots, privateSize, size, bytes, nextOfTouch, nextUse, place, resident, stamp, lastUse] {
      pointer.deallocate()
    }
    for pointer in [isResult, isClean, isStored, hasRun] { pointer.deallocate() }
  }

  private static let never = Int.max

  /// Bytes moved; more than the limit, somehow, when it is exceeded.
  func cost(of order: [Int], limit: Int) -> Int {
    for tensor in core.tensors.indices {
      nextUse[tensor] = Self.never
      isStored[tensor] = isClean[tensor]
      place[tensor] = -1
      stamp[tensor] = -1
    }
    let touches = order.reduce(0) { $0 + start[$1 + 1] - start[$1] }
    effort += 4 * core.tensors.count + 6 * touches
    if touches > touchCapacity {
      nextOfTouch.deallocate()
      touchCapacity = 2 * touches
      nextOfTouch = .allocate(capacity: touchCapacity)
    }
    var touch = touches
    for step in stride(from: order.count - 1, through: 0, by: -1) {
      let op = order[step]
      touch -= start[op + 1] - start[op]
      for (number, slot) in (start[op]..<start[op + 1]).enumerated() {
        nextOfTouch[touch + number] = nextUse[slots[slot]]
        nextUse[slots[slot]] = isResult[slot] ? Self.never : step
      }
    }
    var cost = order.count > core.count ? priceOfRepeats(order) : 0
    if cost > limit { return cost }
    var residentCount = 0
    var needed = 0
    for (step, op) in order.enumerated() {
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
        nextUse[tensor] = nextOfTouch[touch]
        touch += 1
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
    _ = cost(of: order, limit: Int.max)
    return recorded ?? []
  }

  private func priceOfRepeats(_ order: [Int]) -> Int {
    for op in core.operators.indices { hasRun[op] = false }
    var price = 0
    for op in order {
      if hasRun[op] { price += repeatPrices[op] }
      hasRun[op] = true
    }
    return price
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
