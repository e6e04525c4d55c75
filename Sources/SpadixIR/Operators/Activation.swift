import SpadixTensor

/// A function applied to a result before it is stored.
public enum Activation: Hashable, Sendable {
  case none
  case relu
  case clamp(low: Float, high: Float)

  /// The real interval that results are confined to.
  public var bounds: (low: Float, high: Float) {
    switch self {
    case .none: (-.infinity, .infinity)
    case .relu: (0, .infinity)
    case .clamp(let low, let high): (low, high)
    }
  }

  /// For real numbers; a NaN stays one.
  public func callAsFunction(_ value: Float) -> Float {
    switch self {
    case .none: value
    case .relu: max(value, 0)
    case .clamp(let low, let high): min(max(value, low), high)
    }
  }

  /// The int8 interval that results are confined to, in a per-tensor quantized type.
  public func clampBounds(_ quantization: Quantization) -> (low: Int32, high: Int32) {
    QuantizedArithmetic.clampBounds(
      low: bounds.low, high: bounds.high, scale: quantization.scale, zeroPoint: quantization.zeroPoint)
  }
}

extension AttributeField {
  /// The attributes `activation`, `low` and `high` that together hold a fused activation.
  static func activation(_ property: Property<Payload, Activation>) -> [Self] {
    let needsClamp = "activation = clamp"
    return [
      Self(
        "activation", kind: "none, relu or clamp", summary: "applied to the result before it is rounded and stored",
        get: {
          switch $0[keyPath: property] {
          case .none: .keyword("none")
          case .relu: .keyword("relu")
          case .clamp: .keyword("clamp")
          }
        },
        set: { payload, value in
          switch value {
          case .keyword("none"): payload[keyPath: property] = .none
          case .keyword("relu"): payload[keyPath: property] = .relu
          case .keyword("clamp"): payload[keyPath: property] = .clamp(low: -.infinity, high: .infinity)
          case .keyword, .integer, .real, .boolean, .string, .symbol, .list: return .wrongKind
          }
          return .set
        }),
      Self(
        "low", kind: "a number", summary: "lower bound of `activation = clamp`",
        get: {
          if case .clamp(let low, _) = $0[keyPath: property] { .real(low) } else { nil }
        },
        set: { payload, value in
          guard let low = value.realValue else { return .wrongKind }
          guard case .clamp(_, let high) = payload[keyPath: property] else { return .needs(needsClamp) }
          payload[keyPath: property] = .clamp(low: low, high: high)
          return .set
        }),
      Self(
        "high", kind: "a number", summary: "upper bound of `activation = clamp`",
        get: {
          if case .clamp(_, let high) = $0[keyPath: property] { .real(high) } else { nil }
        },
        set: { payload, value in
          guard let high = value.realValue else { return .wrongKind }
          guard case .clamp(let low, _) = payload[keyPath: property] else { return .needs(needsClamp) }
          payload[keyPath: property] = .clamp(low: low, high: high)
          return .set
        }),
    ]
  }
}

extension OperatorCheck {
  mutating func activation(_ activation: Activation) {
    let bounds = activation.bounds
    interval(low: bounds.low, high: bounds.high)
  }
}
