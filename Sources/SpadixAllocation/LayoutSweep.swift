import SpadixSupport

/// Places buffers in the order of time, keeping many layouts at once.
///
/// A layout is what is live and where. Where few buffers live at a time, as in the schedule of a network, layouts soon
/// repeat, and a sweep with a few hundred of them packs what a search by offsets only finds late. It proves nothing.
struct LayoutSweep {
  let problem: AllocationProblem
  /// Layouts kept after each step.
  var width: Int

  private struct Slot: Hashable {
    var offset: Int
    var buffer: Int
  }

  private struct Layout {
    /// Sorted by offset.
    var slots: [Slot]
    /// The last entry of the log that led here.
    var entry: Int
  }

  private struct Entry {
    var parent: Int
    var slot: Slot
  }

  /// Elementary steps of a run, of about a nanosecond each.
  var effort: Int { 200 * problem.buffers.count * width }

  /// A placement, or nil when all layouts came to an end.
  func run(_ cancellation: Cancellation? = nil) -> AllocationSolution? {
    let buffers = problem.buffers
    var log: [Entry] = []
    var layouts = [Layout(slots: [], entry: -1)]
    // Buffers that begin together are placed from large to small.
    let order = buffers.indices.filter { buffers[$0].size > 0 && buffers[$0].lower < buffers[$0].upper }.sorted {
      (buffers[$0].lower, -buffers[$0].size, $0) < (buffers[$1].lower, -buffers[$1].size, $1)
    }
    var now = Int.min
    for buffer in order {
      if cancellation?.isCancelled == true { return nil }
      if buffers[buffer].lower > now {
        now = buffers[buffer].lower
        for index in layouts.indices { layouts[index].slots.removeAll { buffers[$0.buffer].upper <= now } }
        layouts = narrowed(distinct(layouts))
      }
      var next: [Layout] = []
      for layout in layouts {
        for (position, offset) in places(for: buffer, in: layout.slots) {
          var slots = layout.slots
          slots.insert(Slot(offset: offset, buffer: buffer), at: position)
          next.append(Layout(slots: slots, entry: log.count))
          log.append(Entry(parent: layout.entry, slot: Slot(offset: offset, buffer: buffer)))
        }
      }
      layouts = narrowed(distinct(next))
      if layouts.isEmpty { return nil }
    }
    var offsets = [Int](repeating: 0, count: buffers.count)
    var entry = layouts.first?.entry ?? -1
    while entry >= 0 {
      offsets[log[entry].slot.buffer] = log[entry].slot.offset
      entry = log[entry].parent
    }
    return AllocationSolution(offsets: offsets)
  }

  /// The bottom and the top of every hole that is large enough.
  private func places(for buffer: Int, in slots: [Slot]) -> [(position: Int, offset: Int)] {
    let size = problem.buffers[buffer].size
    let alignment = problem.buffers[buffer].alignment
    var result: [(position: Int, offset: Int)] = []
    var start = 0
    for position in 0...slots.count {
      let end = position < slots.count ? slots[position].offset : problem.capacity
      let low = roundUp(start, toMultipleOf: alignment)
      if end - size >= low {
        result.append((position, low))
        let high = (end - size) / alignment * alignment
        if high > low { result.append((position, high)) }
      }
      if position < slots.count { start = max(start, end + problem.buffers[slots[position].buffer].size) }
    }
    return result
  }

  private func distinct(_ layouts: [Layout]) -> [Layout] {
    var seen: Set<[Slot]> = []
    seen.reserveCapacity(layouts.count)
    return layouts.filter { seen.insert($0.slots).inserted }
  }

  /// The layouts with the fewest holes, the larger hole first.
  private func narrowed(_ layouts: [Layout]) -> [Layout] {
    if layouts.count <= width { return layouts }
    let ranks = layouts.map { layout -> (holes: Int, largest: Int) in
      var holes = 0
      var largest = 0
      var start = 0
      for slot in layout.slots {
        if slot.offset > start {
          holes += 1
          largest = max(largest, slot.offset - start)
        }
        start = slot.offset + problem.buffers[slot.buffer].size
      }
      if start < problem.capacity {
        holes += 1
        largest = max(largest, problem.capacity - start)
      }
      return (holes, largest)
    }
    let order = layouts.indices.sorted {
      (ranks[$0].holes, -ranks[$0].largest, $0) < (ranks[$1].holes, -ranks[$1].largest, $1)
    }
    return order.prefix(width).map { layouts[$0] }
  }
}
