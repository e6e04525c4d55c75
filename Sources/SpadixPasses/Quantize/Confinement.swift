import SpadixIR
import SpadixTensor

/// How a store without a clamp confines results to an activation's bounds: by saturation at -128 and 127, by its relu, and
/// where both do not suffice, by rescalings afterwards that move one bound to where int8 saturates, and back.
///
/// `[-1, 2]` for instance has no symmetric type that saturates at both. With the scale 2/127 the upper bound is 127 and
/// the lower one -64; subtracting 64 saturates what lies below -64 at -128, and adding 64 brings the rest back.
struct Confinement {
  /// The type in which the operation stores, and what is left of the activation there.
  var computed: Quantization
  var activation: Activation
  /// What follows the operation, the last with the type that readers want.
  var rescalings: [Rescaling] = []
  /// Whether the target does all of it; otherwise the last rescaling has an activation for the host.
  var isExact = true

  struct Rescaling: Equatable {
    var activation = Activation.none
    var type: Quantization
  }

  /// - Parameters:
  ///   - wanted: the type that the readers of the result want.
  ///   - range: what the result has to reach. Beyond it, saturation is welcome.
  ///   - hasClamp: whether the target's store can confine results to any int8 interval.
  init(_ activation: Activation, wanted: Quantization, range: ValueRange, hasClamp: Bool) {
    self.init(computed: wanted, activation: activation)
    // A zero point is beyond a store without an output stage in any case.
    if hasClamp || wanted.zeroPoint != 0 || activation.isSaturation(in: wanted) { return }
    if let scale = Self.scales(for: activation, covering: range)?.preferred(by: activation) {
      computed = Quantization(scale: scale)
      rescalings = [Rescaling(type: wanted)]
    } else if !shift(range) {
      isExact = false
      self.activation = .none
      rescalings = [Rescaling(activation: activation, type: wanted)]
    }
  }

  private init(computed: Quantization, activation: Activation) {
    self.computed = computed
    self.activation = activation
  }

  /// Lets one bound saturate and shifts the other to where int8 does; false where no zero point reaches that far.
  private mutating func shift(_ range: ValueRange) -> Bool {
    let wanted = computed
    let (low, high) = activation.bounds
    // One side of the range decides the scale, and the bound on that side is where int8 ends.
    let upper = Activation(low: low >= 0 ? 0 : -.infinity, high: high)
    let isShiftedUp = Self.scales(for: upper, covering: range) == nil
    let direct = isShiftedUp ? Activation(low: low, high: .infinity) : upper
    guard let scales = Self.scales(for: direct, covering: range) else { return false }
    let scale = scales.contains(wanted.scale) ? wanted.scale : scales.preferred(by: direct)
    computed = Quantization(scale: scale)
    activation = direct
    let bounds = Activation(low: low, high: high).clampBounds(computed)
    if isShiftedUp {
      // The upper bound becomes 127.
      guard bounds.high >= 0 else { return false }
      rescalings = [Rescaling(type: Quantization(scale: scale, zeroPoint: 127 - bounds.high))]
    } else if low < 0 {
      rescalings = [Rescaling(type: Quantization(scale: scale, zeroPoint: -128 - bounds.low))]
    } else {
      // The lower bound becomes 0, where the relu of the store confines.
      rescalings = [
        Rescaling(
          activation: Activation(low: low, high: .infinity), type: Quantization(scale: scale, zeroPoint: -bounds.low))
      ]
    }
    rescalings.append(Rescaling(type: wanted))
    return true
  }

  /// The scales at which a symmetric type reaches a range to half a step, and saturates, or is cut by the relu of the
  /// store, within half a step of an activation's bounds; nil where there are none.
  static func scales(for activation: Activation, covering range: ValueRange) -> ScaleInterval? {
    let (low, high) = activation.bounds
    guard high > 0, low <= 0 else { return nil }
    // The ends are drawn in by less than what rounding in Float32 may do to a quotient.
    let smallest = max(max(range.high, 0) / 127.5, max(-range.low, 0) / 128.5, QuantizationScheme.smallestScale)
    var largest = Float.infinity
    if high.isFinite { largest = min(largest, high / 126.5) }
    if low < 0, low.isFinite { largest = min(largest, low / -127.5) }
    let interval = ScaleInterval(smallest: smallest * (1 - 2e-6), largest: largest * (1 - 1e-6))
    return interval.smallest <= interval.largest ? interval : nil
  }

  struct ScaleInterval: Equatable {
    var smallest: Float
    var largest: Float

    func contains(_ scale: Float) -> Bool { smallest <= scale && scale <= largest }

    /// The scale that makes a bound of the activation an integer, as far as that lies in the interval.
    func preferred(by activation: Activation) -> Float {
      let (low, high) = activation.bounds
      var scale = Float.infinity
      if high.isFinite { scale = min(scale, high / 127) }
      if low < 0, low.isFinite { scale = min(scale, low / -128) }
      return max(smallest, min(scale.isFinite ? scale : smallest, largest))
    }
  }
}

extension Activation {
  /// Whether a store without a clamp confines results of this type to the bounds.
  func isSaturation(in quantization: Quantization) -> Bool {
    let (low, high) = clampBounds(quantization)
    return quantization.zeroPoint == 0 && (low == -128 || low == 0) && high == 127
  }
}
