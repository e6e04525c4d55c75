import ArgumentParser
import SpadixISA
import SpadixSupport

/// `spadix asm`: assembly text to a program file.
struct AsmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "asm", abstract: "Assemble a program from text.")

  @Argument(help: ArgumentHelp("Assembly text as spadix disasm prints it; - is standard input.", valueName: "text"))
  var input: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The program file to write; - is standard output.", valueName: "program.spxo"))
  var output: String?

  @Flag(help: "Print the page docs/assembly.md: every command with its fields.")
  var markdown = false

  func validate() throws {
    if markdown, input != nil || output != nil { throw ValidationError("--markdown stands alone") }
    if !markdown, input == nil || output == nil { throw ValidationError("expected a text, and --output with a file") }
  }

  func run() throws {
    guard let input, let output else { return try StandardOutput.write(AssemblyReference.markdown()) }
    _ = try FileArguments(
      inputs: [input], outputs: [OutputArgument("--output", output)], standardOutput: "--output")
    let program = try Program(assembly: Files.readSource(input))
    if output == "-" { try StandardOutput.write(program.serialized()) } else { try program.write(to: output) }
  }
}
