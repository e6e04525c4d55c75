/// Counts the RISC-V instructions that exported C executes for each command, as a compiler writes them, and the bytes of its
/// tables (docs/machine.md compares with an emulated processor).
struct IssueCounter {
  private(set) var instructions: [UInt16] = []
  /// Commands for which tables are read, ascending, and the bytes so far with each of them.
  private(set) var tableUses: [Int32] = []
  private(set) var tableTotals: [Int] = []

  /// Two operands that a command in a loop starts from.
  private static let operandBytes = 16
  /// What a kind of command advances by in bursts.
  private static let stepBytes = 24

  /// Waiting for the accelerator and calling a host step.
  private static let hostStep = 8
  /// A burst: the call with its registers, the head.
  private static let burst = 26
  /// A word of a burst: its step, and the way to its kind.
  private static let word = 25
  /// A command of a burst: its operands from memory, advanced, back to memory, a counter; the command itself.
  private static let burstCommand = 9
  /// Behind a product: a counter of those before the next burst, which keeps the loop's own counter from going.
  private static let product = 3

  init(_ program: Program) {
    let issue = CommandIssue(program)
    let wordBytes = issue.bursts.wordBytes
    instructions.reserveCapacity(program.commands.count)
    var pending = 0
    var others = 0
    var first = 0
    for (part, end) in (program.hostSteps.map(\.before) + [program.commands.count]).enumerated() {
      var products = ProductCounter(issue.parts[part])
      pending += Self.hostStep
      var isBurst = false
      for index in first..<end {
        let command = program.commands[index]
        let kind = CommandKind(command)
        if kind.isProduct {
          let (count, readsTable) = products.next()
          append(pending + count)
          if readsTable { use(index, Self.operandBytes) }
          pending = issue.endsProduct(command.funct) ? Self.product : 0
          isBurst = false
          continue
        }
        let origin = issue.bursts.origins[others]
        others += 1
        var count = Self.burstCommand + (kind.relocates.0 ? 1 : 0) + (kind.relocates.1 ? 1 : 0)
        var bytes = 0
        if !isBurst { (count, bytes) = (count + Self.burst, bytes + wordBytes) }
        if origin.beginsWord { (count, bytes) = (count + Self.word, bytes + wordBytes) }
        if origin.isNewStep { bytes += Self.stepBytes }
        append(pending + count)
        if bytes > 0 { use(index, bytes) }
        pending = 0
        isBurst = true
      }
      first = end
    }
  }

  private mutating func append(_ count: Int) { instructions.append(UInt16(min(count, Int(UInt16.max)))) }

  private mutating func use(_ command: Int, _ bytes: Int) {
    tableUses.append(Int32(truncatingIfNeeded: command))
    tableTotals.append((tableTotals.last ?? 0) + bytes)
  }
}

/// Counts instructions of loops: a command is one; each operand that advances, one more. An iteration ends with a branch, and
/// a counter where no operand advances that would tell its end. Before a loop, its operands come from the table, and get
/// what they owe to the loops around it and to the place of the image.
private struct ProductCounter {
  private var counts: [(instructions: Int32, readsTable: Bool)] = []
  private var pending = 0
  private var position = 0

  /// Saving and restoring registers, around a function.
  private static let call = 6

  init(_ loops: CommandLoops) {
    for node in loops.nodes {
      if case .loop = node { pending += Self.call }
      add(node, level: 0, isFirst: true)
    }
  }

  mutating func next() -> (instructions: Int, readsTable: Bool) {
    defer { position += 1 }
    return (Int(counts[position].instructions), counts[position].readsTable)
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

  private mutating func issue(_ readsTable: Bool) {
    counts.append((Int32(truncatingIfNeeded: pending + 1), readsTable))
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
