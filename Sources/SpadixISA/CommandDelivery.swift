/// What it takes to bring the commands of a program to the accelerator, in the way that the target's timing says.
public struct CommandDelivery: Sendable {
  public let source: Target.Timing.CommandSource
  /// Commands of the program.
  public let count: Int
  /// Instructions that a processor executes for each command, from the one before on; empty unless it runs exported C.
  public let instructions: [UInt16]
  /// Commands that start from operands in the table of the exported C, ascending.
  private let tableUses: [Int32]

  /// Bytes of a command in a list: function number, rs1 and rs2, 64 bits each.
  public static let listBytes = 24
  /// Bytes of two operands in the table of exported C.
  public static let tableBytes = 16

  public init(_ program: Program) {
    source = program.target.timing.commandSource
    count = program.commands.count
    guard source == .exportedC else {
      (instructions, tableUses) = ([], [])
      return
    }
    var counter = InstructionCounter()
    for loops in program.issueLoops() {
      counter.beginPart()
      for node in loops.nodes { counter.statement(node) }
    }
    instructions = counter.instructions
    tableUses = counter.tableUses
  }

  /// Bytes that are read from memory to issue the commands of a range.
  public func bytes(of range: Range<Int>) -> Int {
    switch source {
    case .ideal: 0
    case .commandList: Self.listBytes * range.count
    case .exportedC: Self.tableBytes * (firstUse(from: range.upperBound) - firstUse(from: range.lowerBound))
    }
  }

  /// The bytes of the first `commands` commands of the program that this is for: of each of its operations, and last of
  /// commands that come from none.
  public func bytesByOperation(_ program: Program, commands: Int) -> [Int] {
    var bytes = [Int](repeating: 0, count: program.operations.count + 1)
    if source == .ideal { return bytes }
    bytes[program.operations.count] = self.bytes(of: 0..<commands)
    for run in program.debug where run.first < commands {
      let own = self.bytes(of: run.first..<min(run.first + run.count, commands))
      bytes[run.operation] += own
      bytes[program.operations.count] -= own
    }
    return bytes
  }

  /// Number of the first use of the table by a command from `command` on.
  private func firstUse(from command: Int) -> Int {
    var (low, high) = (0, tableUses.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(tableUses[middle]) < command { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Program {
  /// The commands as the loops in which exported C issues them: those before each host step, and those behind the last.
  public func issueLoops() -> [CommandLoops] {
    var first = 0
    return (hostSteps.map(\.before) + [commands.count]).map { end in
      defer { first = end }
      return CommandLoops(Array(commands[first..<end]), kind: \.issueKind)
    }
  }
}

extension Command {
  /// Whether an operand (0 for rs1, 1 for rs2) is a DRAM address, which moves with the image of a program.
  public func isAddress(_ operand: Int) -> Bool {
    guard (operand == 0 ? rs1 : rs2) >= UInt64(Target.firstAddress) else { return false }
    switch funct {
    case Funct.moveIn, Funct.moveIn2, Funct.moveIn3, Funct.moveOut, Funct.configOutputScales: return operand == 0
    case Funct.loopMatmulAddressesAB, Funct.loopMatmulAddressesDC, Funct.loopConvConfig5, Funct.loopConvConfig6:
      return true
    default: return false
    }
  }

  /// The function number, and which operands are addresses.
  fileprivate var issueKind: Int { Int(funct) | (isAddress(0) ? 1 << 8 : 0) | (isAddress(1) ? 1 << 9 : 0) }
}

/// Counts the RISC-V instructions of exported C as a compiler writes them: a command is one instruction; each operand that
/// advances, one more. An iteration of a loop ends with a branch; it is counted where no operand advances that would tell
/// its end. Before a loop, its operands come from the table, and get what they owe to the loops around it and to the place
/// of the image.
private struct InstructionCounter {
  private(set) var instructions: [UInt16] = []
  private(set) var tableUses: [Int32] = []
  private var pending = 0

  /// Saving and restoring registers, around a function.
  private static let call = 6
  /// Waiting for the accelerator and calling the host step.
  private static let hostStep = 8

  mutating func beginPart() { pending += Self.hostStep }

  mutating func statement(_ node: CommandLoops.Node) {
    if case .loop = node { pending += Self.call }
    add(node, level: 0, isFirst: true)
  }

  /// - Parameter isFirst: the first iteration of all loops around, in which the table is read.
  private mutating func add(_ node: CommandLoops.Node, level: Int, isFirst: Bool) {
    switch node {
    case .command(let leaf):
      if level == 0 { pending += start(leaf, level) }
      issue(isFirst)
    case .loop(let count, let body):
      var advances = 0
      for case .command(let leaf) in body {
        pending += start(leaf, level)
        advances += (leaf.steps[level].rs1 != 0 ? 1 : 0) + (leaf.steps[level].rs2 != 0 ? 1 : 0)
      }
      for iteration in 0..<count {
        for child in body {
          if case .command = child {
            issue(isFirst && iteration == 0)
          } else {
            add(child, level: level + 1, isFirst: isFirst && iteration == 0)
          }
        }
        pending += advances + (advances > 0 ? 1 : 2)
      }
    }
  }

  private mutating func issue(_ isFirst: Bool) {
    if isFirst { tableUses.append(Int32(truncatingIfNeeded: instructions.count)) }
    instructions.append(UInt16(min(pending + 1, Int(UInt16.max))))
    pending = 0
  }

  /// Instructions for the operands of a command before the loop that it stands in.
  private func start(_ leaf: CommandLoops.Leaf, _ level: Int) -> Int {
    var count = 2
    for operand in 0..<2 {
      if leaf.command.isAddress(operand) { count += 1 }
      for step in leaf.steps.prefix(level) where (operand == 0 ? step.rs1 : step.rs2) != 0 { count += 2 }
    }
    return count
  }
}
