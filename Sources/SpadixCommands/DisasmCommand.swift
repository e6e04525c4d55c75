import ArgumentParser
import SpadixISA

/// `spadix disasm`: a program as text that `spadix asm` reads back.
struct DisasmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disasm", abstract: "Print a program as assembly; spadix asm reads it back.")

  @Argument(help: ArgumentHelp("A compiled program, a recorded one, or assembly (.s).", valueName: "program.spxo"))
  var program: String

  @Flag(help: "Say for every command its index, the symbols and rows it addresses.")
  var annotate = false

  func run() throws {
    try StandardOutput.write(Program(reading: program).assembly(annotated: annotate))
  }
}
