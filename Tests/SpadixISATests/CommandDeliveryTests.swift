import SpadixISA
import Testing

/// What it takes to issue commands: bytes and instructions.
@Suite struct CommandDeliveryTests {
  private func delivery(_ source: Target.Timing.CommandSource, _ commands: [Command]) -> CommandDelivery {
    var target = Target.gemmini
    target.timing.commandSource = source
    return CommandDelivery(Program(target: target, commands: commands))
  }

  /// 5 x 4 products, each with a store behind the inner loop.
  private let nest: [Command] = {
    var commands: [Command] = []
    for outer in 0..<5 {
      for inner in 0..<4 {
        commands.append(Command(funct: Funct.preload, rs1: .max, rs2: UInt64(1000 * outer + 16 * inner)))
      }
      commands.append(Command(funct: Funct.moveOut, rs1: UInt64(0x20000 + 64 * outer), rs2: 9))
    }
    return commands
  }()

  @Test func idealCommandsTakeNothing() {
    let it = delivery(.ideal, nest)
    #expect(it.bytes(of: 0..<nest.count) == 0)
    #expect(it.instructions.isEmpty)
  }

  @Test func aListHasEveryCommand() {
    let it = delivery(.commandList, nest)
    #expect(it.bytes(of: 0..<nest.count) == 24 * 25)
    #expect(it.bytes(of: 3..<7) == 96)
  }

  /// The operands of both places in the loops are read once, whatever range they are asked for.
  @Test func aTableHasEveryPlaceOnce() {
    let it = delivery(.exportedC, nest)
    #expect(it.bytes(of: 0..<nest.count) == 32)
    #expect(it.bytes(of: 0..<1) == 16)
    #expect(it.bytes(of: 1..<5) == 16)
    #expect(it.bytes(of: 5..<nest.count) == 0)
  }

  /// In a loop: the command, what its operands advance by, and the branch.
  @Test func instructionsOfLoops() {
    let it = delivery(.exportedC, nest)
    #expect(it.instructions.count == nest.count)
    // Second to fourth product: one operand advances.
    #expect(it.instructions[1...3].allSatisfy { $0 == 3 })
    // The store comes behind the inner loop.
    #expect(it.instructions[4] == 3)
    #expect(it.instructions[6...8].allSatisfy { $0 == 3 })
    #expect(it.instructions[0] > 10)
  }

  /// Commands that do not repeat: two loads from the table and the command.
  @Test func instructionsWithoutLoops() {
    let commands = (1..<8).map { (funct: UInt8) in Command(funct: funct, rs1: 7, rs2: 0) }
    #expect(delivery(.exportedC, commands).instructions.dropFirst().allSatisfy { $0 == 3 })
  }
}
