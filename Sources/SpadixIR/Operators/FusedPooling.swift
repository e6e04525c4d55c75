/// Max pooling done while a convolution's result is stored, after activation and rounding.
public struct FusedPooling: Hashable, Sendable {
  /// [height, width]
  public var window: [Int]
  /// [vertical, horizontal]
  public var strides: [Int]
  /// [top, left, bottom, right]; elements outside the image do not take part.
  public var padding: [Int]

  public init(window: [Int], strides: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0]) {
    self.window = window
    self.strides = strides
    self.padding = padding
  }

  /// Window, strides and padding together.
  public var window2D: Window2D { Window2D(size: window, strides: strides, padding: padding) }
}

extension AttributeField {
  /// The attributes `pool_window`, `pool_strides` and `pool_padding` that together hold a fused pooling.
  static func fusedPooling(_ property: Property<Payload, FusedPooling?>) -> [Self] {
    [
      Self(
        "pool_window", kind: "a list of 2 integers", summary: "max pooling of the result: window [height, width]",
        get: { $0[keyPath: property].map { .list($0.window.map { .integer($0) }) } },
        set: { payload, value in
          guard let window: [Int] = value.integerValues(count: 2) else { return .wrongKind }
          payload[keyPath: property] = FusedPooling(window: window)
          return .set
        }),
      part("pool_strides", property, \.strides, count: 2, "strides of the pooling"),
      part("pool_padding", property, \.padding, count: 4, "padding of the pooling: [top, left, bottom, right]"),
    ]
  }

  private static func part(
    _ name: String, _ property: Property<Payload, FusedPooling?>, _ member: Property<FusedPooling, [Int]>, count: Int,
    _ summary: String
  ) -> Self {
    Self(
      name, kind: "a list of \(count) integers", summary: summary,
      get: { payload in
        guard let pooling = payload[keyPath: property] else { return nil }
        let values = pooling[keyPath: member]
        return values == FusedPooling(window: [])[keyPath: member] ? nil : .list(values.map { .integer($0) })
      },
      set: { payload, value in
        guard let values: [Int] = value.integerValues(count: count) else { return .wrongKind }
        guard payload[keyPath: property] != nil else { return .needs("pool_window") }
        payload[keyPath: property]?[keyPath: member] = values
        return .set
      })
  }
}

extension OperatorCheck {
  /// The spatial size after an optional pooling.
  mutating func pooled(_ pooling: FusedPooling?, size: [Int]) -> [Int]? {
    guard let window = pooling?.window2D else { return size }
    guard self.pooling(window, rulePrefix: "pool_") else { return nil }
    return windowed(window, over: size, rulePrefix: "pool_")
  }
}
