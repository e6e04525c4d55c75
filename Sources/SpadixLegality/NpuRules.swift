import SpadixIR
import SpadixISA
import SpadixTensor

/// A rule that an npu operation breaks on a target.
struct BrokenRule {
  /// The last part of the diagnostic's id.
  var id: String
  /// What the operation asks for.
  var found: String
  /// The rule.
  var text: String
  /// The key of a target file that would allow it; nil for a rule of the array on every target.
  var capability: String?
  /// The way out where no target helps.
  var help: String?

  init(_ reason: HostReason, found: String, capability: String? = "output_stage", help: String? = nil) {
    self.init(reason.rawValue, found: found, reason.text, capability: capability, help: help)
  }

  init(_ id: String, found: String, _ text: String, capability: String? = nil, help: String? = nil) {
    self.id = id
    self.found = found
    self.text = text
    self.capability = capability
    self.help = help
  }
}

/// What the code generator takes for granted in each npu operator beyond what the graph's own verifier checks.
///
/// Shapes, types, ranges of attributes, and constants where there must be some are rules of the operators; see `SpadixIR`.
/// Whatever is not listed here runs on every legal target, bit for bit as the integer reference computes it.
struct NpuRules {
  let graph: Graph
  let target: Target
  private let isNotNegative: NonNegativeValues

  init(graph: Graph, target: Target) {
    self.graph = graph
    self.target = target
    isNotNegative = NonNegativeValues(graph)
  }

  /// The rules that an operation breaks; empty for operators that are not npu operators, which the host evaluates.
  func broken(by operation: Operation) -> [BrokenRule] {
    switch operation.op {
    case .npu(.conv2d(let conv)):
      guard let pooling = conv.pooling else { return stage(conv.output) }
      return stage(conv.output) + self.pooling(pooling, prefix: "pool_", isNotNegative: conv.output.least >= 0)
    case .npu(.matmul(let product)): return stage(product.output) + operands(of: product, operation)
    case .npu(.add(let add)): return stage(add.output)
    case .npu(.mul(let mul)): return stage(mul.output)
    case .npu(.binary(let binary)):
      if !target.hasOutputPair {
        return [
          BrokenRule(.outputPair, found: "function = \(binary.pair.function.rawValue)", capability: "output_pair")
        ]
      }
      return stage(binary.output)
    case .npu(.avgPool2d(let pool)): return stage(pool.output)
    case .npu(.requantize(let requantize)): return stage(requantize.output)
    case .npu(.maxPool2d(let pool)):
      return pooling(
        FusedPooling(window: pool.window, strides: pool.strides, padding: pool.padding), prefix: "",
        isNotNegative: isNotNegative[operation.operands[0]])
    case .npu(.concat), .npu(.pad), .npu(.reshape), .npu(.transpose): return []
    case .constant, .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat,
      .reshape, .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function:
      return []
    }
  }

  private func stage(_ stage: OutputStage) -> [BrokenRule] {
    guard let reason = target.outputStageProblem(stage) else { return [] }
    if reason == .outputTable { return [BrokenRule(reason, found: "a table", capability: "output_table")] }
    // The target has no output stage: everything that it lacks for this operation is said at once.
    var broken: [BrokenRule] = []
    if stage.zeroPoint != 0 {
      broken.append(BrokenRule(.outputZeroPoint, found: "output_zero_point = \(stage.zeroPoint)"))
    }
    if stage.scales.count > 1 { broken.append(BrokenRule(.perChannelScale, found: "\(stage.scales.count) scales")) }
    if stage.high != 127 || (stage.low != -128 && stage.low != 0) {
      broken.append(BrokenRule(.clamp, found: "clamp = [\(stage.low), \(stage.high)]"))
    }
    return broken.isEmpty ? [BrokenRule(reason, found: "its output stage")] : broken
  }

  private func pooling(_ pooling: FusedPooling, prefix: String, isNotNegative: Bool) -> [BrokenRule] {
    var broken: [BrokenRule] = []
    if let reason = target.storePoolingProblem(window: pooling.window, strides: pooling.strides) {
      let found = "\(prefix)window = \(pooling.window), \(prefix)strides = \(pooling.strides)"
      switch reason {
      case .accumulator: broken.append(BrokenRule(reason, found: found, capability: "accumulator.rows"))
      default:
        broken.append(
          BrokenRule(
            reason, found: found, capability: nil,
            help: "square windows and equal strides of at most 3; compiling the quantized graph makes chains of them"))
      }
    }
    if !target.storePads(pooling.padding, isNotNegative: isNotNegative) {
      broken.append(
        BrokenRule(
          "pooling-padding", found: "\(prefix)padding = \(pooling.padding)",
          "the target's store pools with zeros outside the image, and the pooled elements may be negative",
          capability: "output_stage"))
    }
    return broken
  }

  private func operands(of product: NpuMatMul, _ operation: Operation) -> [BrokenRule] {
    var broken: [BrokenRule] = []
    if product.transposeA {
      broken.append(
        BrokenRule(
          "transposed-operand", found: "transpose_a", "the array reads its first operand only as it lies",
          help: "put npu.transpose before it"))
    }
    if product.inputZeroPoint != 0, !product.hasOneConstantMatrix(operation, in: graph) {
      broken.append(
        BrokenRule(
          .operandZeroPoint, found: "input_zero_point = \(product.inputZeroPoint) with a computed operand b",
          capability: nil, help: "symmetric types for the operands of the product, before it is lowered"))
    }
    return broken
  }
}

extension NpuMatMul {
  /// Whether operand b is one constant matrix, the same for all of a: then a zero point of a goes into the bias.
  func hasOneConstantMatrix(_ operation: Operation, in graph: Graph) -> Bool {
    graph.isConstant(operation.operands[1]) && graph.type(of: operation.operands[1]).isMatrix
  }
}
