import Spadix
import SpadixIR
import SpadixISA
import SpadixReference
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixCodegen
@testable import SpadixFuzz

/// Plans that somebody has edited: they run, bit for bit, or are refused with the rule that they break, at its place.
@Suite struct PlanEditTests {
  /// What became of edits.
  private struct Tally {
    var run = 0
    var refused: [String: Int] = [:]
  }

  @Test(arguments: 0..<48) func editedPlansRunExactlyOrAreRefused(seed: Int) throws {
    try check(UInt64(seed) + 4_000, groups: .auto)
  }

  @Test(arguments: 0..<24) func editedGroupsRunExactlyOrAreRefused(seed: Int) throws {
    try check(UInt64(seed) + 5_000, groups: .always)
  }

  private func check(_ seed: UInt64, groups: GroupPolicy) throws {
    let data = DataStore()
    var graph = RandomGraph(seed: seed)
    let input = try CompilerInput(parsing: SourceText(name: "seed-\(seed)", text: graph.text()))
    let target = FuzzCase(seed: seed, groups: groups).target
    let compilation: Compilation
    do {
      var compiler = Compiler(target: target)
      compiler.options.groups = groups
      if groups == .always { compiler.options.groupSeed = seed }
      compilation = try compiler.compile(input, data: data, upTo: .plan)
    } catch let diagnostic as Diagnostic where diagnostic.id == "codegen.target-too-small" {
      return
    }
    let schedule = try #require(compilation.schedule)
    if groups == .always, schedule.plan.groups.isEmpty { return }
    let npu = try #require(compilation.npu)
    let samples = Samples(seed: seed, count: 1, for: npu.inputPorts, ranges: npu.inputPorts.map { _ in nil })
    let expected = try IntegerEvaluator(graph: npu, data: data).run(inputs: samples[0])
    var generator = SplitMix64(seed: seed)
    var tally = Tally()
    for number in 0..<24 {
      guard let edited = Self.edit(schedule.plan, &generator) else { return }
      let text = npu.text() + schedule.kernels.planText(edited.plan)
      let comment = "seed \(seed), edit \(number) of step \(edited.step): \(edited.what)"
      let again: Compilation
      do {
        let input = try CompilerInput(parsing: SourceText(name: "plan.spx", text: text))
        again = try Compiler(target: target).compile(input, data: data)
      } catch let refusal as Diagnostic {
        #expect(refusal.id.hasPrefix("plan."), "\(comment): \(refusal)")
        let range = try #require(refusal.range, "\(comment): \(refusal)")
        #expect(range.source.line(range.source.position(of: range.start).line).hasPrefix("  "), "\(comment)")
        tally.refused[refusal.id, default: 0] += 1
        continue
      }
      let generated = try #require(again.generated)
      let runner = try ProgramRunner(generated.program)
      let found = try runner.run(samples[0])
      #expect(found.map(\.storage) == expected.map(\.storage), "\(comment)")
      #expect(runner.findings.all.isEmpty, "\(comment): \(runner.findings)")
      let counters = try #require(runner.machine?.counters.total)
      let cost = try #require(again.schedule?.plan.cost)
      #expect(counters.dramReadBytes == cost.readBytes && counters.dramWrittenBytes == cost.writtenBytes, "\(comment)")
      tally.run += 1
    }
    // Neither everything nor nothing is legal.
    #expect(tally.run > 0, "seed \(seed): \(tally)")
    #expect(!tally.refused.isEmpty, "seed \(seed): \(tally)")
  }

  /// A plan with one step's tiling or row changed at random; half of the numbers beyond what can be right.
  private static func edit(_ plan: Plan, _ generator: inout SplitMix64) -> (plan: Plan, step: Int, what: String)? {
    let tiled = plan.steps.indices.filter {
      if case .tile = plan.steps[$0].nest { return true }
      return false
    }
    guard let step = tiled.randomElement(using: &generator),
      case .tile(let form, var tiling) = plan.steps[step].nest
    else { return nil }
    func number(_ value: Int) -> Int { Int.random(in: 0...max(2, value + 1), using: &generator) }
    var plan = plan
    for _ in 0...Int.random(in: 0...1, using: &generator) {
      let group = plan.groups.firstIndex { $0.steps.contains(step) }
      switch Int.random(in: 0..<(group == nil ? 11 : 18), using: &generator) {
      case 11: plan.groups[group!].strips = number(plan.groups[group!].strips * 2)
      case 12: plan.groups[group!].row = number(plan.groups[group!].row + 16)
      case 13:
        let steps = plan.groups[group!].steps
        plan.groups[group!].steps =
          max(0, steps.lowerBound + Int.random(in: -1...1, using: &generator))..<steps.upperBound
      case 14, 15: plan.steps[step].keepsConstants.toggle()
      case 16: plan.steps[step].outputs[0] = [.rows, .resident, .streamed].randomElement(using: &generator)!
      case 17: plan.steps[step].inputs[0] = [.rows, .resident, .streamed].randomElement(using: &generator)!
      case 0: tiling.tileRows = number(tiling.tileRows)
      case 1: tiling.tileColumns = number(tiling.tileColumns)
      case 2: tiling.blocks = number(tiling.blocks)
      case 3: tiling.chunksPerGroup = number(tiling.chunksPerGroup)
      case 4: tiling.pinnedChunks = number(tiling.pinnedChunks)
      case 5: tiling.windowRows = number(tiling.windowRows)
      case 6: tiling.sliceBlocks = number(tiling.sliceBlocks)
      case 7: tiling.sliceTaps = number(tiling.sliceTaps)
      case 8: tiling.sparePlaces = number(tiling.sparePlaces)
      case 9: tiling.windowCopies = tiling.windowCopies == 1 ? [2, 3].randomElement(using: &generator)! : 1
      default: plan.steps[step].workingRow = number(plan.steps[step].workingRow + 16)
      }
    }
    plan.steps[step].nest = .tile(form: form, tiling: tiling)
    return (plan, step, "\(tiling), row \(plan.steps[step].workingRow)")
  }
}
