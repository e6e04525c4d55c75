import ArgumentParser
import SpadixPasses

/// Looking over the shoulder of the passes, for commands that run them all.
struct PassPrintingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Print the graph before these passes.", valueName: "pass,...|all"))
  var printBefore: String?

  @Option(help: ArgumentHelp("Print the graph after these passes.", valueName: "pass,...|all"))
  var printAfter: String?

  @Flag(help: "Print the graph after every pass that changed it.")
  var printChanged = false

  @Option(
    help: ArgumentHelp(
      "If a pass fails, write the graph before it, with the command that repeats the failure.", valueName: "file"))
  var reproducer: String?

  /// Wrong names are wrong usage.
  func validate() throws {
    for names in [printBefore, printAfter].compactMap({ $0 }) where names != "all" {
      for name in names.split(separator: ",") where PassRegistry.pass(named: String(name)) == nil {
        throw ValidationError("no pass is called '\(name)'; `spadix passes` lists them")
      }
    }
  }

  /// Graphs go to standard error, so that results on standard output stay usable.
  var instrumentation: PassInstrumentation {
    PassInstrumentation(
      printBefore: Self.selection(printBefore), printAfter: Self.selection(printAfter), printChanged: printChanged,
      reproducer: reproducer, output: { StandardError.write($0) })
  }

  private static func selection(_ names: String?) -> PassInstrumentation.Selection {
    guard let names else { return .none }
    return names == "all" ? .all : .passes(Set(names.split(separator: ",").map(String.init)))
  }
}
