import SpadixIR
import SpadixTensor
import Testing

@testable import SpadixPasses

/// All that a store without a clamp does to an integer: it rounds, saturates and cuts below 0.
private func stored(_ real: Double, _ activation: Activation, in type: Quantization) -> Int {
  let (low, high) = activation.clampBounds(type)
  #expect(high == 127 && (low == -128 || low == 0))
  return Int(min(max((real / Double(type.scale)).rounded(.toNearestOrEven) + Double(type.zeroPoint), Double(low)), 127))
}

@Suite struct ConfinementTests {
  private static let bounds: [Float] = [0, 0.01, 0.5, 0.99, 1, 1.01, 2, 6, 100]

  private static let ranges = [
    ValueRange(low: -4, high: 4), ValueRange(low: -1, high: 4), ValueRange(low: -4, high: 1),
    ValueRange(low: -0.1, high: 0.1), ValueRange(low: 0, high: 3),
  ]

  /// For bounds of all kinds and ranges within them, what comes out is the clamp within half a step for each type on the
  /// way, for every real number from far below to far above.
  @Test func everyRealNumberIsConfined() throws {
    var activations: [Activation] = [.relu]
    for low in Self.bounds {
      activations += [
        .clamp(low: low, high: .infinity), .clamp(low: -low, high: .infinity), .clamp(low: -.infinity, high: low),
      ]
      for high in Self.bounds {
        activations += [.clamp(low: -low, high: high)]
        if low <= high { activations.append(.clamp(low: low, high: high)) }
      }
    }
    for activation in activations {
      let (low, high) = activation.bounds
      for wide in Self.ranges {
        let range = ValueRange(low: min(max(wide.low, low), high), high: min(max(wide.high, low), high))
        for scale: Float in [QuantizationScheme.quantization(for: range, symmetric: true).scale, Float(9) / 127] {
          if range.high > 127.5 * scale || range.low < -128.5 * scale { continue }
          let wanted = Quantization(scale: scale)
          let confinement = Confinement(activation, wanted: wanted, range: range, hasClamp: false)
          #expect(confinement.isExact, "\(activation), \(range), \(scale)")
          check(confinement, activation, range)
        }
      }
    }
  }

  private func check(_ confinement: Confinement, _ activation: Activation, _ range: ValueRange) {
    for index in -300...300 {
      let real = Double(index) / 50
      var type = confinement.computed
      var value = stored(real, confinement.activation, in: type)
      var allowed = Double(type.scale) / 2
      for rescaling in confinement.rescalings {
        let real = Double(value - Int(type.zeroPoint)) * Double(type.scale)
        let last = stored(real, rescaling.activation, in: rescaling.type)
        if rescaling.type.scale != type.scale { allowed += Double(rescaling.type.scale) / 2 }
        (value, type) = (last, rescaling.type)
      }
      let found = Double(value - Int(type.zeroPoint)) * Double(type.scale)
      let (low, high) = activation.bounds
      let exact = min(max(real, Double(low)), Double(high))
      let end = min(max(exact, Double(range.low)), Double(range.high))
      let nearest = min(max(found, min(exact, end)), max(exact, end))
      #expect(
        abs(found - nearest) <= allowed * 1.001, "\(activation), \(range): \(real) becomes \(found), \(confinement)")
    }
  }

  @Test func targetsWithAClampAndZeroPointsAreLeftAlone() {
    let activation = Activation.clamp(low: -1, high: 2)
    let range = ValueRange(low: -1, high: 2)
    let wanted = Quantization(scale: 2 / 127)
    #expect(Confinement(activation, wanted: wanted, range: range, hasClamp: true).rescalings.isEmpty)
    let other = Quantization(scale: 2 / 127, zeroPoint: 3)
    #expect(Confinement(activation, wanted: other, range: range, hasClamp: false).rescalings.isEmpty)
  }

  @Test func boundsBeyondTheRangeCostNothing() {
    let range = ValueRange(low: -0.5, high: 0.5)
    let wanted = Quantization(scale: 0.5 / 127)
    let confinement = Confinement(.clamp(low: -1, high: 2), wanted: wanted, range: range, hasClamp: false)
    #expect(confinement.rescalings.isEmpty && confinement.computed == wanted)
  }
}
