/// The value of an attribute as written in the text.
public indirect enum AttributeValue: Hashable, Sendable {
  case integer(Int)
  case real(Float)
  case boolean(Bool)
  /// A bare word, such as `relu`.
  case keyword(String)
  case string(String)
  /// A reference to data, `@name`.
  case symbol(String)
  case list([AttributeValue])

  /// What the value is, for a message that expected something else.
  var kindDescription: String {
    switch self {
    case .integer(let value): "the integer \(value)"
    case .real(let value): "the number \(value)"
    case .boolean(let value): "\(value)"
    case .keyword(let word): "the word '\(word)'"
    case .string: "a string"
    case .symbol(let name): "the symbol @\(name)"
    case .list(let elements): "a list of \(elements.count)"
    }
  }

  /// Integers count as real numbers.
  var realValue: Float? {
    switch self {
    case .real(let value): value
    case .integer(let value): Float(value)
    case .boolean, .keyword, .string, .symbol, .list: nil
    }
  }

  func integerValue<Integer: FixedWidthInteger>() -> Integer? {
    guard case .integer(let value) = self, Int32(exactly: value) != nil else { return nil }
    return Integer(exactly: value)
  }

  func integerValues<Integer: FixedWidthInteger>(count: Int?) -> [Integer]? {
    guard case .list(let elements) = self, count == nil || elements.count == count else { return nil }
    var values: [Integer] = []
    values.reserveCapacity(elements.count)
    for element in elements {
      guard let value: Integer = element.integerValue() else { return nil }
      values.append(value)
    }
    return values
  }

  var realValues: [Float]? {
    guard case .list(let elements) = self else { return nil }
    var values: [Float] = []
    values.reserveCapacity(elements.count)
    for element in elements {
      guard let value = element.realValue else { return nil }
      values.append(value)
    }
    return values
  }
}
