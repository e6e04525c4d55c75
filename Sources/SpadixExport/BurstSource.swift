import SpadixISA

/// Loads, stores and everything else that is no product, as C: numbers of steps, in bursts between the products.
///
/// Loops would not do: where loads and stores fall between the products follows time, not a pattern. But from one command
/// to the next of its kind, operands advance in a few hundred ways. A word holds such a way and how often it is taken.
struct BurstSource {
  /// Words of the bursts: a head and so many steps. The head: words of the burst, then products until the next one.
  private(set) var words: [Int] = []
  /// The ways in which operands advance, and the commands that they make.
  private(set) var steps: [Step] = []
  /// Commands of different kinds advance apart from each other.
  private(set) var kinds: [CommandKind] = []

  struct Step: Hashable {
    var kind: Int
    var rs1: UInt64
    var rs2: UInt64
  }

  static let countBits = 4
  static let headBits = 8
  private static let most = 1 << headBits - 1

  private var numbers: [Step: Int] = [:]
  private var kindNumbers: [CommandKind: Int] = [:]
  private var last: [(rs1: UInt64, rs2: UInt64)] = []

  /// The smallest type that holds every word.
  var wordType: String { (steps.count << Self.countBits) < 1 << 16 ? "uint16_t" : "uint32_t" }

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
      let next = self.number(command)
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

  // MARK: Text

  /// Constants, and a function that issues a burst and says how many products follow.
  func text() -> String {
    let words = stride(from: 0, to: self.words.count, by: 16).map { first in
      "  " + self.words[first..<min(first + 16, self.words.count)].map { "\($0)" }.joined(separator: ", ") + ","
    }
    let steps = self.steps.map { "  {0x\(String($0.rs1, radix: 16))ul, 0x\(String($0.rs2, radix: 16))ul, \($0.kind)}," }
    let cases = kinds.enumerated().map { index, kind in
      "        case \(index): do { burst_a[\(index)] += step->a; burst_b[\(index)] += step->b; "
        + "COMMAND(\(kind.funct), burst_a[\(index)]\(kind.relocates.0 ? " + image" : ""), "
        + "burst_b[\(index)]\(kind.relocates.1 ? " + image" : "")); } while (count--); break;"
    }
    return """
      // What advances the operands of a kind of command.
      static const struct burst_step { uint64_t a, b; unsigned kind; } burst_steps[] = {
      \(steps.joined(separator: "\n"))
        {0, 0, 0},
      };

      // Bursts of commands between products: a head, with the words behind it and the products until the next burst; then
      // words, each the number of a step and how often it is repeated.
      static const \(wordType) burst_words[] = {
      \(words.joined(separator: "\n"))
        0,
      };
      static const \(wordType) *next_burst;
      static uint64_t burst_a[\(max(1, kinds.count))], burst_b[\(max(1, kinds.count))];

      // Issues a burst; the products until the next one.
      static __attribute__((noinline)) unsigned burst(uint64_t image) {
        const \(wordType) *word = next_burst;
        unsigned until;
        (void)image;
        do {
          unsigned words = *word >> \(Self.headBits);
          until = *word++ & \(Self.most);
          for (; words > 0; words--) {
            const struct burst_step *step = &burst_steps[*word >> \(Self.countBits)];
            unsigned count = *word++ & \(1 << Self.countBits - 1);
            switch (step->kind) {
      \(cases.joined(separator: "\n"))
            }
          }
        } while (until == 0);
        next_burst = word;
        return until;
      }
      """
  }
}

/// What commands have in common of which only the operands' values differ.
struct CommandKind: Hashable {
  var funct: UInt8
  /// The state that a config_ld sets, the kind of another configuration.
  private var configuration: UInt64
  private var relocations: Int

  init(_ command: Command) {
    funct = command.funct
    configuration = command.funct == Funct.config ? command.rs1 & 3 == 1 ? command.rs1 & 0x1B : command.rs1 & 3 : 0
    relocations = (Self.relocates(command, 0) ? 1 : 0) | (Self.relocates(command, 1) ? 2 : 0)
  }

  /// Which operands are addresses that move with the image.
  var relocates: (Bool, Bool) { (relocations & 1 != 0, relocations & 2 != 0) }

  /// For `CommandLoops`.
  var number: Int { Int(funct) | relocations << 8 }

  /// What runs in the array: the commands that bursts of others stand between.
  var isProduct: Bool {
    switch funct {
    case Funct.preload, Funct.computePreloaded, Funct.computeAccumulated: true
    case Funct.config: configuration == 0
    default: false
    }
  }

  private static func relocates(_ command: Command, _ operand: Int) -> Bool {
    let value = operand == 0 ? command.rs1 : command.rs2
    guard value >= UInt64(Target.firstAddress) else { return false }
    switch command.funct {
    case Funct.moveIn, Funct.moveIn2, Funct.moveIn3, Funct.moveOut, Funct.configOutputScales: return operand == 0
    case Funct.loopMatmulAddressesAB, Funct.loopMatmulAddressesDC, Funct.loopConvConfig1 + 4, Funct.loopConvConfig6:
      return true
    default: return false
    }
  }
}
