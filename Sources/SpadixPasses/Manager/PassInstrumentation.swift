import SpadixIR

/// What to show and keep while passes run.
public struct PassInstrumentation: Sendable {
  /// Which passes a printing option is about.
  public enum Selection: Sendable {
    case none, all
    case passes(Set<String>)

    func contains(_ name: String) -> Bool {
      switch self {
      case .none: false
      case .all: true
      case .passes(let names): names.contains(name)
      }
    }
  }

  var printBefore: Selection
  var printAfter: Selection
  /// Print after passes that changed the graph, and name those that did not.
  var printChanged: Bool
  /// Run only so many passes of the pipeline, to find by halving the one that breaks a graph.
  public var stopAfter: Int?
  /// A folder for the graph after every pass, in numbered files.
  public var dumpDirectory: String?
  /// A file for the graph before a pass that fails, with the command that repeats the failure.
  var reproducer: String?
  /// What the user gave as `--target`, for the reproducer's command; nil for the target's own name.
  public var target: String?
  /// Receives what is printed.
  var output: @Sendable (String) -> Void

  public init(
    printBefore: Selection = .none, printAfter: Selection = .none, printChanged: Bool = false, stopAfter: Int? = nil,
    dumpDirectory: String? = nil, reproducer: String? = nil, output: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.printBefore = printBefore
    self.printAfter = printAfter
    self.printChanged = printChanged
    self.stopAfter = stopAfter
    self.dumpDirectory = dumpDirectory
    self.reproducer = reproducer
    self.output = output
  }

  func before(_ pass: Pass, _ graph: Graph) {
    if printBefore.contains(pass.name) { show("before \(pass.name)", graph) }
  }

  func after(_ pass: Pass, _ graph: Graph, changing old: Graph) {
    let isSelected = printAfter.contains(pass.name)
    guard isSelected || printChanged else { return }
    let printed = text(graph)
    if printChanged && printed == text(old) {
      output("// ----- after \(pass.name): no change -----\n")
      if !isSelected { return }
    }
    output("// ----- after \(pass.name) -----\n\(printed)")
  }

  /// For people: thousands of weights are left out.
  private func text(_ graph: Graph) -> String { GraphPrinter(largeData: .elided).text(of: graph) }

  private func show(_ title: String, _ graph: Graph) {
    output("// ----- \(title) -----\n\(text(graph))")
  }
}
