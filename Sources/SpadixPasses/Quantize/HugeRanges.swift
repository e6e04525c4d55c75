import SpadixIR
import SpadixSupport
import SpadixTensor

/// Values that no int8 type serves, and what makes and reads them: all of it stays in f32.
///
/// Attention adds a huge negative number to what may not be seen, and takes a softmax: in int8 the levels would all go to
/// the mask, and everything else would become one number. And sums of squares may grow beyond every type.
enum HugeRanges {
  /// From here on a range that is negative on one side only is one of a mask.
  private static let threshold: Float = 1000
  /// What is so many times smaller than a range is less than half a step of its type.
  private static let levels: Float = 512

  /// Takes the int8 form from operations, and says so.
  ///
  /// - Parameter isMeasured: whether ranges are of samples; those that somebody wrote are refused where they are too large.
  static func keepReal(
    _ forms: inout [Int8Form?], _ ranges: [ValueRange?], isMeasured: Bool, _ graph: Graph
  ) -> [Diagnostic] {
    var isMasked = [Bool](repeating: false, count: graph.values.count)
    var remarks: [Diagnostic] = []
    for (index, operation) in graph.operations.enumerated() {
      guard let form = forms[index] else { continue }
      let activations = form.operands(.activation, of: operation)
      let readsMasked = activations.contains { isMasked[$0.index] }
      let makesMasked = isMask(ranges[operation.result.index]) && joins(operation, activations, ranges)
      let isBeyond = isMeasured && (activations + [operation.result]).contains { isHuge(ranges[$0.index]) }
      guard readsMasked || makesMasked || isBeyond else { continue }
      forms[index] = nil
      if makesMasked || readsMasked && form.keepsType { isMasked[operation.result.index] = true }
      if readsMasked { continue }
      let reason =
        makesMasked
        ? "is masked by numbers of a size that leaves int8 no levels for others"
        : "or what it is made of is larger than \(QuantizationScheme.largestMagnitude)"
      remarks.append(
        Diagnostic(
          makesMasked ? "quantize.mask" : "quantize.huge",
          "\(graph.describe(operation.result)) \(reason): it stays in f32", at: operation.range, severity: .remark))
    }
    return remarks
  }

  private static func isHuge(_ range: ValueRange?) -> Bool {
    range.map { max(-$0.low, $0.high) > QuantizationScheme.largestMagnitude } ?? false
  }

  private static func isMask(_ range: ValueRange?) -> Bool {
    guard let range else { return false }
    return range.low <= -threshold && range.high <= -range.low / levels
  }

  /// Whether an operation brings a mask and smaller numbers together.
  private static func joins(_ operation: Operation, _ activations: [ValueID], _ ranges: [ValueRange?]) -> Bool {
    guard let low = ranges[operation.result.index]?.low else { return false }
    switch operation.op {
    case .add: break
    case .function(let function) where function.definition is Binary || function.definition is Select: break
    default: return false
    }
    return activations.contains { operand in
      ranges[operand.index].map { max(-$0.low, $0.high) < -low / levels } ?? false
    }
  }
}
