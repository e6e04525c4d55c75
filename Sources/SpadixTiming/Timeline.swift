import SpadixISA

/// The accelerator's timeline for commands in program order, hardware loops among them.
public struct Timeline: ~Copyable {
  private var reader: OperationReader
  private var accelerator: Accelerator
  private var products: LoopMatmulUnroller
  private var convolutions: LoopConvUnroller
  /// Operations of the commands that come next, read and not run yet.
  private let buffer: UnsafeMutablePointer<Operation>
  private var ahead = 0
  private static let capacity = 256

  /// - Parameter delivery: how commands come; whenever the accelerator takes one when nil.
  public init(_ hardware: Hardware, delivery: CommandDelivery? = nil) {
    reader = OperationReader(hardware)
    accelerator = Accelerator(hardware, delivery: delivery)
    products = LoopMatmulUnroller(hardware)
    convolutions = LoopConvUnroller(hardware)
    buffer = .allocate(capacity: Self.capacity)
  }

  deinit { buffer.deallocate() }

  private static func isLoop(_ funct: UInt8) -> Bool {
    funct >= Funct.loopMatmulRun && funct <= Funct.loopConvConfig6 && funct != Funct.moveIn3
  }

  /// Runs commands of a range, which begins where the one before ended. What comes behind the range is looked at, so that
  /// cycles do not depend on where ranges end.
  public mutating func run(_ commands: UnsafeBufferPointer<Command>, _ range: Range<Int>) {
    var index = range.lowerBound
    while index < range.upperBound {
      if Self.isLoop(commands[index].funct) {
        loop(commands[index], index)
        index += 1
        continue
      }
      endLoops()
      read(commands, from: index, count: range.upperBound - index + Accelerator.lookahead)
      let count = min(range.upperBound - index, ahead < Self.capacity ? ahead : ahead - Accelerator.lookahead)
      accelerator.run(UnsafeBufferPointer(start: buffer, count: ahead), count: count)
      index += count
      ahead -= count
      buffer.update(from: buffer + count, count: ahead)
    }
  }

  /// Reads ahead, to the next hardware loop at most.
  private mutating func read(_ commands: UnsafeBufferPointer<Command>, from index: Int, count: Int) {
    let end = min(commands.count, index + min(count, Self.capacity))
    while index + ahead < end && !Self.isLoop(commands[index + ahead].funct) {
      (buffer + ahead).initialize(to: reader.read(commands[index + ahead], index: index + ahead))
      ahead += 1
    }
  }

  /// Keeps steps, for `takeSteps`.
  public var recordsSteps: Bool {
    get { accelerator.recordsSteps }
    set { accelerator.recordsSteps = newValue }
  }

  /// The steps since the last call, about in the order of their times.
  public mutating func takeSteps() -> [Step] {
    let steps = accelerator.steps
    accelerator.steps = []
    return steps
  }

  /// The cycles from the first command to the last one in which the accelerator is busy. More commands may follow, which
  /// then find everything before them complete but not waited for.
  public mutating func finish() -> Int {
    endLoops()
    return accelerator.finish()
  }

  // MARK: Loops

  private mutating func loop(_ command: Command, _ index: Int) {
    guard let instruction = try? Instruction(decoding: command) else { return }
    switch instruction {
    case .loopMatmul(let it):
      if convolutions.queue.isBusy { while giveConvolution(index) {} }
      while products.queue.isFull { if !giveProduct(index) { break } }
      let time = accelerator.takeLoopCommand(depth: 3, after: loopsCompleted)
      if let run = products.registers.take(it) { products.begin(run, at: time) }
    case .loopConv(let it):
      if products.queue.isBusy { while giveProduct(index) {} }
      while convolutions.queue.isFull { if !giveConvolution(index) { break } }
      let time = accelerator.takeLoopCommand(depth: 2, after: loopsCompleted)
      if let run = convolutions.registers.take(it) { convolutions.begin(run, at: time) }
    default: break
    }
  }

  private var loopsCompleted: Int { max(products.queue.lastCompleted, convolutions.queue.lastCompleted) }

  private mutating func endLoops() {
    if products.queue.isBusy { while giveProduct(-1) {} }
    if convolutions.queue.isBusy { while giveConvolution(-1) {} }
    accelerator.loopsEnded(at: loopsCompleted)
  }

  private mutating func giveProduct(_ index: Int) -> Bool {
    guard let (command, time) = products.next(&accelerator) else { return false }
    accelerator.take(reader.read(command, index: index), time + 1)
    return true
  }

  private mutating func giveConvolution(_ index: Int) -> Bool {
    guard let (command, time) = convolutions.next(&accelerator) else { return false }
    accelerator.take(reader.read(command, index: index), time + 2)
    return true
  }
}

extension Accelerator {
  /// A command of a hardware loop, which the unroller takes at the head of its own queue.
  mutating func takeLoopCommand(depth: Int, after: Int) -> Int {
    let arrival = arrival()
    let time = max(arrival - FrontEnd.depth + depth, after + 1)
    frontEnd.leaves(max(arrival, time + FrontEnd.depth - depth))
    return time
  }

  /// Commands behind loops wait until the last one is given out.
  mutating func loopsEnded(at time: Int) { frontEnd.holds(until: time + 2) }
}
