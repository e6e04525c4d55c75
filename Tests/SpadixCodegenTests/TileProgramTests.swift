import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixCodegen

extension KernelAlternatives {
  /// Every alternative that streams everything as a plan of its own kind: the first such alternative for all others.
  fileprivate var plans: [Plan] {
    func isStreamed(_ it: KernelProblem.Alternative) -> Bool { (it.inputs + it.outputs).allSatisfy { $0 == .streamed } }
    var plans: [Plan] = []
    for (index, op) in problem.operators.enumerated() {
      for alternative in op.alternatives.indices where isStreamed(op.alternatives[alternative]) {
        var steps = problem.operators.map {
          KernelSolution.Step(alternative: $0.alternatives.firstIndex(where: isStreamed)!, workingRow: 0)
        }
        steps[index].alternative = alternative
        plans.append(
          plan(
            KernelSolution(
              steps: steps, pieces: [], cost: .zero, bound: 0,
              certificate: KernelSolution.Certificate(closedBy: "", rows: 0, columns: 0, nodes: 0))))
      }
    }
    return plans
  }
}

/// The kernels of a case, the ways to run them, and the plan of least time.
func prepare(
  _ testCase: EmissionCase, _ target: Target
) throws -> (kernels: PreparedKernels, alternatives: KernelAlternatives, scheduled: Plan) {
  let generator = CodeGenerator(target: target)
  let kernels = try generator.prepare(testCase.graph, data: DataStore())
  let alternatives = try generator.alternatives(of: kernels)
  return (kernels, alternatives, alternatives.plan(try KernelScheduler().solve(alternatives.problem)))
}

private func verify(_ section: TileSection, _ constantBytes: [Int], _ target: Target) throws {
  try TileVerifier.verify(section.program, target: target) { operand in
    if case .constant(let constant) = operand { return constantBytes[constant.index] }
    return 1 << 30
  }
}

@Test("Generated tile programs are verified, and their text reads back", arguments: emissionCases, emissionTargets)
private func generatedProgramsAreSound(_ testCase: EmissionCase, _ target: Target) throws {
  let (prepared, alternatives, scheduled) = try prepare(testCase, target)
  for plan in alternatives.plans + [scheduled] {
    let sections = prepared.tileSections(plan)
    let constantBytes = prepared.constantSizes(of: plan)
    for section in sections.joined() { try verify(section, constantBytes, target) }
    let text = prepared.tilesText(sections, of: plan)
    let again = try prepared.parseTiles(SourceText(name: "tiles", text: text), from: 0, of: plan)
    #expect(again == sections)
    #expect(prepared.tilesText(again, of: plan) == text)
  }
}

@Test("What comes of a tile program that was read is what comes of the plan", arguments: emissionCases, emissionTargets)
private func readProgramsAreEmittedAlike(_ testCase: EmissionCase, _ target: Target) throws {
  let (prepared, _, plan) = try prepare(testCase, target)
  let text = prepared.tilesText(prepared.tileSections(plan), of: plan)
  let tiles = try prepared.parseTiles(SourceText(name: "tiles", text: text), from: 0, of: plan)
  #expect(try prepared.emit(plan, tiles: tiles).program.commands == prepared.emit(plan).program.commands)
}

@Test("The cost of a nest is the fold over its program", arguments: emissionCases, emissionTargets)
private func costsAreFolds(_ testCase: EmissionCase, _ target: Target) throws {
  let (prepared, alternatives, _) = try prepare(testCase, target)
  var time = KernelTime(target)
  for plan in alternatives.plans {
    for (index, step) in prepared.tileSections(plan).enumerated() {
      #expect(time.cost(of: step[0].program) == plan.steps[index].cost)
      #expect(step[0].program.workingRows == plan.steps[index].workingRows)
    }
  }
}

/// Array cycles of a program, product by product; nil where diagonals are made, which the search estimates.
private func arrayCycles(_ program: TileProgram, _ target: Target) -> Int? {
  let (dim, least) = (target.dim, target.leastComputeRows)
  var cycles = 0
  for operation in program.operations {
    switch operation {
    case .diagonals: return nil
    case .multiply(let product):
      let window = program.windows[product.window]
      let pairs = product.blocks.reduce(0) { $0 + product.inputs(of: $1).count }
      for tap in product.taps {
        let runs = window.runs(
          rows: product.tile.rows, columns: product.tile.columns, tap: tap, plane: product.source.plane, dim: dim,
          least: least)
        guard let last = runs.last else { continue }
        let rows = runs.reduce(0) { $0 + max($1.count, least) }
        // New weights shift in behind the last run, which hides `dim` cycles of that.
        cycles += pairs * (product.weights.isShared ? rows : rows - max(last.count, least) + dim)
      }
    case .begin, .load, .zero, .bias, .store, .copy, .host: break
    }
  }
  return cycles
}

@Test(
  "Array cycles that the search adds up by shapes are those of the products", arguments: emissionCases, emissionTargets)
private func cyclesAreFolds(_ testCase: EmissionCase, _ target: Target) throws {
  let (prepared, alternatives, _) = try prepare(testCase, target)
  for plan in alternatives.plans {
    for (index, step) in prepared.tileSections(plan).enumerated() {
      guard let cycles = arrayCycles(step[0].program, target) else { continue }
      #expect(cycles == plan.steps[index].cost.arrayCycles)
    }
  }
}

/// Numbers of a text replaced at random: what an edited file may look like.
private func damaged(_ text: String, _ random: inout SplitMix64) -> String {
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  for _ in 0..<Int.random(in: 1...2, using: &random) {
    let index = Int.random(in: 0..<lines.count, using: &random)
    var words = lines[index].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let numbers = words.indices.filter { words[$0].contains(where: \.isNumber) }
    guard !numbers.isEmpty else { continue }
    let word = numbers[Int.random(in: 0..<numbers.count, using: &random)]
    let digits = words[word].filter(\.isNumber)
    let values = ["0", "1", "7", "16", "255", "65536", "2147483648", "99999999999999999999", "-1"]
    words[word] = words[word].replacing(digits, with: values[Int.random(in: 0..<values.count, using: &random)])
    lines[index] = words.joined(separator: " ")
    if Int.random(in: 0..<8, using: &random) == 0 {
      lines.swapAt(index, Int.random(in: 0..<lines.count, using: &random))
    }
  }
  return lines.joined(separator: "\n")
}

@Test("Damaged tile programs are refused with a place, or emitted", arguments: emissionCases)
private func damagedProgramsAreRefused(_ testCase: EmissionCase) throws {
  for target in emissionTargets {
    let (prepared, _, plan) = try prepare(testCase, target)
    let text = prepared.tilesText(prepared.tileSections(plan), of: plan)
    var random = SplitMix64(seed: 11)
    for _ in 0..<200 {
      let damaged = damaged(text, &random)
      do {
        let tiles = try prepared.parseTiles(SourceText(name: "tiles", text: damaged), from: 0, of: plan)
        _ = try prepared.emit(plan, tiles: tiles)
      } catch let diagnostic as Diagnostic {
        #expect(diagnostic.range != nil && diagnostic.id.hasPrefix("tiles."))
      } catch let diagnostics as Diagnostics {
        #expect(diagnostics.all.allSatisfy { $0.range != nil })
      }
    }
  }
}
