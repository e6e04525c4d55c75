import ArgumentParser
import SpadixISA

/// `spadix disasm`: a program as text that `spadix asm` reads back.
struct DisasmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disasm", abstract: "Print a program as assembly; spadix asm reads it back.")

  @Argument(help: ArgumentHelp("A compiled program, a recorded one, or assembly (.s).", valueName: "program.spxo"))
  var program: String

  @Flag(help: "Every command on a line of its own, not in the loops that repeat it.")
  var unrolled = false

  @Flag(help: "Say for every command its index, the symbols and rows it addresses. Unrolls loops.")
  var annotate = false

  func run() throws {
    let listing: Program.Listing = annotate ? .annotated : unrolled ? .unrolled : .loops
    try StandardOutput.write(Program(reading: program).assembly(listing))
  }
}
