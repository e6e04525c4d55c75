import SpadixISA

/// The commands of a program while they are put into another order, in their own memory: a large program is not held twice.
///
/// What is put out overwrites commands that have been put out already, and waits as long as the next place has one that
/// has not.
struct CommandsInPlace {
  /// From `kept` on as they were.
  private(set) var commands: [Command]
  /// The first of the commands that are still to be put out, as far as is known.
  private var kept = 0
  private var written = 0
  private var waiting: [Command] = []
  private var firstWaiting = 0

  init(_ commands: consuming [Command]) { self.commands = commands }

  /// How many have been put out.
  var count: Int { written + waiting.count - firstWaiting }

  /// Whether to say which commands are still to be put out: there is no room for the next one.
  var isFull: Bool { written == kept }

  /// Puts a command behind those before.
  mutating func put(_ command: Command) {
    if isFull {
      waiting.append(command)
    } else {
      commands[written] = command
      written += 1
    }
  }

  /// Makes room where all commands before this one have been put out. What waits comes first.
  mutating func free(before kept: Int) {
    self.kept = kept
    while !isFull && firstWaiting < waiting.count {
      commands[written] = waiting[firstWaiting]
      written += 1
      firstWaiting += 1
    }
    if firstWaiting == waiting.count || firstWaiting > 1 << 14 {
      waiting.removeFirst(firstWaiting)
      firstWaiting = 0
    }
  }

  /// The commands in their new order, when all have been put out.
  consuming func finished() -> [Command] {
    commands.replaceSubrange(written..., with: waiting[firstWaiting...])
    return commands
  }
}
