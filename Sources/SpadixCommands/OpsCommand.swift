import ArgumentParser
import SpadixIR
import SpadixISA
import SpadixPasses

/// Lists the operators, or explains one.
struct OpsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "List the operators of the graph language, or explain one.")

  @Argument(help: "An operator, such as nn.conv2d; without it, all are listed.")
  var name: String?

  @Flag(help: "Print the whole reference as Markdown; docs/operators.md is made so.")
  var markdown = false

  @Option(
    help: ArgumentHelp(
      "Say where each operator runs on this target, and what keeps some uses on the host.", valueName: "name|file"))
  var target: String?

  func validate() throws {
    if target != nil, markdown || name != nil { throw ValidationError("--target stands alone") }
    if markdown, name != nil { throw ValidationError("--markdown prints all operators; leave out the name") }
    if let name, OperatorKind.named(name) == nil {
      throw ValidationError("there is no operator '\(name)'; 'spadix ops' lists all")
    }
  }

  func run() throws {
    if let target {
      try StandardOutput.write(TargetSupport.text(try Target.named(target)))
    } else if markdown {
      try StandardOutput.write(OperatorReference.markdown())
    } else if let kind = name.flatMap(OperatorKind.named) {
      try StandardOutput.write(OperatorReference.text(of: kind))
    } else {
      try StandardOutput.write(OperatorReference.table())
    }
  }
}
