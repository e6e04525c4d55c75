extension EvictingSweep {
  struct Slot {
    var offset: Int
    var end: Int
    var tensor: Int
    /// The step at which it came, and the one after which it leaves.
    var since: Int
    var until: Int
  }

  struct Layout {
    /// What evictions beyond the residency move.
    var cost = 0
    var rank = 0.0
    /// Bytes that came to other places than planned.
    var strays = 0
    /// By offset, then end.
    var slots: [Slot] = []
    /// Tensors that were stored beyond the residency, as long as they are used again.
    var stored: [Int] = []
    /// The last entry of the log that led here, -1 at the start.
    var entry = -1
    /// What happened in this step.
    var events: [Event] = []
    /// Operands of the step that are still to come.
    var arrivals: [SweepTimetable.Touch] = []
    var moved = 0

    /// Where units stand among the slots.
    func place(_ offset: Int, _ end: Int) -> Int {
      slots.firstIndex { ($0.offset, $0.end) > (offset, end) } ?? slots.count
    }

    /// The origin of the first of some tensors that is there.
    func origin(_ timetable: SweepTimetable, where isMeant: (Int) -> Bool) -> Int? {
      slots.first { isMeant($0.tensor) }.map { $0.offset - timetable.displacements[$0.tensor] }
    }

    func isFree(_ units: Range<Int>, _ budget: Int) -> Bool {
      units.lowerBound >= 0 && units.upperBound <= budget
        && !slots.contains { $0.offset < units.upperBound && units.lowerBound < $0.end }
    }

    func hasHole(_ size: Int, _ budget: Int) -> Bool {
      var end = 0
      for slot in slots {
        if slot.offset - end >= size { return true }
        end = slot.end
      }
      return budget - end >= size
    }
  }

  /// A tensor comes to an offset for a step, or is evicted before it where that is nil.
  struct Event {
    var step: Int32
    var tensor: Int32
    var offset: Int?
  }
}
