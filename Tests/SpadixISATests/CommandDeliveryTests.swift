import SpadixISA
import Testing

/// What it takes to issue commands: bytes and instructions.
@Suite struct CommandDeliveryTests {
  private func delivery(_ source: Target.Timing.CommandSource, _ commands: [Command]) -> CommandDelivery {
    var target = Target.gemmini
    target.timing.commandSource = source
    return CommandDelivery(Program(target: target, commands: commands))
  }

  /// 5 x 4 products, a command of another row behind every fourth, and then two stores in a burst.
  private let nest: [Command] = {
    var commands: [Command] = []
    for outer in 0..<5 {
      for inner in 0..<4 {
        commands.append(Command(funct: Funct.preload, rs1: .max, rs2: UInt64(1000 * outer + 16 * inner)))
      }
      commands.append(Command(funct: Funct.computeAccumulated, rs1: UInt64(64 * outer), rs2: 9))
    }
    for store in 0..<2 { commands.append(Command(funct: Funct.moveOut, rs1: UInt64(0x20000 + 64 * store), rs2: 9)) }
    return commands
  }()

  @Test func idealCommandsTakeNothing() {
    let it = delivery(.ideal, nest)
    #expect(it.bytes(of: 0..<nest.count) == 0)
    #expect(it.instructions.isEmpty)
  }

  @Test func aListHasEveryCommand() {
    let it = delivery(.commandList, nest)
    #expect(it.bytes(of: 0..<nest.count) == 24 * 27)
    #expect(it.bytes(of: 3..<7) == 96)
  }

  /// The operands of both places in the loops are read once, whatever range they are asked for; a burst has its head, and
  /// here a word and a step for each of its commands.
  @Test func tablesAreReadOnce() {
    let it = delivery(.exportedC, nest)
    #expect(it.bytes(of: 0..<1) == 16)
    #expect(it.bytes(of: 1..<5) == 16)
    #expect(it.bytes(of: 5..<25) == 0)
    #expect(it.bytes(of: 25..<26) == 2 + 2 + 24)
    #expect(it.bytes(of: 26..<27) == 2 + 24)
    #expect(it.bytes(of: 0..<nest.count) == 32 + 54)
  }

  /// In a loop: the command, what its operands advance by, and the branch; behind the command before, the counter of
  /// products, which goes on only behind those that a burst may follow.
  @Test func instructionsOfLoops() {
    let it = delivery(.exportedC, nest)
    #expect(it.instructions.count == nest.count)
    // Second to fourth preload: one operand advances; no burst stands behind a preload.
    #expect(it.instructions[1...3].allSatisfy { $0 == 3 })
    // The compute comes behind the inner loop.
    #expect(it.instructions[4] == 3)
    #expect(it.instructions[6...8].allSatisfy { $0 == 3 })
    // A burst is called, and takes words.
    #expect(it.instructions[25] > 40)
    #expect(it.instructions[26] < it.instructions[25])
  }

  /// Products that do not repeat: two loads from the table, the command, and three behind the one before.
  @Test func instructionsWithoutLoops() {
    let commands = [Funct.computePreloaded, Funct.computeAccumulated, Funct.config, Funct.preload].map {
      Command(funct: $0, rs1: 8, rs2: 0)
    }
    #expect(delivery(.exportedC, commands).instructions.dropFirst() == [6, 6, 6])
  }
}
