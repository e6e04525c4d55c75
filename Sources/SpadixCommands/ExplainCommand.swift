import ArgumentParser
import SpadixISA
import SpadixMachine

/// `spadix explain`: the state around one command.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Explain one command: its fields, the configuration in force, what it reads and writes, who wrote that.")

  @Argument(help: ArgumentHelp("A compiled program, a recorded one, or assembly (.s).", valueName: "program.spxo"))
  var program: String

  @Option(help: ArgumentHelp("Index of the command, from 0.", valueName: "n"))
  var command: Int

  @Option(help: ArgumentHelp("How many steps of a hardware loop to explain.", valueName: "n|all"))
  var steps = StepCount(count: 16)

  func run() throws {
    try Explanation.write(Program(reading: program), command: command, steps: steps.count) {
      try StandardOutput.write($0)
    }
  }
}

/// A number of steps, or `all` of them.
struct StepCount: ExpressibleByArgument {
  var count: Int

  init(count: Int) { self.count = count }

  init?(argument: String) {
    if argument == "all" {
      count = Int.max
      return
    }
    guard let count = Int(argument), count >= 1 else { return nil }
    self.count = count
  }

  var defaultValueDescription: String { count == Int.max ? "all" : "\(count)" }
}
