import Foundation
import SpadixIR
import SpadixISA
import SpadixOrder
import SpadixReport
import SpadixSupport
import SpadixTensor
import Testing

@testable import Spadix

private let presets = Target.presets

@Suite struct CompilerTests {
  private func compile(
    _ input: CompilerInput, target: Target = .spadix, upTo phase: Phase = .program, dump: String? = nil
  ) throws -> Compilation {
    try Compiler(target: target, options: Compiler.Options(dumpDirectory: dump))
      .compile(input, data: DataStore(), upTo: phase)
  }

  @Test(arguments: Phase.allCases) func stopsAfterThePhaseAskedFor(phase: Phase) throws {
    let compilation = try compile(try residualInput(), upTo: phase)
    #expect((compilation.optimized != nil) == (phase >= .graph))
    #expect((compilation.quantized != nil) == (phase >= .quantized))
    #expect((compilation.npu != nil) == (phase >= .npu))
    #expect((compilation.schedule != nil) == (phase >= .plan))
    #expect((compilation.generated != nil) == (phase >= .program))
    #expect((try compilation.report() != nil) == (phase >= .program))
  }

  @Test(arguments: presets) func everyPhaseIsAnInputThatGivesTheSameProgram(target: Target) throws {
    let whole = try compile(try residualInput(), target: target)
    let program = try #require(whole.generated?.program)
    for phase in Phase.allCases where phase < .program {
      let text = try #require(try compile(try residualInput(), target: target, upTo: phase).text(of: phase))
      let input = try CompilerInput(parsing: SourceText(name: "\(phase).spx", text: text))
      #expect(input.phase == phase)
      let resumed = try #require(try compile(input, target: target).generated?.program)
      #expect(resumed.commands == program.commands, "resuming from \(phase)")
      #expect(resumed.segments == program.segments, "resuming from \(phase)")
      #expect(resumed.symbols == program.symbols, "resuming from \(phase)")
    }
  }

  @Test func sameInputGivesTheSameText() throws {
    let first = try compile(try residualInput())
    let second = try compile(try residualInput())
    for phase in Phase.allCases { #expect(first.text(of: phase) == second.text(of: phase)) }
    let reports = try [first, second].compactMap { try $0.report(modelsTime: true) }
    #expect(JSONReport(reports[0]).text == JSONReport(reports[1]).text)
  }

  @Test func earlierPhasesCannotBeEmitted() throws {
    let npu = try #require(try compile(try residualInput(), upTo: .npu).text(of: .npu))
    let input = try CompilerInput(parsing: SourceText(name: "npu.spx", text: npu))
    #expect(diagnosticID { _ = try compile(input, upTo: .quantized) } == "driver.phase-passed")
  }

  @Test func planThatOverlapsIsRefused() throws {
    let text = try #require(try compile(try residualInput(), upTo: .plan).text(of: .plan))
    // The row of the first piece becomes that of the operator's working block.
    let line = try #require(text.split(separator: "\n").first { $0.contains("piece") })
    let row = try #require(line.firstRange(of: /row = \d+/))
    let damaged = text.replacing(line, with: line.replacingCharacters(in: row, with: "row = 0"), maxReplacements: 1)
    let input = try CompilerInput(parsing: SourceText(name: "plan.spx", text: damaged))
    #expect(diagnosticID { _ = try compile(input) } == "plan.invalid")
  }

  @Test func reportAddsUpToTheTotals() throws {
    for target in presets {
      let compilation = try compile(try residualInput(), target: target)
      let report = try #require(try compilation.report(modelsTime: true))
      #expect(report.traffic.read == report.operators.reduce(0) { $0 + $1.traffic.read })
      #expect(report.traffic.written == report.operators.reduce(0) { $0 + $1.traffic.written })
      #expect(report.schedule.trafficBytes == report.traffic.total)
      #expect(report.usefulMACs > 0 && report.usefulMACs <= report.issuedMACs)
      #expect(report.scratchpadPeakRows <= target.scratchpadRows)
      #expect(report.accumulatorPeakRows <= target.accumulatorRows)
      #expect(report.hostSteps.allSatisfy { $0.hostReason != nil })
      #expect(report.modelledCycles == report.operators.reduce(0) { $0 + ($1.modelledCycles ?? 0) })
      #expect(try #require(report.modelledCycles) >= report.arrayCycles)
    }
  }

  @Test(arguments: [Compiler.Formulation.joint, .exact])
  func orderOfLeastTrafficIsStillRight(formulation: Compiler.Formulation) throws {
    let data = DataStore()
    let compiler = Compiler(target: .spadix, options: Compiler.Options(formulation: formulation))
    let compilation = try compiler.compile(try residualInput(), data: data)
    let plan = try #require(compilation.schedule?.plan)
    #expect(plan.certificate.closedBy.contains("order"))
    let samples = Samples(seed: 1, count: 2, for: compilation.input.graph.inputPorts, ranges: [nil])
    #expect(try Verification(compilation, data: data).run(samples).isExact)
  }

  @Test func kernelsAreASchedulingProblem() throws {
    let problem = try Compiler(target: .spadix).scheduleProblem(try residualInput(), data: DataStore())
    try problem.check()
    let kinds = problem.tensors.map(\.kind)
    #expect(kinds.count { $0 == .parameter } == 3)
    let dense = try #require(problem.tensors.first { $0.kind == .parameter && $0.bytes == 160 })
    #expect(dense.size == 10)
    let budgets = ScheduleBudgets(problem, scope: .all)
    let solution = try Scheduler().solve(problem, scope: .all, budget: budgets.peak)
    #expect(solution.traffic.total == 0 && solution.isProven)
  }

  @Test func reorderingKeepsTheGraph() throws {
    let graph = try #require(try compile(try residualInput(), upTo: .npu).npu)
    let order = graph.operations.indices.map { OperationID($0) }.filter { id in
      if case .constant = graph.operations[id].op { false } else { true }
    }
    let reordered = graph.reordered(order)
    try reordered.verify()
    #expect(reordered.operations.count == graph.operations.count)
    #expect(reordered.values.count == graph.values.count)
    #expect(reordered.reordered([]).operations.count == graph.operations.count)
  }

  @Test(arguments: presets) func machineCountsTheBytesThatTheReportStates(target: Target) throws {
    let compilation = try compile(try residualInput(), target: target)
    let report = try #require(try compilation.report())
    let runner = try ProgramRunner(try #require(compilation.generated).program)
    _ = try runner.run([Tensor(zeros: .f32([1, 4, 4, 2]))])
    let counted = try #require(runner.machine?.counters)
    #expect(counted.total.dramReadBytes == report.traffic.read)
    #expect(counted.total.dramWrittenBytes == report.traffic.written)
    // The last compute of a program has nothing after it to overlap with.
    #expect((counted.total.arrayCycles - report.arrayCycles).magnitude <= target.dim)
  }

  @Test func dumpsAreNumberedAndEachResumes() throws {
    let folder = NSTemporaryDirectory() + "spadix-dump-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = try compile(try residualInput(), dump: folder)
    let program = try #require(whole.generated?.program)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let graphs = names.filter { $0.hasSuffix(".spx") }
    #expect(graphs.first == "00-input.spx")
    #expect(graphs.last?.hasSuffix("-tiles.spx") == true)
    #expect(names.last?.hasSuffix("-program.spxo") == true)
    for (index, name) in graphs.enumerated() {
      #expect(name.hasPrefix(index < 10 ? "0\(index)-" : "\(index)-"))
      let resumed = try compile(try CompilerInput(reading: "\(folder)/\(name)"))
      #expect(resumed.generated?.program.commands == program.commands, "resuming from \(name)")
      #expect(resumed.generated?.program.segments == program.segments, "resuming from \(name)")
    }
  }
}
