import SpadixISA

/// The accelerator's timeline for commands in program order, hardware loops among them.
public struct Timeline: ~Copyable {
  private var reader: OperationReader
  private var accelerator: Accelerator
  private var products: LoopMatmulUnroller
  private var convolutions: LoopConvUnroller
  private let buffer: UnsafeMutablePointer<Operation>
  private static let capacity = 256

  public init(_ hardware: Hardware) {
    reader = OperationReader(hardware)
    accelerator = Accelerator(hardware)
    products = LoopMatmulUnroller(hardware)
    convolutions = LoopConvUnroller(hardware)
    buffer = .allocate(capacity: Self.capacity)
  }

  deinit { buffer.deallocate() }

  private static func isLoop(_ funct: UInt8) -> Bool {
    funct >= Funct.loopMatmulRun && funct <= Funct.loopConvConfig6 && funct != Funct.moveIn3
  }

  public mutating func run(_ commands: UnsafeBufferPointer<Command>, _ range: Range<Int>) {
    var index = range.lowerBound
    while index < range.upperBound {
      if Self.isLoop(commands[index].funct) {
        loop(commands[index], index)
        index += 1
        continue
      }
      endLoops()
      var count = 0
      while index < range.upperBound && count < Self.capacity && !Self.isLoop(commands[index].funct) {
        (buffer + count).initialize(to: reader.read(commands[index], index: index))
        count += 1
        index += 1
      }
      accelerator.run(UnsafeBufferPointer(start: buffer, count: count))
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

  /// Bytes that requests moved over the bus.
  public var busBytesRead: Int { accelerator.busBytesRead }
  public var busBytesWritten: Int { accelerator.busBytesWritten }

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
      if convolutions.isBusy { while giveConvolution(index) {} }
      while products.isFull { if !giveProduct(index) { break } }
      let time = accelerator.takeLoopCommand(depth: 3, after: max(products.completed, convolutions.lastCompleted))
      switch it {
      case .bounds(let bounds): products.setting.bounds = bounds
      case .addressesAB(let a, let b): (products.setting.a, products.setting.b) = (a, b)
      case .addressesDC(let d, let c): (products.setting.d, products.setting.c) = (d, c)
      case .stridesAB(let a, let b): (products.setting.aStride, products.setting.bStride) = (a, b)
      case .stridesDC(let d, let c): (products.setting.dStride, products.setting.cStride) = (d, c)
      case .run(let run): products.begin(run, at: time)
      }
    case .loopConv(let it):
      if products.isBusy { while giveProduct(index) {} }
      while convolutions.isFull { if !giveConvolution(index) { break } }
      let time = accelerator.takeLoopCommand(depth: 2, after: max(products.completed, convolutions.lastCompleted))
      switch it {
      case .sizes(let sizes): convolutions.setting.sizes = sizes
      case .pooling(let pooling): convolutions.setting.pooling = pooling
      case .padding(let padding): convolutions.setting.padding = padding
      case .tile(let tile): convolutions.setting.tile = tile
      case .weightsOutput(let weights, let output):
        (convolutions.setting.weights, convolutions.setting.output) = (weights, output)
      case .biasInput(let bias, let input): (convolutions.setting.bias, convolutions.setting.input) = (bias, input)
      case .run(let run): convolutions.begin(run, at: time)
      }
    default: break
    }
  }

  private mutating func endLoops() {
    if products.isBusy { while giveProduct(-1) {} }
    if convolutions.isBusy { while giveConvolution(-1) {} }
    accelerator.loopsEnded(at: max(products.completed, convolutions.lastCompleted))
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
    let arrival = frontEnd.arrival()
    let time = max(arrival - FrontEnd.depth + depth, after + 1)
    frontEnd.leaves(max(arrival, time + FrontEnd.depth - depth))
    return time
  }

  /// Commands behind loops wait until the last one is given out.
  mutating func loopsEnded(at time: Int) { frontEnd.holds(until: time + 2) }
}
