import SpadixIR
import SpadixISA

/// What the target's stores can do. Lowering asks before it gives an operation to the accelerator, and the verifier
/// asks of every npu operation, wherever it comes from.
extension Target {
  /// Why the store cannot do what an output stage says, or nil.
  public func outputStageProblem(_ stage: OutputStage) -> HostReason? {
    if stage.table != nil && !hasOutputTable { return .outputTable }
    if hasOutputStage { return nil }
    if stage.zeroPoint != 0 { return .outputZeroPoint }
    if stage.scales.count > 1 { return .perChannelScale }
    return stage.high == 127 && (stage.low == -128 || stage.low == 0) ? nil : .clamp
  }

  /// Why the store cannot pool with this window, or nil (fields of `config_st`, docs/isa.md).
  public func storePoolingProblem(window: [Int], strides: [Int]) -> HostReason? {
    guard window[0] == window[1], strides[0] == strides[1], (1...3).contains(window[0]), (1...3).contains(strides[0])
    else { return .poolingWindow }
    // The store reads the elements under a window from the accumulator, one pixel a row.
    return window[0] * window[1] > accumulatorRows ? .accumulator : nil
  }

  /// Whether the store pools as if elements outside the image did not exist.
  ///
  /// With an output stage they count as the lower clamp bound, which no element is below; without one they count as 0.
  /// - Parameter isNotNegative: whether every int8 element that is pooled is known to be at least 0.
  public func storePads(_ padding: [Int], isNotNegative: Bool) -> Bool {
    padding == [0, 0, 0, 0] || hasOutputStage || isNotNegative
  }
}
