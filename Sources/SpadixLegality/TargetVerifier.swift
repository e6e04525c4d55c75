import SpadixIR
import SpadixISA
import SpadixSupport

/// Checks npu graphs against the target that they are to run on.
///
/// An npu graph holds integers that were chosen for one target, but its text does not say for which: it may have been
/// lowered here, come from a file, or been edited. Whatever passes here, the code generator emits a correct program for.
public enum TargetVerifier {
  /// Throws `Diagnostics` with every broken rule, each at its operation: `target.output-zero-point` and others, of which
  /// those that lowering knows as reasons for the host have the same names.
  public static func verify(_ graph: Graph, for target: Target) throws {
    guard graph.operations.contains(where: \.op.isNpu) else { return }
    let rules = NpuRules(graph: graph, target: target)
    var diagnostics = Diagnostics()
    for operation in graph.operations {
      for broken in rules.broken(by: operation) { diagnostics.report(diagnostic(broken, operation, target)) }
    }
    try diagnostics.throwIfErrors()
  }

  private static func diagnostic(_ broken: BrokenRule, _ operation: Operation, _ target: Target) -> Diagnostic {
    let wayOut = broken.capability.map { capability in
      let wanted = capability.hasPrefix("output_") ? "with \(capability)" : "with more \(capability)"
      return "compile the quantized graph for '\(target.name)', or this graph for a target \(wanted)"
    }
    return Diagnostic(
      "target.\(broken.id)",
      "\(operation.op.mnemonic) with \(broken.found) does not run on '\(target.name)': \(broken.text)",
      at: operation.range, help: broken.help ?? wayOut)
  }
}
