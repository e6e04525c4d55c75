/// Loads, stores and everything else that is no product, as numbers of steps, in bursts between the products.
///
/// Loops would not do: where loads and stores fall between the products follows time, not a pattern. But from one command
/// to the next of its kind, operands advance in a few hundred ways. A word holds such a way and how often it is taken.
public struct CommandBursts: Sendable {
  /// Words of the bursts: a head and so many steps. The head: words of the burst, then products until the next one.
  public private(set) var words: [Int] = []
  /// The ways in which operands advance, and the commands that they make.
  public private(set) var steps: [Step] = []
  /// Commands of different kinds advance apart from each other.
  public private(set) var kinds: [CommandKind] = []

  /// What takes a command's operands from those of the last command of its kind.
  public struct Step: Hashable, Sendable {
    /// Position in `kinds`.
    public var kind: Int
    /// Added to the operand, wrapping.
    public var rs1: UInt64
    /// Added to the operand, wrapping.
    public var rs2: UInt64
  }

  /// Low bits of a word that hold how often its step is repeated; the step's number is above them.
  public static let countBits = 4
  /// Low bits of a head that hold the products until the next burst; its number of words is above them.
  public static let headBits = 8
  /// Most words of a burst, and most products until the next.
  public static let most = 1 << headBits - 1

  private var numbers: [Step: Int] = [:]
  private var kindNumbers: [CommandKind: Int] = [:]
  private var last: [(rs1: UInt64, rs2: UInt64)] = []

  /// Bytes of the smallest type that holds every word.
  public var wordBytes: Int { (steps.count << Self.countBits) < 1 << 16 ? 2 : 4 }

  /// For each command in bursts, whether a word begins with it, and whether its step had not been taken before.
  private(set) var origins: [(beginsWord: Bool, isNewStep: Bool)] = []

  /// A burst, with so many products behind it until the next one, or until the end of a part.
  mutating func add(_ commands: [Command], products: Int, isLast: Bool) {
    // The last one is never used up, so that nothing is looked for behind it.
    var left = isLast ? products + 1 : products
    let words = commands.isEmpty ? [] : self.words(commands)
    var first = 0
    repeat {
      let count = min(words.count - first, Self.most)
      let until = first + count < words.count ? 0 : min(left, Self.most)
      self.words.append(count << Self.headBits | until)
      self.words += words[first..<first + count]
      first += count
      left -= until
    } while first < words.count || left > 0
  }

  private mutating func words(_ commands: [Command]) -> [Int] {
    var words: [Int] = []
    var number = -1
    for command in commands {
      let known = steps.count
      let next = self.number(command)
      let before = words.count
      defer { origins.append((words.count > before, steps.count > known)) }
      if next == number, let word = words.last, word & (1 << Self.countBits - 1) < 1 << Self.countBits - 1 {
        words[words.count - 1] = word + 1
      } else {
        words.append(next << Self.countBits)
      }
      number = next
    }
    return words
  }

  /// The number of the step from the command's predecessor.
  private mutating func number(_ command: Command) -> Int {
    let described = CommandKind(command)
    let kind = kindNumbers[described] ?? kinds.count
    if kind == kinds.count {
      kindNumbers[described] = kind
      kinds.append(described)
      last.append((0, 0))
    }
    let step = Step(kind: kind, rs1: command.rs1 &- last[kind].rs1, rs2: command.rs2 &- last[kind].rs2)
    last[kind] = (command.rs1, command.rs2)
    if let known = numbers[step] { return known }
    numbers[step] = steps.count
    steps.append(step)
    return steps.count - 1
  }
}
