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

  func run() throws {
    try StandardOutput.write(Explanation(Program(reading: program), command: command).text)
  }
}
