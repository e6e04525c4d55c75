import SpadixCodegen
import SpadixIR
import SpadixISA
import SpadixReference
import SpadixPlan
import SpadixSupport
import SpadixTensor
import Testing

@testable import Spadix

/// Plans that somebody has edited: they run, bit for bit, or are refused with the rule that they break, at its place.
@Suite struct PlanEditTests {
  /// What became of edits.
  private struct Tally {
    var run = 0
    var refused: [String: Int] = [:]
  }

  @Test(arguments: 0..<48) func editedPlansRunExactlyOrAreRefused(seed: Int) throws {
    let seed = UInt64(seed) + 4_000
    let data = DataStore()
    var graph = RandomGraph(seed: seed)
    let input = try CompilerInput(parsing: SourceText(name: "seed-\(seed)", text: graph.text()))
    let target = RandomTarget.target(seed: seed)
    let compilation: Compilation
    do {
      compilation = try Compiler(target: target).compile(input, data: data, upTo: .plan)
    } catch let diagnostic as Diagnostic where diagnostic.id == "codegen.target-too-small" {
      return
    }
    let schedule = try #require(compilation.schedule)
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
      switch Int.random(in: 0..<9, using: &generator) {
      case 0: tiling.tileRows = number(tiling.tileRows)
      case 1: tiling.tileColumns = number(tiling.tileColumns)
      case 2: tiling.blocks = number(tiling.blocks)
      case 3: tiling.chunksPerGroup = number(tiling.chunksPerGroup)
      case 4: tiling.pinnedChunks = number(tiling.pinnedChunks)
      case 5: tiling.windowRows = number(tiling.windowRows)
      case 6: tiling.sliceBlocks = number(tiling.sliceBlocks)
      case 7: tiling.sliceTaps = number(tiling.sliceTaps)
      default: plan.steps[step].workingRow = number(plan.steps[step].workingRow + 16)
      }
    }
    plan.steps[step].nest = .tile(form: form, tiling: tiling)
    return (plan, step, "\(tiling), row \(plan.steps[step].workingRow)")
  }

  @Test func everyRuleHasItsPlace() throws {
    let compilation = try Compiler(target: .spadix).compile(try residualInput(), data: DataStore(), upTo: .plan)
    let text = try #require(compilation.text(of: .plan))
    func refusal(_ old: Regex<Substring>, _ new: String) throws -> Diagnostic {
      let range = try #require(text.firstRange(of: old), "\(new)")
      let edited = text.replacingCharacters(in: range, with: new)
      do {
        let input = try CompilerInput(parsing: SourceText(name: "plan.spx", text: edited))
        _ = try Compiler(target: .spadix).compile(input, data: DataStore())
      } catch let diagnostic as Diagnostic {
        let place = try #require(diagnostic.range)
        let (line, column) = place.source.position(of: place.start)
        // The caret stands in the line of the edit, at the value.
        let edit = edited[..<range.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
        #expect(line == edit.count, "\(diagnostic)")
        #expect(column >= edit.last!.utf8.count, "\(diagnostic)")
        return diagnostic
      }
      return Diagnostic("none", "accepted")
    }
    #expect(try refusal(/tile = \[\d+/, "tile = [0").id == "plan.tile")
    #expect(try refusal(/tile = \[\d+/, "tile = [900").id == "plan.tile")
    #expect(try refusal(/group = \[\d+/, "group = [77").id == "plan.group")
    #expect(try refusal(/slice = \[\d+/, "slice = [0").id == "plan.slice")
    #expect(try refusal(/window = \d+/, "window = 99").id == "plan.window")
    #expect(try refusal(/row = \d+, tile/, "row = 99999, tile").id == "plan.scratchpad")
    #expect(try refusal(/form = \d+|tile = /, "form = 7, tile = ").id == "plan.form")
    #expect(try refusal(/inputs = \[\w+/, "inputs = [elsewhere").id == "plan.syntax")
    #expect(try refusal(/window = \d+/, "widnow = 3").id == "plan.syntax")
    #expect(try refusal(/step 0/, "step 1").id == "plan.step-order")
    #expect(try refusal(/piece %\w+/, "piece %nobody").id == "plan.unknown-tensor")
  }

  @Test func aPlanWithoutCostIsAPlan() throws {
    let compilation = try Compiler(target: .spadix).compile(try residualInput(), data: DataStore(), upTo: .plan)
    let text = try #require(compilation.text(of: .plan))
    func read(_ text: String) throws -> Compilation {
      try Compiler(target: .spadix).compile(
        CompilerInput(parsing: SourceText(name: "plan.spx", text: text)), data: DataStore(), upTo: .plan)
    }
    let cost = try #require(text.firstRange(of: /  cost = .*\n/))
    let bound = try #require(text.firstRange(of: /  bound = .*\n/))
    let bare = text.replacingCharacters(in: cost.lowerBound..<bound.upperBound, with: "")
    let again = try read(bare)
    #expect(again.schedule?.plan.cost == compilation.schedule?.plan.cost)
    #expect(again.schedule?.plan.bounds == Plan.Bounds())
    #expect(again.diagnostics.all.isEmpty)
    // A cost that the plan does not have is no error, and no proof.
    let wrong = try read(text.replacing(/read = \d+/, with: "read = 1"))
    #expect(wrong.diagnostics.all.map(\.id) == ["plan.cost"])
    #expect(wrong.schedule?.plan.bounds == Plan.Bounds())
  }
}
