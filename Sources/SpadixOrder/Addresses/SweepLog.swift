/// What happened in the layouts of a sweep, each of which continues one of the step before.
struct SweepLog {
  private struct Entry {
    var parent: Int
    var event: EvictingSweep.Event
  }

  /// Entries after which those that led nowhere are forgotten.
  private static let mostAtFirst = 500_000

  private var entries: [Entry] = []
  private var most = Self.mostAtFirst

  /// Writes down what happened in a layout's last step.
  mutating func note(_ layout: inout EvictingSweep.Layout) {
    for event in layout.events {
      entries.append(Entry(parent: layout.entry, event: event))
      layout.entry = entries.count - 1
    }
    layout.events.removeAll()
  }

  /// Where there are many entries, keeps only what led to some layouts.
  mutating func forgetOthers(than stages: inout [EvictingSweep.Stage]) {
    if entries.count <= most { return }
    var isKept = [Bool](repeating: false, count: entries.count)
    for stage in stages {
      for layout in stage.layouts where layout.entry >= 0 { isKept[layout.entry] = true }
    }
    for entry in entries.indices.reversed() where isKept[entry] && entries[entry].parent >= 0 {
      isKept[entries[entry].parent] = true
    }
    var number = [Int](repeating: -1, count: entries.count)
    var kept: [Entry] = []
    for (index, entry) in entries.enumerated() where isKept[index] {
      number[index] = kept.count
      kept.append(Entry(parent: entry.parent < 0 ? -1 : number[entry.parent], event: entry.event))
    }
    entries = kept
    most = Self.mostAtFirst + 2 * kept.count
    for stage in stages.indices {
      for index in stages[stage].layouts.indices where stages[stage].layouts[index].entry >= 0 {
        stages[stage].layouts[index].entry = number[stages[stage].layouts[index].entry]
      }
    }
  }

  /// The pieces of the layout that an entry led to, and the steps, ascending, at which something was in the way in it.
  func plan(
    upTo last: Int, _ timetable: SweepTimetable
  ) -> (pieces: [ScheduleSolution.Piece], tightSteps: [Int]) {
    var events: [EvictingSweep.Event] = []
    var index = last
    while index >= 0 {
      events.append(entries[index].event)
      index = entries[index].parent
    }
    var open = [ScheduleSolution.Piece?](repeating: nil, count: timetable.sizes.count)
    var result: [ScheduleSolution.Piece] = []
    var tightSteps: [Int] = []
    func close(_ tensor: Int) {
      if let piece = open[tensor] { result.append(piece) }
      open[tensor] = nil
    }
    for (step, touches) in timetable.touches.enumerated() {
      while let event = events.last, event.step == step {
        events.removeLast()
        let tensor = Int(event.tensor)
        close(tensor)
        guard let offset = event.offset else {
          if tightSteps.last != step { tightSteps.append(step) }
          continue
        }
        open[tensor] = ScheduleSolution.Piece(
          tensor: ScheduleProblem.TensorID(tensor), first: step, last: step, offset: offset)
      }
      for touch in touches {
        open[touch.tensor]?.last = step
        if touch.leaves { close(touch.tensor) }
      }
    }
    return (result.sorted { ($0.first, $0.tensor.index) < ($1.first, $1.tensor.index) }, tightSteps)
  }
}
