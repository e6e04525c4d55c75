import SpadixISA
import SpadixTiming

/// Modelled cycles without accounts.
public enum ModelledTime {
  /// Cycles of a whole program, its commands coming as its target says; host steps are not counted.
  public static func totalCycles(of program: Program) -> Int {
    var timeline = Timeline(Hardware(program.target), delivery: CommandDelivery(program))
    program.commands.withUnsafeBufferPointer { timeline.run($0, 0..<$0.count) }
    return timeline.finish()
  }
}

/// The timeline of a run, accounted for: which operation lengthens it, and what bounds it there.
///
/// docs/machine.md states the rules of the timeline and its error. Every number that comes from here is called
/// modelled.
struct TimeModel: ~Copyable {
  /// One of each for each operation, and the last for commands of none.
  struct Accounts {
    var cycles: [Counters.Cycles]
    var busRead: [Int]
    var busWritten: [Int]
    /// Bytes read for commands, as the target says that they come.
    var commandBytes: [Int]
  }

  private var timeline: Timeline
  private let delivery: CommandDelivery
  private let program: Program
  /// Commands so far.
  private var count = 0
  private let dim: Int
  private var operations: OperationCursor
  private(set) var accounts: Accounts
  private(set) var trace: Trace?
  /// Nil unless it is asked for, before the first command.
  var profile: QueueProfile?
  /// Everything that has been accounted for is complete by then.
  private var frontier = 0
  private var lastIndex = 0
  private var lastPart: WritableKeyPath<Counters.Cycles, Int> = \.issue

  init(_ program: Program, trace: Bool) {
    delivery = CommandDelivery(program)
    self.program = program
    timeline = Timeline(Hardware(program.target), delivery: delivery)
    timeline.recordsSteps = true
    dim = program.target.dim
    operations = OperationCursor(program)
    let count = program.operations.count + 1
    accounts = Accounts(
      cycles: [Counters.Cycles](repeating: Counters.Cycles(), count: count),
      busRead: [Int](repeating: 0, count: count), busWritten: [Int](repeating: 0, count: count),
      commandBytes: [Int](repeating: 0, count: count))
    self.trace = trace ? Trace(program) : nil
  }

  mutating func advance(_ commands: UnsafeBufferPointer<Command>, _ range: Range<Int>) {
    timeline.run(commands, range)
    count = range.upperBound
    account()
  }

  /// Brings the timeline to the end of what has come.
  mutating func finish() {
    accounts.commandBytes = delivery.bytesByOperation(program, commands: count)
    let total = timeline.finish()
    account()
    if total <= frontier { return }
    // The cycle in which the last command completes is its own. Beyond that, writes are under way when the stores that
    // they belong to are complete.
    let part = total == frontier + 1 ? lastPart : \.store
    accounts.cycles[lastIndex][keyPath: part] += total - frontier
    frontier = total
  }

  private mutating func account() {
    for step in timeline.takeSteps() { account(step) }
  }

  /// Attributes what the step adds to the end of everything: to waiting before its start, to its unit after it.
  private mutating func account(_ step: Step) {
    let operation = step.operation
    let origin = operations.operation(of: Int(operation.command))
    let index = origin < 0 ? accounts.cycles.count - 1 : origin
    let part: WritableKeyPath<Counters.Cycles, Int>
    let queue: Trace.Queue
    switch operation.kind {
    case .load, .configLoad:
      (part, queue) = (\.load, .load)
      accounts.busRead[index] += step.busBytes
    case .store, .configStore:
      (part, queue) = (\.store, .store)
      accounts.busWritten[index] += step.busBytes
    case .preload, .compute, .configExecute, .fence, .none: (part, queue) = (\.array, .execute)
    }
    follow(step, queue, origin)
    if step.done <= frontier { return }
    if step.start > frontier {
      if step.waited {
        accounts.cycles[index].dependence += step.start - frontier
      } else {
        accounts.cycles[index].issue += step.start - frontier
      }
    }
    accounts.cycles[index][keyPath: part] += step.done - max(frontier, step.start)
    frontier = step.done
    lastIndex = index
    lastPart = part
  }

  // MARK: Trace

  private mutating func follow(_ step: Step, _ queue: Trace.Queue, _ origin: Int) {
    if trace == nil && profile == nil { return }
    let it = step.operation
    switch it.kind {
    case .load, .store, .preload, .compute:
      profile?.add(queue, origin, step.start, free: max(step.start, step.free), done: step.done)
    case .configLoad, .configStore, .configExecute, .fence, .none: break
    }
    if trace == nil { return }
    switch it.kind {
    // Tables and scales go into registers.
    case .load where it.writes.isEmpty: break
    case .load:
      for rows in it.blocks(of: it.writes) { trace?.wrote(rows, 1, step.done) }
    case .store:
      if it.flags.contains(.onChip) { trace?.wrote(it.writes, it.pitch(of: it.writes), step.done) }
      for rows in it.blocks(of: it.reads) { trace?.read(rows, 1, step.free) }
    case .preload:
      trace?.read(it.reads, 1, step.start)
      trace?.wrote(it.writes, it.pitch(of: it.writes), step.done)
    case .compute:
      trace?.read(it.reads, it.pitch(of: it.reads), step.free)
      trace?.read(it.readsAlso, 1, step.free)
    case .configLoad, .configStore, .configExecute, .fence, .none: return
    }
    trace?.step(queue, origin, step.start, free: max(step.start, step.free), done: step.done)
  }
}

extension Operation {
  /// Rows between rows of an operand whose rows do not lie together.
  fileprivate func pitch(of operand: Rows) -> Int { max(1, Int(operand.end - operand.start) / max(1, Int(rows))) }

  /// The rows of each column block of a move.
  fileprivate func blocks(of operand: Rows) -> [Rows] {
    if blocks < 2 || pixels > 0 { return [operand] }
    let length = Int32(rows)
    let pitch = (operand.end - operand.start - length) / Int32(blocks - 1)
    return (0..<Int32(blocks)).map {
      Rows(operand.start + $0 * pitch, min(operand.start + $0 * pitch + length, operand.end))
    }
  }
}
