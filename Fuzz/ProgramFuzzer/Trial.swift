import SpadixISA
import SpadixMachine
import SpadixSupport

/// What is done with whatever could be read; a trap is a bug.
enum Trial {
  /// Runs the program with everything that watches it, and describes it in every way there is.
  static func run(_ program: Program) {
    let options = Machine.Options(checks: .all, maximumCommands: 2000, memoryLimit: 1 << 22, time: true)
    guard let machine = try? Machine(program, options: options) else { return }
    machine.recordTrace()
    machine.run()
    precondition(machine.isFinished, "a run ends")
    for finding in machine.findings { _ = finding.diagnostic(in: program).description }
    _ = machine.counters.json(for: program).text()
    _ = machine.trace?.json()
    if let last = machine.findings.last?.command { _ = try? Explanation(program, command: last).text }
    if !program.expectations.isEmpty { _ = try? Conformance(program, options: options) }
    for listing in [Program.Listing.loops, .annotated] {
      let again = try? Program(assembly: SourceText(name: "again", text: program.assembly(listing)))
      precondition(again?.serialized() == program.serialized(), "a program reads back from its text")
    }
  }

  static func readBack(_ target: Target) {
    let again = try? Target(yaml: SourceText(name: "again", text: target.yaml))
    precondition(again == target, "a target reads back from its text")
  }
}
