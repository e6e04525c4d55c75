import SpadixISA

/// Where a hardware loop stands among all of its kind, and which rows of the scratchpad it has.
struct LoopPlace {
  /// Counted from 0.
  var number = 0
  /// When its last command was taken.
  var configured = 0
  /// First row of A.
  var aStart = 0
  /// Row behind the last one of B.
  var bEnd = 0
}

protocol PlacedLoop {
  var place: LoopPlace { get set }
}

/// One of the unrollers of a hardware loop, which stand side by side.
protocol LoopUnit {
  var isIdle: Bool { get }
  /// When it can give out the next command, or when it became idle.
  var ready: Int { get }
  /// Loops that it has begun.
  var begun: Int { get }
}

/// Loops that are configured and not yet complete, oldest first: two at a time, and each of the unrollers on one of them.
struct LoopQueue<Loop: PlacedLoop> {
  private(set) var loops: [Loop] = []
  private var configured = 0
  /// When the last loop was complete.
  private(set) var lastCompleted = -1
  /// The unrollers give out one command a cycle between them: the next one not before this cycle.
  var time = 0

  var isBusy: Bool { !loops.isEmpty }
  /// Both places are taken; the next loop's configuration waits.
  var isFull: Bool { loops.count == 2 }
  /// Which of the two places the next loop takes.
  var slot: Int { configured & 1 }

  /// Takes up a loop whose last command was taken at `time`. A half of 0 is the loop's own, 1 and 2 are given.
  mutating func append(_ loop: Loop, aHalf: Int, bHalf: Int, _ hardware: Hardware, at time: Int) {
    let half = hardware.scratchpadRows / 2
    var loop = loop
    loop.place = LoopPlace(
      number: configured, configured: time, aStart: (aHalf == 0 ? slot : aHalf - 1) * half,
      bEnd: (bHalf == 0 ? slot + 1 : bHalf) * half)
    configured += 1
    if loops.isEmpty { self.time = time }
    loops.append(loop)
  }

  /// Ends the oldest loop when all units are through with it; whether that was so.
  mutating func complete(_ units: [some LoopUnit]) -> Bool {
    guard let head = loops.first?.place.number,
      units.allSatisfy({ $0.begun > head + 1 || ($0.begun == head + 1 && $0.isIdle) })
    else { return false }
    let end = units.lazy.filter { $0.begun == head + 1 }.map(\.ready).max() ?? 0
    lastCompleted = max(end, time, 0) + 1
    loops.removeFirst()
    return true
  }
}
