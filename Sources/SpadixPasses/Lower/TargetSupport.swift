import SpadixIR
import SpadixISA
import SpadixLegality

/// Where the operators run on a target, for people: the table of `spadix ops --target`.
public enum TargetSupport {
  /// Where an operator runs in int8.
  public enum Place: String, Sendable {
    /// Multiplied, added or pooled by the accelerator.
    case array
    /// Moved by the accelerator, in int8.
    case move
    /// Nowhere: `fold-constants` and `canonicalize` put it into weights, or make a convolution of it.
    case folded
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
    case .function(let function):
      if function.definition is Unary {
        return target.hasOutputTable ? (.array, [.floatingPoint]) : (.host, [.floatingPoint, .outputTable])
      }
      if function.definition is Binary {
        return target.hasOutputPair
          ? (.array, [.floatingPoint, .function, .broadcast]) : (.host, [.floatingPoint, .function, .outputPair])
      }
      return (.host, [.floatingPoint, .function])
    case .quantize, .dequantize: return (.host, [.conversion])
    case .batchNorm: return (.folded, [.floatingPoint])
    case .constant: return (.move, [])
    case .npu(.concat), .npu(.pad), .npu(.reshape), .npu(.transpose): return (.move, [])
    case .npu: return (.array, [])
    }
  }
}

extension TargetSupport {
  /// The supported operators of a target, as `spadix ops --target` prints them: where each runs, and which rules keep
  /// some of its uses on the host.
  public static func text(_ target: Target) -> String {
    let kinds = Operator.kinds.filter { $0.mnemonic.hasPrefix("nn.") }
    let width = kinds.map(\.mnemonic.count).max() ?? 0
    var mentioned: [HostReason] = []
    var text = "Operators on \(target.name): where they run, and what keeps some of their uses on the host.\n\n"
    for kind in kinds {
      let (place, exceptions) = support(of: kind.standard, on: target)
      let name = kind.mnemonic.padded(to: width)
      text += "  \(name)  \(place.rawValue.padded(to: 6))  \(exceptions.map(\.rawValue).joined(separator: ", "))\n"
      mentioned += exceptions
    }
    text += "\nReasons:\n"
    let reasons = HostReason.allCases.filter { mentioned.contains($0) }
    let reasonWidth = reasons.map(\.rawValue.count).max() ?? 0
    for reason in reasons {
      text += "  \(reason.rawValue.padded(to: reasonWidth))  \(reason.text)\n"
      if let help = reason.help { text += "  \(String(repeating: " ", count: reasonWidth))  way out: \(help)\n" }
    }
    return text
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
