/// What it takes to bring the commands of a program to the accelerator, in the way that the target's timing says.
public struct CommandDelivery: Sendable {
  /// The target's: `timing.commands`.
  public let source: Target.Timing.CommandSource
  /// Commands of the program.
  public let count: Int
  /// Instructions that a processor executes for each command, from the one before on; empty unless it runs exported C.
  public let instructions: [UInt16]
  /// Commands for which the exported C reads its tables, ascending, and the bytes so far with each of them.
  private let tableUses: [Int32]
  private let tableTotals: [Int]

  /// Bytes of a command in a list: function number, rs1 and rs2, 64 bits each.
  public static let listBytes = 24
  /// Counts instructions where a processor runs exported C; the other sources need none.
  public init(_ program: Program) {
    source = program.target.timing.commandSource
    count = program.commands.count
    guard source == .exportedC else {
      (instructions, tableUses, tableTotals) = ([], [], [])
      return
    }
    let counter = IssueCounter(program)
    (instructions, tableUses, tableTotals) = (counter.instructions, counter.tableUses, counter.tableTotals)
  }

  /// Bytes that are read from memory to issue the commands of a range.
  public func bytes(of range: Range<Int>) -> Int {
    switch source {
    case .ideal: 0
    case .commandList: Self.listBytes * range.count
    case .exportedC: tableBytes(before: range.upperBound) - tableBytes(before: range.lowerBound)
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

  private func tableBytes(before command: Int) -> Int {
    var (low, high) = (0, tableUses.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(tableUses[middle]) < command { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : tableTotals[low - 1]
  }
}

extension Command {
  /// Whether an operand (0 for rs1, 1 for rs2) is a DRAM address, which moves with the image of a program.
  func isAddress(_ operand: Int) -> Bool {
    guard (operand == 0 ? rs1 : rs2) >= UInt64(Target.firstAddress) else { return false }
    switch funct {
    case Funct.moveIn, Funct.moveIn2, Funct.moveIn3, Funct.moveOut, Funct.configOutputScales,
      Funct.configOutputTable:
      return operand == 0
    case Funct.loopMatmulAddressesAB, Funct.loopMatmulAddressesDC, Funct.loopConvConfig5, Funct.loopConvConfig6:
      return true
    default: return false
    }
  }
}
