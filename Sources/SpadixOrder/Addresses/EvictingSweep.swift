import SpadixSupport

/// Addresses for a residency of any size: step after step, with many layouts at once, and what is in the way leaves.
///
/// A layout is what is in the scratchpad and where. What comes at a step is put where it is planned (`PlannedPlaces`),
/// otherwise to the bottom or the top of a hole; where no hole is large enough, one of the spans that are cheapest to clear is
/// cleared, which moves bytes that the residency does not. Those layouts go on that have cost least, and in which little of
/// the free room is cut up, now and when what they hold leaves. Where all have had to evict something, the last steps are
/// done again with more layouts. So there always is a plan, and the time grows with the number of steps.
struct EvictingSweep {
  /// Layouts that go on from a step, and that each may become within one.
  private static let mostLayouts = 128
  private static let fewestLayouts = 8
  private static let mostWithinStep = 12
  /// Steps after which layouts are remembered, to go on from there once more, and how many times so many go back.
  private static let interval = 32
  private static let mostRemembered = 32
  /// How far to go back, in these intervals, and with how many times as many layouts.
  private static let repeats = [
    (intervals: 4, widening: 4), (intervals: 12, widening: 8), (intervals: 32, widening: 8),
  ]
  /// The part of the effort that may go into repeats from the start on; the rest comes with the steps.
  private static let shareAtStart = 8
  /// The part of the effort that may go into places for what stays long.
  private static let shareOfPlaces = 4
  /// Spans that may be cleared for a tensor.
  private static let spans = 3
  /// Operands that may be moved out of the way of others in a step; when these are not enough, all come side by side.
  private static let mostMoved = 4
  /// Free room counts now and at so many times when something leaves: a byte of it that is not in the largest hole, as much
  /// of a byte that moves as the first of these weights, and half as much from time to time.
  private static let times = 8
  private static let firstWeight = 0.25
  /// An estimate of elementary steps for a layout and a step, and for each tensor in it.
  private static let effortOfLayout = 2_000
  private static let effortOfTensor = 150

  /// Layouts after some steps.
  struct Stage {
    var step = 0
    var layouts = [Layout()]

    var cost: Int { layouts.reduce(Int.max) { min($0, $1.cost) } }
  }

  private let timetable: SweepTimetable
  private let budget: Int
  private let width: Int
  private var places: PlannedPlaces?
  private let effortLimit: Int
  private let plansPlaces: Bool
  private var log = SweepLog()
  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0
  /// The steps, ascending, at which something was in the way in the layouts that the pieces are from.
  private(set) var tightSteps: [Int] = []

  /// - Parameters:
  ///   - effortLimit: about what a run may take, as long as the fewest layouts take no more.
  ///   - plansPlaces: whether places for what stays long come first.
  init(_ timetable: SweepTimetable, budget: Int, effortLimit: Int, plansPlaces: Bool = true) {
    self.plansPlaces = plansPlaces
    self.timetable = timetable
    self.budget = budget
    self.effortLimit = effortLimit
    let effort = timetable.touches.count * (Self.effortOfLayout + Self.effortOfTensor * timetable.meanLive)
    width = min(Self.mostLayouts, max(Self.fewestLayouts, effortLimit / 2 / max(1, effort)))
  }

  /// Pieces with addresses; nil where they would move so many bytes beyond the residency, and when cancelled.
  mutating func run(below limit: Int, cancellation: Cancellation?) -> [ScheduleSolution.Piece]? {
    if plansPlaces {
      places = PlannedPlaces(
        timetable, budget: budget, effortLimit: effortLimit / Self.shareOfPlaces, cancellation: cancellation)
    }
    let effortOfPlaces = places?.effort ?? 0
    effort += effortOfPlaces
    var stages = [Stage()]
    var spent = 0
    while let last = stages.last, last.step < timetable.touches.count {
      let end = min(timetable.touches.count, last.step + Self.interval)
      let before = effort
      var next = after(last, until: end, width: width)
      spent += effort - before
      for (intervals, widening) in Self.repeats where next.cost > last.cost {
        if cancellation?.isCancelled == true { return nil }
        // Less of it early on, so that something is left for the steps to come.
        let limit = effortLimit - effortOfPlaces
        let allowed =
          effortOfPlaces + limit / Self.shareAtStart
          + (limit - limit / Self.shareAtStart) / timetable.touches.count * end
        let steps = end - stages[max(0, stages.count - intervals)].step
        let needed = spent / end * steps * widening
        if effort + needed > allowed { break }
        let other = after(stages[max(0, stages.count - intervals)], until: end, width: widening * width)
        if other.cost < next.cost { next = other }
      }
      if cancellation?.isCancelled == true || next.cost >= limit { return nil }
      next.layouts = Array(next.layouts.prefix(width))
      stages.append(next)
      if stages.count > Self.mostRemembered { stages.removeFirst() }
      log.forgetOthers(than: &stages)
    }
    guard let layouts = stages.last?.layouts else { return nil }
    let best = layouts.indices.min { (layouts[$0].cost, $0) < (layouts[$1].cost, $1) }
    guard let best else { return nil }
    let plan = log.plan(upTo: layouts[best].entry, timetable)
    tightSteps = plan.tightSteps
    return plan.pieces
  }

  /// What comes of some layouts, so many after each step.
  private mutating func after(_ start: Stage, until end: Int, width: Int) -> Stage {
    var stage = start
    while stage.step < end {
      var next: [Layout] = []
      for layout in stage.layouts { next += after(stage.step, layout) }
      stage.layouts = best(width, of: next, stage.step)
      for index in stage.layouts.indices { log.note(&stage.layouts[index]) }
      stage.step += 1
    }
    return stage
  }

  // MARK: - A step

  /// What a layout may become.
  private mutating func after(_ step: Int, _ before: Layout) -> [Layout] {
    let touches = timetable.touches[step]
    var first = before
    first.moved = 0
    first.arrivals = touches.filter { touch in !before.slots.contains { $0.tensor == touch.tensor } }
    var partial = [first]
    var complete: [Layout] = []
    while !partial.isEmpty {
      var next: [Layout] = []
      for layout in partial {
        if layout.arrivals.isEmpty { complete.append(layout) } else { next += placed(layout, step) }
      }
      partial = next.count > Self.mostWithinStep ? best(Self.mostWithinStep, of: next, step) : next
    }
    if !timetable.groups[step].isEmpty { complete.removeAll { !isTogether($0, step) } }
    if complete.isEmpty { complete = [sideBySide(before, step)] }
    for index in complete.indices {
      complete[index].slots.removeAll { $0.until == step }
      if !complete[index].stored.isEmpty {
        complete[index].stored.removeAll { tensor in touches.contains { $0.tensor == tensor && $0.isLast } }
      }
    }
    return complete
  }

  /// A layout with the next arrival in any place.
  private mutating func placed(_ layout: Layout, _ step: Int) -> [Layout] {
    var result: [Layout] = []
    let tensor = layout.arrivals[0].tensor
    effort += 20 + 5 * layout.slots.count
    var extent = timetable.extent(of: tensor)
    if let family = timetable.extents[tensor] {
      let group = timetable.group(of: tensor, at: step)
      if group.tensors.count > 1, let origin = layout.origin(timetable, where: { group.tensors.contains($0) }) {
        return placed(layout, origin, group, step)
      }
      extent = group.extent
      // What will lie together with others had better be there from the start.
      if let origin = layout.origin(timetable, where: { timetable.family[$0] == timetable.family[tensor] }) {
        let places = extent.lowerBound + origin..<extent.upperBound + origin
        if layout.isFree(places, budget) { return placed(layout, origin, group, step) }
      } else if layout.hasHole(family.count, budget) {
        extent = family
      }
    }
    var end = 0
    for index in 0...layout.slots.count {
      let next = index < layout.slots.count ? layout.slots[index].offset : budget
      if next - end >= extent.count { put(layout, index, from: end, to: next, extent, step, &result) }
      if index < layout.slots.count { end = layout.slots[index].end }
    }
    if !result.isEmpty { return result }
    for span in cheapestSpans(layout, extent.count, step) {
      var cleared = layout
      clear(layout.slots[span], from: &cleared, step)
      cleared.slots.removeSubrange(span)
      let index = span.lowerBound
      put(
        cleared, index, from: index == 0 ? 0 : cleared.slots[index - 1].end,
        to: index < cleared.slots.count ? cleared.slots[index].offset : budget, extent, step, &result)
    }
    return result
  }

  /// Tensors leave; operands of the step come again.
  private mutating func clear(_ slots: some Sequence<Slot>, from layout: inout Layout, _ step: Int) {
    for slot in slots {
      evict(slot.tensor, &layout, step)
      guard let touch = touch(of: slot.tensor, step) else { continue }
      layout.arrivals.append(touch)
      layout.moved += 1
    }
  }

  /// The layout with the next arrival where others that it lies with want it, and without what was there.
  private mutating func placed(
    _ layout: Layout, _ origin: Int, _ group: OperandGroup, _ step: Int
  ) -> [Layout] {
    let touch = layout.arrivals[0]
    let offset = origin + timetable.displacements[touch.tensor]
    let end = offset + timetable.sizes[touch.tensor]
    if offset < 0 || end > budget { return [] }
    func isInTheWay(_ slot: Slot) -> Bool {
      slot.offset < end && offset < slot.end && !group.tensors.contains(slot.tensor)
    }
    var next = layout
    let inTheWay = layout.slots.filter(isInTheWay)
    if inTheWay.contains(where: { $0.since == step }) || (!inTheWay.isEmpty && layout.moved >= Self.mostMoved) {
      return []
    }
    clear(inTheWay, from: &next, step)
    next.slots.removeAll(where: isInTheWay)
    put(touch, at: offset, next.place(offset, end), step, &next)
    return [next]
  }

  /// Puts the next arrival, and room for what will lie with it, to both ends of a hole.
  ///
  /// - Parameter extent: of the tensor and that room, from their origin.
  private mutating func put(
    _ layout: Layout, _ index: Int, from low: Int, to high: Int, _ extent: Range<Int>, _ step: Int,
    _ result: inout [Layout]
  ) {
    let touch = layout.arrivals[0]
    var starts = high - low == extent.count ? [low] : [low, high - extent.count]
    var strays = 0
    if let planned = places?.offset(of: touch.tensor, at: step) {
      let start = planned - timetable.displacements[touch.tensor] + extent.lowerBound
      if low <= start, start + extent.count <= high { starts = [start] } else { strays = extent.count }
    }
    for start in starts {
      var next = layout
      next.strays += strays
      put(touch, at: start - extent.lowerBound + timetable.displacements[touch.tensor], index, step, &next)
      result.append(next)
    }
    effort += 100 + 10 * layout.slots.count
  }

  private func put(_ touch: SweepTimetable.Touch, at offset: Int, _ index: Int, _ step: Int, _ layout: inout Layout) {
    layout.arrivals.removeFirst()
    layout.slots.insert(slot(touch, at: offset, step), at: index)
    layout.events.append(Event(step: Int32(step), tensor: Int32(touch.tensor), offset: offset))
  }

  private func isTogether(_ layout: Layout, _ step: Int) -> Bool {
    timetable.groups[step].allSatisfy { group in
      let members = layout.slots.filter { group.tensors.contains($0.tensor) }
      return Set(members.map { $0.offset - timetable.displacements[$0.tensor] }).count == 1
    }
  }

  private func slot(_ touch: SweepTimetable.Touch, at offset: Int, _ step: Int) -> Slot {
    Slot(
      offset: offset, end: offset + timetable.sizes[touch.tensor], tensor: touch.tensor, since: step, until: touch.end)
  }

  private func touch(of tensor: Int, _ step: Int) -> SweepTimetable.Touch? {
    timetable.touches[step].first { $0.tensor == tensor }
  }

  /// Neighbours whose places together are large enough, those first that move the least.
  private mutating func cheapestSpans(_ layout: Layout, _ size: Int, _ step: Int) -> [Range<Int>] {
    let prices = layout.slots.map { slot -> Int? in
      // What just came may as well have come to another place.
      if slot.since == step { return nil }
      if touch(of: slot.tensor, step) != nil, layout.moved >= Self.mostMoved { return nil }
      return price(slot.tensor, layout)
    }
    var spans: [(price: Int, range: Range<Int>)] = []
    for start in layout.slots.indices {
      let low = start == 0 ? 0 : layout.slots[start - 1].end
      var sum = 0
      for end in start..<layout.slots.count {
        effort += 5
        guard let price = prices[end] else { break }
        sum += price
        let high = end + 1 < layout.slots.count ? layout.slots[end + 1].offset : budget
        if high - low >= size {
          spans.append((sum, start..<end + 1))
          break
        }
      }
    }
    spans.sort { ($0.price, $0.range.lowerBound) < ($1.price, $1.range.lowerBound) }
    return spans.prefix(Self.spans).map(\.range)
  }

  /// Everything leaves, and the operands come side by side.
  private mutating func sideBySide(_ before: Layout, _ step: Int) -> Layout {
    var layout = before
    for slot in before.slots { evict(slot.tensor, &layout, step) }
    layout.slots = []
    layout.arrivals = timetable.touches[step]
    var end = 0
    while let touch = layout.arrivals.first {
      let group = timetable.group(of: touch.tensor, at: step)
      let origin =
        layout.origin(timetable) { group.tensors.contains($0) } ?? end - group.extent.lowerBound
      let offset = origin + timetable.displacements[touch.tensor]
      put(touch, at: offset, layout.place(offset, offset + timetable.sizes[touch.tensor]), step, &layout)
      end = max(end, origin + group.extent.upperBound)
    }
    return layout
  }

  /// What an eviction beyond the residency moves.
  private func price(_ tensor: Int, _ layout: Layout) -> Int {
    let isStored = timetable.isStoreFree[tensor] || layout.stored.contains(tensor)
    return timetable.bytes[tensor] * (isStored ? 1 : 2)
  }

  private mutating func evict(_ tensor: Int, _ layout: inout Layout, _ step: Int) {
    layout.cost += price(tensor, layout)
    if !timetable.isStoreFree[tensor], !layout.stored.contains(tensor) { layout.stored.append(tensor) }
    layout.events.append(Event(step: Int32(step), tensor: Int32(tensor), offset: nil))
  }

  // MARK: - Which layouts go on

  /// The best of some layouts, each once.
  private mutating func best(_ count: Int, of layouts: [Layout], _ step: Int) -> [Layout] {
    var ranked = layouts
    for index in ranked.indices {
      let badness = Double(ranked[index].strays) + cutUp(ranked[index].slots, step)
      ranked[index].rank = Double(ranked[index].cost) + Self.firstWeight * badness
    }
    let order = ranked.indices.sorted { (ranked[$0].rank, $0) < (ranked[$1].rank, $1) }
    effort += 200 * order.count
    var result: [Layout] = []
    var seen: Set<UInt64> = []
    for index in order where result.count < count {
      if seen.insert(Self.key(ranked[index].slots)).inserted { result.append(ranked[index]) }
    }
    return result
  }

  /// The same number for equal layouts, on every machine; hardly ever for others.
  private static func key(_ slots: [Slot]) -> UInt64 {
    slots.reduce(0xCBF2_9CE4_8422_2325) { key, slot in
      var key = (key ^ UInt64(slot.tensor)) &* 0x9E37_79B9_7F4A_7C15
      key = (key ^ key >> 29 ^ UInt64(slot.offset)) &* 0xBF58_476D_1CE4_E5B9
      return key ^ key >> 32
    }
  }

  /// Free bytes outside the largest hole: now, and less and less when one tensor after the other has left.
  private mutating func cutUp(_ slots: [Slot], _ step: Int) -> Double {
    var sum = 0.0
    var weight = 1.0
    var time = step - 1
    for _ in 0..<Self.times {
      var (free, largest, end) = (0, 0, 0)
      var next = Int.max
      for slot in slots where slot.until > time {
        free += slot.offset - end
        largest = max(largest, slot.offset - end)
        end = slot.end
        next = min(next, slot.until)
      }
      free += budget - end
      largest = max(largest, budget - end)
      sum += weight * Double(free - largest)
      effort += 20 + 4 * slots.count
      if next == Int.max { break }
      time = next
      weight /= 2
    }
    return sum
  }
}
