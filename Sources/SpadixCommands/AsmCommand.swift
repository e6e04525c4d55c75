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
    try FileArguments.check(inputs: [input], outputs: [("--output", output)], standardOutput: "--output")
    let source =
      input == "-"
      ? SourceText(name: "<standard input>", bytes: try StandardInput.read()) : try Files.readSource(input)
    let program = try Program(assembly: source)
    if output == "-" { try StandardOutput.write(program.serialized()) } else { try program.write(to: output) }
  }
}
