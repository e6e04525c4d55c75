import SpadixSupport

/// Tensors from the seeded generator: the same numbers on every machine, one generator step for each element.
public enum RandomTensor {
  /// `low + u * (high - low)` in Float32, with u in 0 ..< 1.
  public static func uniform(count: Int, seed: UInt64, low: Float, high: Float) -> [Float] {
    var generator = SplitMix64(seed: seed)
    let width = high - low
    return fill(count) { low + generator.nextUnit() * width }
  }

  /// The Laplace distribution with mean 0, clipped to 8 scales on either side.
  ///
  /// With u in 0 ..< 1 from the generator and v = 2u - 1, the element is `-sign(v) * scale * ln(1 - |v|)`.
  public static func laplace(count: Int, seed: UInt64, scale: Float) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return fill(count) {
      let v = 2 * generator.nextUnit() - 1
      let magnitude = min(-Float(logarithm(Double(1 - v.magnitude))), 8) * scale
      return Float(signOf: v, magnitudeOf: magnitude)
    }
  }

  /// Integers of low ... high, each equally likely but for a bias below 2^-31.
  public static func integers(count: Int, seed: UInt64, low: Int32, high: Int32) -> [Int32] {
    var generator = SplitMix64(seed: seed)
    let width = UInt64(Int64(high) - Int64(low) + 1)
    return fill(count) {
      Int32(truncatingIfNeeded: Int64(low) + Int64(generator.next().multipliedFullWidth(by: width).high))
    }
  }

  private static func fill<Element>(_ count: Int, _ next: () -> Element) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count { buffer.initializeElement(at: index, to: next()) }
      initialized = count
    }
  }

  /// The natural logarithm of a positive normal number, from additions, multiplications and one division only, so that
  /// it does not depend on the C library: x = 2^e * m with m in 0.7 ... 1.42, ln m = 2 atanh((m - 1) / (m + 1)).
  @inline(__always)
  static func logarithm(_ x: Double) -> Double {
    // Counted from the bits of sqrt(1/2), the exponent's field changes where the mantissa reaches sqrt(2): no branch.
    let exponent = Int64(bitPattern: x.bitPattern &- 0x3FE6_A09E_667F_3BCD) >> 52
    let mantissa = Double(bitPattern: x.bitPattern &- UInt64(bitPattern: exponent << 52))
    let s = (mantissa - 1) / (mantissa + 1)
    let t = s * s
    // 2 atanh(s) = 2s (1 + t/3 + t^2/5 + ...); t <= 0.0295, so that eight terms leave an error below 2e-14.
    var sum = 1.0 / 15
    sum = sum * t + 1.0 / 13
    sum = sum * t + 1.0 / 11
    sum = sum * t + 1.0 / 9
    sum = sum * t + 1.0 / 7
    sum = sum * t + 1.0 / 5
    sum = sum * t + 1.0 / 3
    sum = sum * t + 1
    return Double(exponent) * 0.6931471805599453 + 2 * s * sum
  }
}

extension SplitMix64 {
  /// One of 2^24 equally spaced numbers in 0 ..< 1: the upper 24 bits.
  @inline(__always)
  mutating func nextUnit() -> Float { Float(next() >> 40) * 0x1p-24 }
}
