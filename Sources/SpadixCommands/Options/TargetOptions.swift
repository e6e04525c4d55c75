import ArgumentParser
import SpadixISA

/// `--target`, for commands that compile.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The target: a preset (spadix targets lists them) or a target file.", valueName: "name|file"))
  var target = Target.spadix.name

  @OptionGroup var settings: TargetSettingOptions

  func load() throws -> Target { try Target.named(target, settings: settings.set) }
}

/// `--set`, for commands that work on a target.
struct TargetSettingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Give a parameter of the target this value, as a target file would: timing.dma_latency=120, scratchpad.bytes=512K. "
        + "Can be given more than once.", valueName: "key=value"))
  var set: [TargetSetting] = []
}

extension TargetSetting: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
