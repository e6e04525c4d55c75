import ArgumentParser
import Spadix
import SpadixCodegen
import SpadixPlan

/// What a plan is to be good at, for commands that compile.
struct PlanOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the plan minimizes: modelled cycles, bytes through DRAM, or cycles and for each byte WEIGHT cycles more "
        + "(1/\(Objective.parts) to \(Int(Objective.largestWeight))).",
      valueName: "time|bytes|both:WEIGHT"))
  var objective = Objective.time

  @Option(
    help: "Whether operators run in groups, strip by strip: where it is better, wherever it is possible, or never.")
  var groups = GroupPolicy.auto

  @Flag(help: "Report plans from the fastest to the one of least traffic as well.")
  var front = false

  func apply(to options: inout Compiler.Options) {
    options.objective = objective
    options.findsFront = front
    options.groups = groups
  }
}

extension GroupPolicy: ExpressibleByArgument {}

extension Objective: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { text }
}
