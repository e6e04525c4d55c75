import ArgumentParser
import SpadixISA

/// `--target`, for commands that compile.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The target: a preset (spadix targets lists them) or a target file.", valueName: "name|file"))
  var target = Target.spadix.name

  func load() throws -> Target { try Target.named(target) }
}
