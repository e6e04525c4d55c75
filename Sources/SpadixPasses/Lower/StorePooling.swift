import SpadixIR
import SpadixISA

extension Target {
  /// Whether a convolution gains from pooling in its store: not where windows overlap and the accumulator is so small that
  /// the image must be cut into columns, because then the overlaps are computed twice.
  func isStorePoolingProfitable(_ pooling: FusedPooling, width: Int) -> Bool {
    pooling.strides[1] >= pooling.window[1] || pooling.window[0] * width <= accumulatorRows
  }
}

/// A max pooling as several smaller ones in a row, without padding: the maximum of maxima.
struct PoolingChain: Sendable {
  struct Stage: Equatable, Sendable {
    var window: Int
    var stride: Int
  }

  private(set) var stages: [Stage]

  /// More stages move the image more often than the host would.
  private static let longest = 8

  /// Stages of window and stride at most 3 that together are a square window and stride; nil where there are none.
  ///
  /// Stages (w, s) then (v, t) have the window w + (v - 1) s and the stride s t; rounding down commutes with it.
  init?(window: Int, stride: Int) {
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
