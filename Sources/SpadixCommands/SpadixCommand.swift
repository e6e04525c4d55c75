import ArgumentParser

public struct SpadixCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "spadix",
    abstract: "A tensor compiler and scheduler for Gemmini-compatible accelerators.",
    subcommands: [
      CompileCommand.self,
      ImportCommand.self,
      EvaluateCommand.self,
      RunCommand.self,
      VerifyCommand.self,
      OptCommand.self,
      PassesCommand.self,
      OpsCommand.self,
      ScheduleCommand.self,
      FuzzCommand.self,
      TargetsCommand.self,
      DisasmCommand.self,
      AsmCommand.self,
      ExplainCommand.self,
      ConformanceCommand.self,
      ExportCommand.self,
      AllocateCommand.self,
    ])

  public init() {}
}
