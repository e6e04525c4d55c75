import ArgumentParser
import SpadixSupport

/// The whole command line: `SpadixCommand.main()` is the program.
public struct SpadixCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "spadix",
    abstract: "A tensor compiler and scheduler for Gemmini-compatible accelerators.",
    version: "spadix \(Version.current)",
    subcommands: [
      CompileCommand.self,
      ImportCommand.self,
      EvaluateCommand.self,
      RunCommand.self,
      VerifyCommand.self,
      ReportCommand.self,
      OptCommand.self,
      PassesCommand.self,
      OpsCommand.self,
      ScheduleCommand.self,
      FuzzCommand.self,
      SweepCommand.self,
      PointCommand.self,
      TargetsCommand.self,
      DisasmCommand.self,
      AsmCommand.self,
      ExplainCommand.self,
      JudgeCommand.self,
      ConformanceCommand.self,
      ExportCommand.self,
      AllocateCommand.self,
    ])

  public init() {}
}
