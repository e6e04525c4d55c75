import SpadixIR
import SpadixISA
import SpadixPlan
import SpadixSupport
import Testing

@testable import SpadixCodegen

struct EmissionCase: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var graph: Graph

  init(_ description: String, _ graph: Graph) {
    testDescription = description
    self.graph = graph
  }
}

let emissionCases: [EmissionCase] = [
  EmissionCase("pointwise", NpuGraphs.convolution(input: [1, 7, 7, 40], kernel: [1, 1], outputs: 33)),
  EmissionCase(
    "3x3 with borders",
    NpuGraphs.convolution(input: [1, 14, 14, 17], kernel: [3, 3], outputs: 20, padding: [1, 1, 1, 1])),
  EmissionCase(
    "zero point",
    NpuGraphs.convolution(input: [2, 7, 5, 3], kernel: [3, 3], outputs: 5, padding: [1, 1, 1, 1], zeroPoint: 5)),
  EmissionCase(
    "strided pointwise", NpuGraphs.convolution(input: [1, 14, 14, 16], kernel: [1, 1], outputs: 16, strides: [2, 2])),
  EmissionCase(
    "depthwise",
    NpuGraphs.convolution(input: [1, 14, 14, 40], kernel: [3, 3], outputs: 40, padding: [1, 1, 1, 1], groups: 40)),
  EmissionCase(
    "grouped", NpuGraphs.convolution(input: [1, 8, 8, 24], kernel: [3, 3], outputs: 36, groups: 4, hasBias: false)),
  EmissionCase(
    "pooled",
    NpuGraphs.convolution(input: [1, 20, 20, 3], kernel: [3, 3], outputs: 8, padding: [1, 1, 1, 1], isPooled: true)),
  EmissionCase("residual", NpuGraphs.residual(size: 9, channels: 18, multiplier: 200)),
  EmissionCase("plain residual", NpuGraphs.residual(size: 9, channels: 18, multiplier: 1)),
  EmissionCase(
    "names in quotes", NpuGraphs.renamed(NpuGraphs.residual(size: 4, channels: 4, multiplier: 1), "a, \"b\" = [c]")),
  EmissionCase(
    "image of few channels",
    NpuGraphs.convolution(
      input: [1, 9, 21, 3], kernel: [3, 3], outputs: 18, strides: [2, 1], padding: [1, 1, 1, 1], zeroPoint: 5,
      isOfHost: true)),
  EmissionCase(
    "pooled image of few channels",
    NpuGraphs.convolution(
      input: [2, 15, 19, 1], kernel: [5, 5], outputs: 8, strides: [1, 2], padding: [2, 2, 2, 2], hasBias: false,
      isPooled: true, isOfHost: true)),
]

let emissionTargets: [Target] = [
  .gemmini, .spadix,
  Target(name: "small", dim: 4, scratchpadBanks: 4, scratchpadRowsPerBank: 256, accumulatorRows: 64),
  Target(
    name: "small-spad", dim: 8, scratchpadBanks: 4, scratchpadRowsPerBank: 160, accumulatorRows: 64,
    hasScratchpadStore: true, hasOutputStage: true, hasOutputBiases: true, hasOutputTable: true, hasOutputPair: true,
    hasPooledScratchpadStore: true, timing: Target.Timing(minimumComputeRows: 2)),
]

/// Bytes through DRAM that commands ask for, counted from the commands alone.
private func dramBytes(_ program: Program) throws -> (read: Int, written: Int) {
  var read = 0
  var written = 0
  var loads: [Int: ConfigLoad] = [:]
  var pooling: Pooling?
  for command in program.commands {
    switch try Instruction(decoding: command) {
    case .configLoad(let config): loads[config.state] = config
    case .configStore(let config): pooling = config.pooling
    case .configOutputScales(_, let count, let biases): read += (biases ? 8 : 4) * count
    case .configOutputTable: read += 256
    case .moveIn(let state, let dram, let local):
      if dram == 0 { continue }
      let config = loads[state]!
      let size = local.address.isAccumulator && !config.shrunk ? 4 : 1
      read += (config.stride == 0 ? 1 : local.rows) * local.columns * size
    case .moveOut(_, let local):
      written += (pooling.map { $0.outRows * $0.outCols } ?? local.rows) * local.columns
    case .configExecute, .configNorm, .configOutput, .configOutputPair, .moveOutScratchpad, .preload, .compute, .flush,
      .fence, .counter,
      .clockGate, .loopMatmul, .loopConv:
      break
    }
  }
  return (read, written)
}

extension KernelProblem.Alternative {
  fileprivate var isStreamed: Bool { (inputs + outputs).allSatisfy { $0 == .streamed } }
}

extension Target: CustomTestStringConvertible {
  public var testDescription: String { name }
}

@Test("What the cost model counts is what the commands move", arguments: emissionCases, emissionTargets)
private func countedIsEmitted(_ testCase: EmissionCase, _ target: Target) throws {
  let generator = CodeGenerator(target: target)
  let kernels = try generator.prepare(testCase.graph, data: DataStore())
  let alternatives = try generator.alternatives(of: kernels)
  // Every alternative, not only the chosen one: all others streamed so that any one of them is a plan by itself.
  for (index, op) in alternatives.problem.operators.enumerated() {
    for alternative in op.alternatives.indices where op.alternatives[alternative].isStreamed {
      var steps = alternatives.problem.operators.map { op in
        KernelSolution.Step(alternative: op.alternatives.firstIndex(where: \.isStreamed)!, workingRow: 0)
      }
      steps[index].alternative = alternative
      let chosen = steps.enumerated().map {
        alternatives.problem.operators[$0.offset].alternatives[$0.element.alternative]
      }
      let plan = alternatives.plan(
        KernelSolution(
          steps: steps, pieces: [], cost: chosen.reduce(.zero) { $0 + $1.cost }, bound: 0,
          certificate: KernelSolution.Certificate(closedBy: "", rows: 0, columns: 0, nodes: 0)))
      try PlanValidator(kernels).validate(plan)
      let generated = try kernels.emit(plan)
      let bytes = try dramBytes(generated.program)
      #expect(bytes.read == plan.cost.readBytes)
      #expect(bytes.written == plan.cost.writtenBytes)
      let traffic = generated.operators.map(\.traffic).reduce(OperatorStatistics.Traffic(), +)
      #expect(bytes.read == traffic.read)
      #expect(bytes.written == traffic.written)
    }
  }
}

@Test("Plans of the scheduler are valid, and their text reads back", arguments: emissionCases, emissionTargets)
private func plansAreValid(_ testCase: EmissionCase, _ target: Target) throws {
  let generator = CodeGenerator(target: target)
  let kernels = try generator.prepare(testCase.graph, data: DataStore())
  let alternatives = try generator.alternatives(of: kernels)
  let solution = try KernelScheduler().solve(alternatives.problem)
  try KernelValidator.validate(solution, for: alternatives.problem)
  let plan = alternatives.plan(solution)
  try PlanValidator(kernels).validate(plan)
  let bytes = try dramBytes(try kernels.emit(plan).program)
  #expect(bytes.read + bytes.written == plan.cost.bytes)
  let text = kernels.planText(plan)
  let (again, warnings) = try kernels.readPlan(.init(name: "plan", text: text))
  #expect(warnings.isEmpty)
  #expect(kernels.planText(again) == text)
}
