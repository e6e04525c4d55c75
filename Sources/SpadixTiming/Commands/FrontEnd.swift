import SpadixISA

/// From where commands come to the reservation station: in order, through four queues of two entries.
struct FrontEnd: ~Copyable {
  /// Cycles from a command being taken to its entry, when nothing is in its way.
  static let depth = 4
  static let entries = 8

  private let source: Target.Timing.CommandSource
  private let issueCycles: Int
  private let instructionCycles: Int
  /// For each command, when a processor runs exported C.
  private let instructions: [UInt16]
  private var list: CommandList
  /// Commands so far.
  private var count = 0
  /// When the next command is offered, as far as the one before it decides that.
  private var next = 0
  /// Cycles from the last command, or a fence behind it, to the next one.
  private var gap = 0
  /// When the last command left the queues.
  private(set) var left = -1
  private var departures = History(entries)

  init(_ hardware: Hardware, _ delivery: CommandDelivery?) {
    source = delivery?.source ?? .ideal
    issueCycles = hardware.issueCycles
    instructionCycles = hardware.instructionCycles
    instructions = delivery?.instructions ?? []
    list = CommandList(hardware, commands: source == .commandList ? delivery?.count ?? 0 : 0)
  }

  /// Whether commands come over the accelerator's own bus.
  var readsList: Bool { source == .commandList }

  /// When the next command stands at the head of the queues.
  @inline(__always)
  mutating func arrival() -> Int {
    if source == .commandList { next = max(next, list.available(count)) }
    let taken = max(next, departures.oldest + Self.depth)
    gap = issueCycles
    if source == .exportedC { gap = max(gap, instructionGap()) }
    next = taken + gap
    if source == .commandList { list.took(count, at: taken) }
    count += 1
    return max(taken + Self.depth, left + 1)
  }

  /// Cycles in which the processor comes to the next command.
  private func instructionGap() -> Int {
    count + 1 < instructions.count ? Int(instructions[count + 1]) * instructionCycles : 0
  }

  /// Beats that the list has taken from the way back of reads since the last call.
  mutating func takeBeats() -> Range<Int>? { list.takeBeats() }

  /// Nothing reaches the station before `time`.
  mutating func holds(until time: Int) { left = max(left, time - 1) }

  @inline(__always)
  mutating func leaves(_ time: Int) {
    left = time
    departures.add(time)
  }

  /// The source waits until the accelerator is idle, busy for the last time in the cycle `time`.
  mutating func wait(for time: Int) { next = max(next, time + 1 + gap, time + 2) }
}
