import ArgumentParser
import SpadixISA
import SpadixSupport

/// `spadix asm`: assembly text to a program file.
struct AsmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "asm", abstract: "Assemble a program from text.")

  @Argument(help: ArgumentHelp("Assembly text as spadix disasm prints it; - is standard input.", valueName: "text"))
  var input: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The program file to write; - is standard output.", valueName: "program.spxo"))
  var output: String

  func run() throws {
    _ = try FileArguments(
      inputs: [input], outputs: [OutputArgument("--output", output)], standardOutput: "--output")
    let program = try Program(assembly: Files.readSource(input))
    if output == "-" { try StandardOutput.write(program.serialized()) } else { try program.write(to: output) }
  }
}
