import SpadixSupport

/// What a sequence of operators costs when tensors get addresses as they come, and whatever is in the way leaves: a cost
/// that comes with a plan, also where residency alone would not pack.
///
/// A tensor goes to the smallest hole that holds it, or, as one of its variations, to the first or the last one. Where there is none, the span that is cheapest to clear is: each tensor
/// in it counts for what its eviction moves, by the steps until it is needed. When an operator's own operands are in each
/// other's way they leave and come back side by side.
final class PlacedCost: OrderEvaluation {
  /// Where a tensor goes.
  private enum Rule: UInt8 {
    case smallestHole
    case firstHole
    case lastHole
  }

  private struct Resident {
    var tensor: Int
    var offset: Int
    var end: Int
  }

  private let problem: ScheduleProblem
  private let budget: Int
  private let operands: [[Int]]
  private let sizes: [Int]
  private let bytes: [Int]
  private let isInDRAM: [Bool]
  private let displacements: [Int]
  /// Number of each tensor's family, and what the family takes.
  private let family: [Int]
  private let extents: [Range<Int>?]
  /// Groups of operands, for operators some of whose operands lie together with others at some time.
  private let groups: [[OperandGroup]?]
  @exclusivity(unchecked)
  private var nextOfTouch: [Int] = []
  @exclusivity(unchecked)
  private var nextUse: [Int]
  @exclusivity(unchecked)
  private var lastUse: [Int]
  /// The use before the last one.
  @exclusivity(unchecked)
  private var useBefore: [Int]
  @exclusivity(unchecked)
  private var firstUse: [Int]
  @exclusivity(unchecked)
  private var isStored: [Bool]
  /// By offset, then end, so that holes are between neighbours also where some take nothing, or others' places.
  @exclusivity(unchecked)
  private var residents: [Resident] = []
  @exclusivity(unchecked)
  private var rules: [Rule]
  @exclusivity(unchecked)
  private var remembered: [Rule] = []
  @exclusivity(unchecked)
  private var lastVaried: (tensor: Int, rule: Rule)?
  @exclusivity(unchecked)
  private var recorded: [ScheduleSolution.Piece]?

  /// Elementary steps, of about a nanosecond each.
  @exclusivity(unchecked)
  private(set) var effort = 0

  init(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, _ budget: Int) {
    self.problem = problem
    self.budget = budget
    // Large ones first: holes for them are rare.
    operands = problem.operators.map { op in
      problem.operands(of: op, in: scope).map(\.index).sorted {
        (problem.tensors[$0].size, $1) > (problem.tensors[$1].size, $0)
      }
    }
    sizes = problem.tensors.map(\.size)
    bytes = problem.tensors.map(\.bytes)
    isInDRAM = problem.tensors.map { $0.kind != .activation }
    displacements = problem.tensors.map(\.displacement)
    let origins = CommonOrigins(problem)
    let extents = origins.extents()
    family = origins.family
    self.extents = extents
    groups = zip(problem.operators, operands).map { op, operands in
      let isPlain = operands.allSatisfy { extents[$0] == nil }
      return isPlain ? nil : OperandGroup.groups(of: op, problem, operands: operands)
    }
    nextUse = [Int](repeating: 0, count: sizes.count)
    lastUse = nextUse
    useBefore = nextUse
    firstUse = nextUse
    isStored = isInDRAM
    rules = [Rule](repeating: .smallestHole, count: sizes.count)
  }

  func vary(_ random: inout SplitMix64) -> Bool {
    let tensor = random.below(rules.count)
    guard let rule = Rule(rawValue: UInt8(random.below(3))), rule != rules[tensor] else { return false }
    lastVaried = (tensor, rules[tensor])
    rules[tensor] = rule
    return true
  }

  func takeBack() {
    guard let lastVaried else { return }
    rules[lastVaried.tensor] = lastVaried.rule
    self.lastVaried = nil
  }

  func remember() { remembered = rules }

  func restore() { rules = remembered }

  private static let never = Int.max

  func cost(of order: [Int], limit: Int) -> Int {
    for tensor in sizes.indices {
      nextUse[tensor] = Self.never
      lastUse[tensor] = -1
      isStored[tensor] = isInDRAM[tensor]
    }
    residents.removeAll(keepingCapacity: true)
    var touches = order.reduce(0) { $0 + operands[$1].count }
    effort += 6 * sizes.count + 10 * touches
    if nextOfTouch.count < touches { nextOfTouch = [Int](repeating: 0, count: touches) }
    for step in order.indices.reversed() {
      for tensor in operands[order[step]].reversed() {
        touches -= 1
        nextOfTouch[touches] = nextUse[tensor]
        nextUse[tensor] = step
      }
    }
    var cost = 0
    for (step, op) in order.enumerated() {
      for tensor in operands[op] {
        useBefore[tensor] = lastUse[tensor]
        lastUse[tensor] = step
      }
      cost +=
        groups[op].map { makeRoom(for: $0, operands[op], step, touch: touches) }
        ?? makeRoom(for: operands[op], step, touch: touches)
      if cost > limit { return cost }
      var leaves = false
      for tensor in operands[op] {
        nextUse[tensor] = nextOfTouch[touches]
        touches += 1
        if nextUse[tensor] == Self.never { leaves = true }
      }
      if leaves {
        residents.removeAll { resident in
          guard nextUse[resident.tensor] == Self.never else { return false }
          record(resident)
          return true
        }
      }
      effort += 20 + 6 * residents.count
    }
    return cost
  }

  /// The pieces of a plan that costs so much.
  func pieces(of order: [Int]) -> [ScheduleSolution.Piece] {
    recorded = []
    defer { recorded = nil }
    _ = cost(of: order, limit: Int.max)
    return (recorded ?? []).sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }
  }

  private func record(_ resident: Resident) {
    recorded?.append(
      ScheduleSolution.Piece(
        tensor: ScheduleProblem.TensorID(resident.tensor), first: firstUse[resident.tensor],
        last: lastUse[resident.tensor], offset: resident.offset))
  }

  /// Brings an operator's operands in; what that evicts costs so much.
  ///
  /// - Parameter touch: number of the first operand's touch.
  private func makeRoom(for operands: [Int], _ step: Int, touch: Int) -> Int {
    var cost = 0
    for (number, tensor) in operands.enumerated() where !residents.contains(where: { $0.tensor == tensor }) {
      effort += 10 + 4 * residents.count
      if let index = hole(of: sizes[tensor], for: tensor) {
        firstUse[tensor] = step
        insert(tensor, at: index, step, nextUse: nextOfTouch[touch + number])
        continue
      }
      effort += 10 * residents.count
      guard let span = cheapestSpan(sizes[tensor], step) else {
        return cost + sideBySide(operands.map { OperandGroup(tensors: [$0], extent: 0..<sizes[$0]) }, step)
      }
      for resident in residents[span] { cost += evict(resident, lastUse: lastUse[resident.tensor]) }
      residents.removeSubrange(span)
      firstUse[tensor] = step
      insert(tensor, at: span.lowerBound, step, nextUse: nextOfTouch[touch + number])
    }
    return cost
  }

  /// The same where some lie together: once one of them has a place, so have the others, whatever is there.
  private func makeRoom(for groups: [OperandGroup], _ operands: [Int], _ step: Int, touch: Int) -> Int {
    var cost = 0
    for group in groups {
      effort += 20 + 8 * residents.count * group.tensors.count
      let present = residents.filter { group.tensors.contains($0.tensor) }
      var origin = present.first.map { $0.offset - displacements[$0.tensor] }
      if present.contains(where: { $0.offset - displacements[$0.tensor] != origin }) {
        return cost + sideBySide(groups, step)
      }
      if present.count == group.tensors.count { continue }
      if origin == nil {
        let first = operands.firstIndex(of: group.tensors[0]) ?? 0
        guard let found = self.origin(for: group, step, nextUse: nextOfTouch[touch + first], &cost) else {
          return cost + sideBySide(groups, step)
        }
        origin = found
      }
      for tensor in group.tensors where !present.contains(where: { $0.tensor == tensor }) {
        guard let price = clear(tensor, from: origin ?? 0, group, step) else { return cost + sideBySide(groups, step) }
        cost += price
        let offset = (origin ?? 0) + displacements[tensor]
        let end = offset + sizes[tensor]
        let index = residents.firstIndex { ($0.offset, $0.end) > (offset, end) } ?? residents.count
        residents.insert(Resident(tensor: tensor, offset: offset, end: end), at: index)
        firstUse[tensor] = step
      }
    }
    return cost
  }

  /// Where a group goes of which nothing is there: if possible to the others of its family, or where these will have room.
  private func origin(for group: OperandGroup, _ step: Int, nextUse: Int, _ cost: inout Int) -> Int? {
    let first = group.tensors[0]
    if let extent = extents[first] {
      if let relative = residents.first(where: { family[$0.tensor] == family[first] }) {
        let origin = relative.offset - displacements[relative.tensor]
        let (start, end) = (origin + group.extent.lowerBound, origin + group.extent.upperBound)
        if start >= 0, end <= budget, !residents.contains(where: { $0.offset < end && start < $0.end }) {
          return origin
        }
      } else if let index = hole(of: extent.count, for: first) {
        return offset(of: extent.count, for: first, at: index, step, nextUse: nextUse) - extent.lowerBound
      }
    }
    let size = group.extent.count
    var index = hole(of: size, for: first)
    if index == nil, let span = cheapestSpan(size, step) {
      for resident in residents[span] { cost += evict(resident, lastUse: lastUse[resident.tensor]) }
      residents.removeSubrange(span)
      index = span.lowerBound
    }
    return index.map { offset(of: size, for: first, at: $0, step, nextUse: nextUse) - group.extent.lowerBound }
  }

  /// Evicts what is where a tensor of a group goes; nil where that is another operand, or no place.
  private func clear(_ tensor: Int, from origin: Int, _ group: OperandGroup, _ step: Int) -> Int? {
    let start = origin + displacements[tensor]
    let end = start + sizes[tensor]
    if start < 0 || end > budget { return nil }
    func isInTheWay(_ other: Resident) -> Bool {
      other.offset < end && start < other.end && !group.tensors.contains(other.tensor)
    }
    if residents.contains(where: { isInTheWay($0) && lastUse[$0.tensor] == step }) { return nil }
    let price = residents.reduce(0) { isInTheWay($1) ? $0 + evict($1, lastUse: lastUse[$1.tensor]) : $0 }
    residents.removeAll(where: isInTheWay)
    return price
  }

  private func evict(_ resident: Resident, lastUse: Int) -> Int {
    let tensor = resident.tensor
    defer { isStored[tensor] = true }
    if recorded != nil {
      recorded?.append(
        ScheduleSolution.Piece(
          tensor: ScheduleProblem.TensorID(tensor), first: firstUse[tensor], last: lastUse, offset: resident.offset))
    }
    return bytes[tensor] * (isStored[tensor] ? 1 : 2)
  }

  /// Puts a tensor into the hole at a place among the residents.
  private func insert(_ tensor: Int, at index: Int, _ step: Int, nextUse ofTensor: Int) {
    let offset = offset(of: sizes[tensor], for: tensor, at: index, step, nextUse: ofTensor)
    residents.insert(Resident(tensor: tensor, offset: offset, end: offset + sizes[tensor]), at: index)
  }

  /// Where so much of a tensor's begins in the hole at a place among the residents: at the end where its neighbour is needed
  /// about when it is, so that they leave room together.
  private func offset(of size: Int, for tensor: Int, at index: Int, _ step: Int, nextUse ofTensor: Int) -> Int {
    let low = index == 0 ? 0 : residents[index - 1].end
    let high = index == residents.count ? budget : residents[index].offset
    func distance(_ neighbour: Int) -> Int {
      guard residents.indices.contains(neighbour) else { return ofTensor == Self.never ? Self.never : 1 << 40 }
      let other = nextUse[residents[neighbour].tensor]
      if ofTensor == Self.never { return other == step ? 0 : Self.never }
      return abs(other - ofTensor)
    }
    let isLow =
      switch rules[tensor] {
      case .firstHole: true
      case .lastHole: false
      case .smallestHole: distance(index - 1) <= distance(index)
      }
    return isLow ? low : high - size
  }

  /// The place among the residents of the hole of a size for a tensor.
  private func hole(of size: Int, for tensor: Int) -> Int? {
    var best: Int?
    var least = Int.max
    var end = 0
    for index in 0...residents.count {
      let room = (index < residents.count ? residents[index].offset : budget) - end
      if index < residents.count { end = residents[index].end }
      if room < size { continue }
      switch rules[tensor] {
      case .firstHole: return index
      case .lastHole: best = index
      case .smallestHole where room < least: (best, least) = (index, room)
      case .smallestHole: break
      }
    }
    return best
  }

  /// Neighbours without operands of this step whose places together are large enough, and that are missed least.
  private func cheapestSpan(_ size: Int, _ step: Int) -> Range<Int>? {
    var best: Range<Int>?
    var least = Double.infinity
    var start = 0
    var value = 0.0
    func missed(_ index: Int) -> Double {
      let tensor = residents[index].tensor
      return Double(bytes[tensor] * (isStored[tensor] ? 1 : 2)) / Double(max(1, nextUse[tensor] - step))
    }
    for end in residents.indices {
      if lastUse[residents[end].tensor] == step {
        start = end + 1
        value = 0
        continue
      }
      value += missed(end)
      let right = end + 1 < residents.count ? residents[end + 1].offset : budget
      // As few as are enough.
      while start < end, right - residents[start].end >= size {
        value -= missed(start)
        start += 1
      }
      let left = start == 0 ? 0 : residents[start - 1].end
      if right - left >= size, value < least {
        least = value
        best = start..<end + 1
      }
    }
    return best
  }

  /// Everything leaves, and the operands come side by side.
  private func sideBySide(_ groups: [OperandGroup], _ step: Int) -> Int {
    var cost = 0
    for resident in residents {
      let tensor = resident.tensor
      let isOperand = lastUse[tensor] == step
      // What came for this step only gets another place.
      if isOperand, firstUse[tensor] == step { continue }
      cost += evict(resident, lastUse: isOperand ? useBefore[tensor] : lastUse[tensor])
    }
    residents.removeAll(keepingCapacity: true)
    var end = 0
    for group in groups {
      let origin = end - group.extent.lowerBound
      for tensor in group.tensors {
        firstUse[tensor] = step
        let offset = origin + displacements[tensor]
        residents.append(Resident(tensor: tensor, offset: offset, end: offset + sizes[tensor]))
      }
      end += group.extent.count
    }
    if groups.count < residents.count { residents.sort { ($0.offset, $0.end) < ($1.offset, $1.end) } }
    return cost
  }
}
