import SpadixIR
import SpadixISA
import SpadixLegality
import SpadixPasses
import SpadixReference
import SpadixTensor
import Testing

private let seeds: [UInt64] = Array(1...60)

private let smallTarget: Target = {
  var target = Target.gemmini
  target.name = "small"
  target.dim = 4
  target.accumulatorRows = 8
  return target
}()

private let targets: [Target] = [.spadix, .gemmini, .gemminiSpad, smallTarget]

private let floatPasses = ["canonicalize", "fold-constants", "fuse-activation", "fuse-residual-add", "fuse-pooling"]

/// Pipelines for one graph after the other on the same data, and what goes in and comes out of them.
private struct Outcome {
  var quantized: Graph
  var lowered: Graph
  var reference: [[Float]]
  var quantizedOutputs: [Tensor]
  var loweredOutputs: [Tensor]
}

private func outcome(seed: UInt64, target: Target, quantize: String) throws -> Outcome {
  let graph = RandomFloatGraph(seed: seed).graph
  let inputs = inputs(of: graph, seed: seed)
  var context = PassContext(
    target: target, data: DataStore(),
    samples: zip(graph.inputs, inputs).map { CalibrationSamples(input: graph.values[$0].name ?? "", tensor: $1) })
  let quantized = try PassManager(PassPipeline(parsing: "optimize,calibrate,\(quantize),eliminate-dead")).run(
    graph, in: &context)
  let lowered = try PassManager(PassPipeline(parsing: "lower,eliminate-dead")).run(quantized, in: &context)
  return Outcome(
    quantized: quantized, lowered: lowered,
    reference: try FloatEvaluator(graph: graph, data: context.data).run(inputs: inputs).map(\.floats),
    quantizedOutputs: try IntegerEvaluator(graph: quantized, data: context.data).run(inputs: inputs),
    loweredOutputs: try IntegerEvaluator(graph: lowered, data: context.data).run(inputs: inputs))
}

@Suite struct DifferentialTests {
  @Test(arguments: seeds) func floatPassesKeepTheFunction(seed: UInt64) throws {
    let graph = RandomFloatGraph(seed: seed).graph
    try graph.verify()
    let expected = try floatOutputs(graph, seed: seed)
    for pass in floatPasses + ["optimize"] {
      for target in [Target.spadix, smallTarget] {
        let found = try floatOutputs(run(pass, on: graph, target: target).graph, seed: seed)
        #expect(relativeError(expected, found) < 1e-4, "seed \(seed), pass \(pass), target \(target.name)")
      }
    }
  }

  @Test(arguments: seeds) func simplifyingTwiceChangesNothingMore(seed: UInt64) throws {
    for pass in floatPasses {
      let once = try run(pass, on: RandomFloatGraph(seed: seed).graph).graph
      let twice = try run(pass, on: once).graph
      #expect(once.text() == twice.text(), "seed \(seed), pass \(pass)")
    }
  }

  @Test(arguments: seeds) func loweringKeepsEveryBit(seed: UInt64) throws {
    for target in targets {
      for quantize in ["quantize", "quantize{scheme=asymmetric}", "quantize{scheme=symmetric weights=per-channel}"] {
        let outcome = try outcome(seed: seed, target: target, quantize: quantize)
        let isEqual = outcome.quantizedOutputs == outcome.loweredOutputs
        #expect(isEqual, "seed \(seed), target \(target.name), \(quantize)")
      }
    }
  }

  @Test(arguments: seeds) func quantizedGraphsComeNearTheFloatOnes(seed: UInt64) throws {
    for target in targets {
      let outcome = try outcome(seed: seed, target: target, quantize: "quantize")
      for (expected, found) in zip(outcome.reference, outcome.quantizedOutputs) {
        let noise = zip(expected, found.floats).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
        let signal = expected.map { $0 * $0 }.reduce(0, +)
        // Nine operations of int8 in a row keep well above this; a wrong scale or zero point does not.
        #expect(noise <= 0.25 * signal + 1e-3, "seed \(seed), target \(target.name): \(noise) of \(signal)")
      }
    }
  }

  @Test(arguments: seeds) func whatIsLoweredObeysTheTarget(seed: UInt64) throws {
    for target in targets {
      let lowered = try outcome(seed: seed, target: target, quantize: "quantize{scheme=asymmetric}").lowered
      for operation in lowered.operations {
        if case .constant = operation.op { continue }
        if operation.op.mnemonic.hasPrefix("npu.") {
          #expect(operation.hostReason == nil)
          checkStore(operation.op, target, seed)
        } else {
          let reason = operation.hostReason?.split(separator: ":").first.flatMap { HostReason(rawValue: String($0)) }
          let listed = TargetSupport.support(of: operation.op, on: target).exceptions
          let isListed = reason.map(listed.contains) == true
          #expect(isListed, "seed \(seed), \(target.name): \(operation.op.mnemonic), \(reason as Any)")
        }
      }
    }
  }

  /// The rules of docs/isa.md, written down once more.
  private func checkStore(_ op: Operator, _ target: Target, _ seed: UInt64) {
    if let stage = (op.payload as? any OutputStageOperator)?.output, !target.hasOutputStage {
      #expect(stage.scales.count == 1 && stage.zeroPoint == 0 && stage.high == 127, "seed \(seed)")
      #expect(stage.low == -128 || stage.low == 0, "seed \(seed)")
    }
    var windows: [(window: [Int], strides: [Int], padding: [Int])] = []
    if case .npu(.maxPool2d(let pool)) = op { windows.append((pool.window, pool.strides, pool.padding)) }
    if case .npu(.conv2d(let convolution)) = op, let pool = convolution.pooling {
      windows.append((pool.window, pool.strides, pool.padding))
    }
    for (window, strides, padding) in windows {
      #expect(window[0] == window[1] && strides[0] == strides[1], "seed \(seed)")
      #expect(window[0] <= 3 && strides[0] <= 3 && padding.allSatisfy { $0 <= 3 }, "seed \(seed)")
      #expect(window[0] * window[1] <= target.accumulatorRows, "seed \(seed)")
    }
  }
}
