/// The commands of a program as exported C issues them: products in loops, bursts of all others between them.
public struct CommandIssue: Sendable {
  /// The products before each host step, and those behind the last.
  public private(set) var parts: [CommandLoops] = []
  /// All other commands of the whole program, in its order.
  public private(set) var bursts = CommandBursts()
  /// Whether a burst stands between a preload and its compute.
  private let splitsProducts: Bool

  /// Host steps part the products; the steps that bursts advance by are shared over the whole program.
  public init(_ program: Program) {
    let commands = program.commands
    splitsProducts = zip(commands, commands.dropFirst())
      .contains { $0.funct == Funct.preload && !CommandKind($1).isProduct }
    var first = 0
    for end in program.hostSteps.map(\.before) + [commands.count] {
      let part = commands[first..<end]
      addBursts(part)
      parts.append(CommandLoops(part.filter { CommandKind($0).isProduct }, kind: { CommandKind($0).number }))
      first = end
    }
  }

  private mutating func addBursts(_ part: ArraySlice<Command>) {
    var burst: [Command] = []
    var products = 0
    for command in part {
      if CommandKind(command).isProduct {
        if endsProduct(command.funct) { products += 1 }
        continue
      }
      if products > 0 {
        bursts.add(burst, products: products, isLast: false)
        (burst, products) = ([], 0)
      }
      burst.append(command)
    }
    bursts.add(burst, products: products, isLast: true)
  }

  /// Whether a burst may stand behind a command of the loops.
  public func endsProduct(_ funct: UInt8) -> Bool { funct != Funct.preload || splitsProducts }
}

/// What commands have in common of which only the operands' values differ.
public struct CommandKind: Hashable, Sendable {
  /// The commands' function number.
  public var funct: UInt8
  /// The state that a config_ld sets, the kind of another configuration.
  private var configuration: UInt64
  private var relocations: Int

  /// Looks at the function number, at what a configuration configures, and at which operands are DRAM addresses.
  init(_ command: Command) {
    funct = command.funct
    configuration = command.funct == Funct.config ? command.rs1 & 3 == 1 ? command.rs1 & 0x1B : command.rs1 & 3 : 0
    relocations = (command.isAddress(0) ? 1 : 0) | (command.isAddress(1) ? 2 : 0)
  }

  /// Which operands are addresses that move with the image.
  public var relocates: (Bool, Bool) { (relocations & 1 != 0, relocations & 2 != 0) }

  /// For `CommandLoops`.
  public var number: Int { Int(funct) | relocations << 8 }

  /// What runs in the array: the commands that bursts of others stand between.
  var isProduct: Bool {
    switch funct {
    case Funct.preload, Funct.computePreloaded, Funct.computeAccumulated: true
    case Funct.config: configuration == 0
    default: false
    }
  }
}
