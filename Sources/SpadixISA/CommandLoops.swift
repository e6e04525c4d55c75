/// Commands as nested loops, in which the operands advance by constants: what a processor can issue with a few
/// instructions each, and a reader take in.
///
/// `unrolled` is the law: the same commands, in the same order, bit for bit.
public struct CommandLoops: Sendable {
  /// A command, or a loop over nodes.
  public indirect enum Node: Hashable, Sendable {
    case command(Leaf)
    case loop(count: Int, body: [Node])

    /// Commands that it stands for.
    var commandCount: Int {
      switch self {
      case .command: 1
      case .loop(let count, let body): count * body.reduce(0) { $0 + $1.commandCount }
      }
    }
  }

  /// A command in a loop nest: its operands the first time, and what they advance by (wrapping) with each iteration of
  /// the loops around it, outermost first.
  public struct Leaf: Hashable, Sendable {
    /// As it is in the first iteration of every loop around it.
    public var command: Command
    /// As many as there are loops around it.
    public var steps: [Step]
  }

  /// What a command's operands advance by with an iteration of one loop.
  public struct Step: Hashable, Sendable {
    /// Added to the operand, wrapping: a negative advance is its two's complement.
    public var rs1: UInt64
    /// Added to the operand, wrapping.
    public var rs2: UInt64

    /// The command is the same in every iteration.
    static let none = Step(rs1: 0, rs2: 0)
  }

  /// In the order of execution.
  public let nodes: [Node]

  /// - Parameter kind: commands of different kinds never take turns in a loop; at least the function number.
  init(_ commands: [Command], kind: (Command) -> Int = { Int($0.funct) }) {
    var roller = Roller(commands, kind)
    roller.run()
    nodes = roller.nodes()
  }

  /// The commands one after the other.
  var unrolled: [Command] { Self.unrolled(nodes) }

  static func unrolled(_ nodes: [Node]) -> [Command] {
    var commands: [Command] = []
    for node in nodes { append(node, [], to: &commands) }
    return commands
  }

  /// Commands that stand in the loops, each counted once.
  var leafCount: Int { nodes.reduce(0) { $0 + Self.leafCount($1) } }

  private static func leafCount(_ node: Node) -> Int {
    switch node {
    case .command: 1
    case .loop(_, let body): body.reduce(0) { $0 + leafCount($1) }
    }
  }

  private static func append(_ node: Node, _ indices: [UInt64], to commands: inout [Command]) {
    switch node {
    case .command(let leaf):
      var command = leaf.command
      for (index, step) in zip(indices, leaf.steps) {
        command.rs1 &+= index &* step.rs1
        command.rs2 &+= index &* step.rs2
      }
      commands.append(command)
    case .loop(let count, let body):
      for index in 0..<UInt64(count) {
        for node in body { append(node, indices + [index], to: &commands) }
      }
    }
  }
}

/// Finds the loops from the inside out: items that repeat become an item, until nothing repeats any more.
private struct Roller {
  /// What items must have in common to repeat each other: commands of one kind, or loops of one body, count and steps.
  private struct Shape {
    var count = 1
    var body: [Int] = []
    /// Steps of the loop, one for each leaf.
    var steps: [CommandLoops.Step] = []
    /// Where the leaves stand, counted in commands from the item's first.
    var leaves: [Int] = [0]
    /// Commands that the item stands for.
    var span = 1
  }

  private struct Key: Hashable {
    var count: Int
    var body: [Int]
    var steps: [CommandLoops.Step]
  }

  private struct Item {
    var shape: Int
    var start: Int
  }

  private let commands: [Command]
  private var shapes: [Shape] = []
  private var interned: [Key: Int] = [:]
  private var items: [Item] = []

  /// Longer bodies are looked for once the loops inside are found, and few items are left.
  private static let shortBody = 12
  private static let longBody = 400

  init(_ commands: [Command], _ kind: (Command) -> Int) {
    self.commands = commands
    var kinds: [Int: Int] = [:]
    items.reserveCapacity(commands.count)
    for (index, command) in commands.enumerated() {
      let shape = kinds[kind(command)] ?? shapes.count
      if shape == shapes.count {
        kinds[kind(command)] = shape
        shapes.append(Shape())
      }
      items.append(Item(shape: shape, start: index))
    }
  }

  mutating func run() {
    var before = Int.max
    while items.count < before {
      before = items.count
      for period in 1...Self.shortBody { roll(period, least: 3) }
    }
    before = Int.max
    while items.count < before {
      before = items.count
      for period in 1...Self.longBody where 2 * period <= items.count { roll(period, least: period == 1 ? 3 : 2) }
    }
  }

  /// Makes loops of all bodies of `period` items that stand there `least` times or more.
  private mutating func roll(_ period: Int, least: Int) {
    var rolled: [Item] = []
    rolled.reserveCapacity(items.count)
    var index = 0
    while index < items.count {
      let count = repetitions(index, period)
      if count >= least {
        rolled.append(Item(shape: loop(index, period, count), start: items[index].start))
        index += count * period
      } else {
        rolled.append(items[index])
        index += 1
      }
    }
    items = rolled
  }

  /// How often the `period` items from `index` on stand one after the other, advancing by the same steps each time.
  private func repetitions(_ index: Int, _ period: Int) -> Int {
    var count = 1
    while index + (count + 1) * period <= items.count {
      for offset in 0..<period {
        let first = items[index + (count - 1) * period + offset]
        let second = items[index + count * period + offset]
        if first.shape != second.shape { return count }
        if count > 1 && !advances(items[index + offset], items[index + period + offset], first, second) {
          return count
        }
      }
      count += 1
    }
    return count
  }

  /// Whether the step from `c` to `d` is that from `a` to `b`.
  private func advances(_ a: Item, _ b: Item, _ c: Item, _ d: Item) -> Bool {
    for leaf in shapes[a.shape].leaves where step(a, b, leaf) != step(c, d, leaf) { return false }
    return true
  }

  @inline(__always)
  private func step(_ a: Item, _ b: Item, _ leaf: Int) -> CommandLoops.Step {
    let (first, second) = (commands[a.start + leaf], commands[b.start + leaf])
    return CommandLoops.Step(rs1: second.rs1 &- first.rs1, rs2: second.rs2 &- first.rs2)
  }

  private mutating func loop(_ index: Int, _ period: Int, _ count: Int) -> Int {
    let body = items[index..<index + period]
    let start = items[index].start
    var shape = Shape(count: count, body: body.map(\.shape), steps: [], leaves: [], span: 0)
    for (offset, item) in body.enumerated() {
      let next = items[index + period + offset]
      for leaf in shapes[item.shape].leaves {
        shape.leaves.append(item.start - start + leaf)
        shape.steps.append(step(item, next, leaf))
      }
      shape.span += shapes[item.shape].span
    }
    shape.span *= count
    let key = Key(count: count, body: shape.body, steps: shape.steps)
    if let known = interned[key] { return known }
    interned[key] = shapes.count
    shapes.append(shape)
    return shapes.count - 1
  }

  // MARK: Result

  func nodes() -> [CommandLoops.Node] { items.map { node($0.shape, $0.start, steps: [[]]) } }

  /// `steps` are those of the loops around, for each leaf of the item.
  private func node(_ index: Int, _ start: Int, steps: [[CommandLoops.Step]]) -> CommandLoops.Node {
    let shape = shapes[index]
    if shape.body.isEmpty { return .command(CommandLoops.Leaf(command: commands[start], steps: steps[0])) }
    let isOutermost = steps.count != shape.leaves.count
    let outer = isOutermost ? [[CommandLoops.Step]](repeating: [], count: shape.leaves.count) : steps
    let inner = zip(outer, shape.steps).map { $0 + [$1] }
    var body: [CommandLoops.Node] = []
    var position = start
    var leaf = 0
    for child in shape.body {
      let count = shapes[child].leaves.count
      body.append(node(child, position, steps: Array(inner[leaf..<leaf + count])))
      leaf += count
      position += shapes[child].span
    }
    return .loop(count: shape.count, body: body)
  }
}
