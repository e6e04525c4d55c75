import SpadixIR
import SpadixISA

extension Target {
  /// Why the store cannot pool with this window, or nil (gemmini-isa.md section 4; fields of `config_st`).
  func storePoolingProblem(window: [Int], strides: [Int]) -> HostReason? {
    guard window[0] == window[1], strides[0] == strides[1], (1...3).contains(window[0]), (1...3).contains(strides[0])
    else { return .poolingWindow }
    // The store reads the elements under a window from the accumulator, one pixel a row.
    return window[0] * window[1] > accumulatorRows ? .accumulator : nil
  }

  /// Whether the store pools as if elements outside the image did not exist.
  ///
  /// With an output stage they count as the lower clamp bound, which no element is below; without one they count as 0.
  /// - Parameter isNotNegative: whether every int8 element that is pooled is known to be at least 0.
  func storePads(_ padding: [Int], isNotNegative: Bool) -> Bool {
    padding == [0, 0, 0, 0] || hasOutputStage || isNotNegative
  }

  /// Whether a convolution gains from pooling in its store: not where windows overlap and the accumulator is so small that
  /// the image must be cut into columns, because then the overlaps are computed twice.
  func isStorePoolingProfitable(_ pooling: FusedPooling, width: Int) -> Bool {
    pooling.strides[1] >= pooling.window[1] || pooling.window[0] * width <= accumulatorRows
  }
}

/// A max pooling as several smaller ones in a row, without padding: the maximum of maxima.
public struct PoolingChain: Sendable {
  public struct Stage: Equatable, Sendable {
    public var window: Int
    public var stride: Int
  }

  public private(set) var stages: [Stage]

  /// More stages move the image more often than the host would.
  private static let longest = 8

  /// Stages of window and stride at most 3 that together are a square window and stride; nil where there are none.
  ///
  /// Stages (w, s) then (v, t) have the window w + (v - 1) s and the stride s t; rounding down commutes with it.
  public init?(window: Int, stride: Int) {
    stages = []
    guard window >= 1, stride >= 1, Self.append(window, stride, to: &stages),
      stages.count <= Self.longest
    else { return nil }
  }

  private static func append(_ window: Int, _ stride: Int, to stages: inout [Stage]) -> Bool {
    if stride <= 3 {
      var rest = window
      while rest > 3 {
        if stages.count == longest { return false }
        stages.append(Stage(window: 3, stride: 1))
        rest -= 2
      }
      stages.append(Stage(window: rest, stride: stride))
      return true
    }
    guard let last = [2, 3].first(where: { stride % $0 == 0 }) else { return false }
    let before = stride / last
    // What is left for the stages before must cover their stride, or elements between would be passed over.
    let lastWindow = min(3, max(1, window / before))
    guard append(window - (lastWindow - 1) * before, before, to: &stages) else { return false }
    stages.append(Stage(window: lastWindow, stride: last))
    return true
  }
}
