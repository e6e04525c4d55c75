import SpadixIR
import SpadixISA

extension Target {
  /// Why the target's store cannot do what an output stage says, or nil.
  func outputStageProblem(_ stage: OutputStage) -> HostReason? {
    if hasOutputStage { return nil }
    if stage.zeroPoint != 0 { return .outputZeroPoint }
    if stage.scales.count > 1 { return .perChannelScale }
    return stage.high == 127 && (stage.low == -128 || stage.low == 0) ? nil : .clamp
  }
}

/// Where the operators run on a target, for people: the table of `spadix ops --target`.
public enum TargetSupport {
  public enum Place: String, Sendable {
    /// Multiplied, added or pooled by the accelerator.
    case array
    /// Moved by the accelerator, in int8.
    case move
    case host
  }

  /// Where an nn operator runs, and the rules that keep some of its uses on the host.
  public static func support(of op: Operator, on target: Target) -> (place: Place, exceptions: [HostReason]) {
    let store: [HostReason] = target.hasOutputStage ? [] : [.outputZeroPoint, .perChannelScale, .clamp]
    let plainStore: [HostReason] = target.hasOutputStage ? [] : [.outputZeroPoint, .clamp]
    let pooling: [HostReason] = target.accumulatorRows < 9 ? [.poolingWindow, .accumulator] : [.poolingWindow]
    switch op {
    case .conv2d: return (.array, [.floatingPoint, .computedWeights] + store + pooling)
    case .matmul: return (.array, [.floatingPoint, .computedWeights, .operandZeroPoint] + store)
    case .mul: return (.array, [.floatingPoint, .computedFactor] + store)
    case .add, .relu, .clamp, .requantize, .globalAvgPool2d: return (.array, [.floatingPoint] + plainStore)
    case .avgPool2d: return (.array, [.floatingPoint, .averagePadding] + plainStore)
    case .maxPool2d: return (.array, [.floatingPoint] + pooling)
    case .concat, .reshape, .pad: return (.move, [.floatingPoint])
    case .transpose: return (.move, [.floatingPoint, .permutation])
    case .softmax: return (.host, [.floatingPoint, .softmax])
    case .quantize, .dequantize: return (.host, [.conversion])
    case .batchNorm: return (.host, [.floatingPoint])
    case .constant: return (.move, [])
    case .npuConv2d, .npuMatmul, .npuAdd, .npuMul, .npuMaxPool2d, .npuAvgPool2d, .npuRequantize: return (.array, [])
    case .npuConcat, .npuPad, .npuReshape, .npuTranspose: return (.move, [])
    }
  }
}
