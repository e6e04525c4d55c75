import Foundation
import Spadix
import SpadixFuzz
import SpadixIR
import SpadixISA
import SpadixReference
import SpadixSupport
import SpadixTensor
import SpadixVerify
import Testing

@testable import SpadixPasses

/// Random graphs, quantized for the presets and for five random targets: every int8 operation against what it means in
/// floating point, on the operands of a run and on random ones.
///
/// `SPADIX_QUANTIZATION_CASES` chooses how many graphs, `make fuzz-quantization` takes 10,000.
@Suite struct QuantizationCampaign {
  private static let cases = ProcessInfo.processInfo.environment["SPADIX_QUANTIZATION_CASES"].flatMap(Int.init) ?? 60
  private static let parts = 20

  private static let targets: [Target] =
    Target.presets + (1...100).map { RandomTarget.target(seed: $0) }.filter { !Target.presets.contains($0) }.prefix(5)

  @Test(arguments: 0..<parts) func operationsMeanWhatTheySay(part: Int) throws {
    for seed in stride(from: part + 1, through: Self.cases, by: Self.parts) {
      for target in Self.targets { try check(seed: UInt64(seed), target) }
    }
  }

  /// Ranges within a value's own clamp, functions that are flat all over, two int8 forms of one operand.
  @Test(arguments: [873, 967, 1431, 1771, 1781] as [UInt64]) func seedsThatWereWrong(seed: UInt64) throws {
    for target in Self.targets { try check(seed: seed, target) }
  }

  private func check(seed: UInt64, _ target: Target) throws {
    var graph = RandomFloatGraph(seed: seed).graph
    let inputs = inputs(of: graph, seed: seed)
    var context = PassContext(target: target, data: DataStore())
    if seed % 2 == 0 {
      context.samples = zip(graph.inputs, inputs).map {
        CalibrationSamples(input: graph.values[$0].name ?? "", tensor: $1)
      }
    } else {
      graph.giveRandomRanges(seed: seed)
    }
    let real = try PassManager(PassPipeline(parsing: "optimize,calibrate")).run(graph, in: &context)
    let scheme = seed % 5 == 0 ? "{activations=symmetric weights=per-tensor}" : ""
    let quantized = try PassManager(PassPipeline(parsing: "quantize\(scheme),eliminate-dead")).run(real, in: &context)
    var check = try QuantizationCheck(real: real, quantized: quantized, data: context.data)
    try check.check(IntegerEvaluator(graph: quantized, data: context.data).evaluateAll(inputs: inputs))
    try check.checkRandomOperands(seed: seed)
    for violation in check.summary.violations {
      Issue.record(
        "seed \(seed), \(target.name): \(violation.diagnostic.message)\n\(GraphPrinter().text(of: real))")
    }
  }
}

extension Graph {
  /// Ranges that have nothing to do with what values really are, from tiny to large.
  fileprivate mutating func giveRandomRanges(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for index in values.indices where !isConstant(ValueID(index)) {
      let magnitude = Float(sign: .plus, exponent: Int.random(in: -6...6, using: &generator), significand: 1)
      let low = -magnitude * Float.random(in: 0...1, using: &generator)
      let high = magnitude * Float.random(in: 0.001...1, using: &generator)
      values[index].calibration =
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: ValueRange(low: 0, high: high)
        case 1: ValueRange(low: low, high: low / 4)
        default: ValueRange(low: low, high: high)
        }
    }
  }
}
