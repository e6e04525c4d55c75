import SpadixISA

/// The commands of a program as C: nested loops with few instructions a command, and a table of the operands that they
/// start from.
///
/// Loops of the same shape share a function; each use of it has its own part of the table.
struct LoopSource {
  /// Functions for loops, in the order of their first use.
  private(set) var functions: [String] = []
  /// Statements for each part of the program, between host steps.
  private(set) var parts: [[String]] = []
  /// rs1 and rs2 of the first command that each place in the loops issues.
  private(set) var table: [UInt64] = []

  private var known: [String: Int] = [:]

  init(_ program: Program) {
    for loops in program.issueLoops() {
      var statements: [String] = []
      for node in loops.nodes { statements.append(statement(node)) }
      parts.append(statements)
    }
  }

  private mutating func statement(_ node: CommandLoops.Node) -> String {
    let start = table.count
    switch node {
    case .command(let leaf):
      add(leaf)
      return "COMMAND(\(leaf.command.funct), \(value(leaf, 0, start)), \(value(leaf, 1, start + 1)));"
    case .loop:
      var lines: [String] = []
      var next = 0
      write(node, depth: 0, &next, &lines)
      let body = lines.joined(separator: "\n")
      let index = known[body] ?? functions.count
      if index == functions.count {
        known[body] = index
        functions.append("static void loop_\(index)(const uint64_t *v, uint64_t image) {\n\(body)\n}")
      }
      return "loop_\(index)(v + \(start), image);"
    }
  }

  private mutating func add(_ leaf: CommandLoops.Leaf) { table += [leaf.command.rs1, leaf.command.rs2] }

  private func value(_ leaf: CommandLoops.Leaf, _ operand: Int, _ index: Int) -> String {
    "v[\(index)]" + (leaf.command.isAddress(operand) ? " + image" : "")
  }

  /// A loop; what a command of its own starts from is computed before it, and advances at its end.
  private mutating func write(_ node: CommandLoops.Node, depth: Int, _ next: inout Int, _ lines: inout [String]) {
    guard case .loop(let count, let body) = node else { return }
    let indent = String(repeating: "  ", count: depth + 1)
    var inside: [String] = []
    var advance: [String] = []
    lines.append(indent + "{")
    for child in body {
      guard case .command(let leaf) = child else {
        write(child, depth: depth + 1, &next, &inside)
        continue
      }
      add(leaf)
      for operand in 0..<2 {
        let name = "\(operand == 0 ? "a" : "b")\(next)"
        var start = value(leaf, operand, 2 * next + operand)
        for (level, step) in leaf.steps.enumerated() {
          let by = operand == 0 ? step.rs1 : step.rs2
          if by == 0 { continue }
          if level == depth {
            advance.append("\(indent)    \(name) += \(Self.literal(by));")
          } else {
            start += " + i\(level) * \(Self.literal(by))"
          }
        }
        lines.append("\(indent)  uint64_t \(name) = \(start);")
      }
      inside.append("\(indent)    COMMAND(\(leaf.command.funct), a\(next), b\(next));")
      next += 1
    }
    lines.append("\(indent)  for (uint64_t i\(depth) = 0; i\(depth) < \(count); i\(depth)++) {")
    lines += inside + advance
    lines.append("\(indent)  }")
    lines.append(indent + "}")
  }

  /// Steps backwards are negative numbers, which processors add as easily.
  private static func literal(_ value: UInt64) -> String {
    let signed = Int64(bitPattern: value)
    return signed < 0 && signed > -(1 << 31) ? "(uint64_t)\(signed)" : "\(value)ul"
  }
}
