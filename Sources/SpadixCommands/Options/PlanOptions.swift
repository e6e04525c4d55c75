import ArgumentParser
import Spadix
import SpadixPlan

/// What a plan is to be good at, for commands that compile.
struct PlanOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the plan minimizes: modelled cycles, bytes through DRAM, or cycles and for each byte WEIGHT cycles more.",
      valueName: "time|bytes|both:WEIGHT"))
  var objective = Objective.time

  @Flag(help: "Report plans from the fastest to the one of least traffic as well.")
  var front = false

  func apply(to options: inout Compiler.Options) {
    options.objective = objective
    options.findsFront = front
  }
}

extension Objective: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public var defaultValueDescription: String { text }
}
