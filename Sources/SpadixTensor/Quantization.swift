/// How int8 values stand for real ones: `real = (q - zeroPoint) * scale`, per tensor or per index of one axis.
public struct Quantization: Hashable, Sendable {
  /// The axis whose every index has its own scale and zero point; nil when the whole tensor shares one.
  public var axis: Int?
  /// One scale when `axis` is nil, otherwise one per index of the axis. Finite and positive.
  public var scales: [Float]
  /// As many as scales, each in -128...127.
  public var zeroPoints: [Int32]

  /// Per-tensor quantization.
  public init(scale: Float, zeroPoint: Int32 = 0) {
    self.axis = nil
    self.scales = [scale]
    self.zeroPoints = [zeroPoint]
  }

  /// Per-axis quantization; `zeroPoints` are all zero when not given.
  public init(axis: Int, scales: [Float], zeroPoints: [Int32]? = nil) {
    self.axis = axis
    self.scales = scales
    self.zeroPoints = zeroPoints ?? [Int32](repeating: 0, count: scales.count)
  }

  /// Whether one scale and one zero point serve all elements.
  public var isPerTensor: Bool { axis == nil }

  /// The scale of a per-tensor quantization, or of index 0 of the axis.
  public var scale: Float { scales[0] }

  /// The zero point of a per-tensor quantization, or of index 0 of the axis.
  public var zeroPoint: Int32 { zeroPoints[0] }

  /// The scale of an index of the axis; the one scale of a per-tensor quantization for every index.
  public func scale(at index: Int) -> Float { scales.count == 1 ? scales[0] : scales[index] }

  /// The zero point of an index of the axis; that of a per-tensor quantization for every index.
  func zeroPoint(at index: Int) -> Int32 { zeroPoints.count == 1 ? zeroPoints[0] : zeroPoints[index] }
}
