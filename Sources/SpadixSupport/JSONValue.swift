/// A JSON value. Objects keep the order of their members, so that what is written is the same every time.
public indirect enum JSONValue: Sendable, Equatable {
  /// A key of an object with its value.
  public struct Member: Sendable, Equatable {
    /// The parser refuses an object that has it twice.
    public var key: String
    /// Of any kind.
    public var value: JSONValue

    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  case null
  case boolean(Bool)
  /// A number without fraction and exponent that Int can hold.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// The first member of this key; nil where the value is no object or has none.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// Of an object, in the order of the text; nil for other values.
  public var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// Of an array; nil for other values.
  public var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// Nil for other values.
  public var string: String? {
    if case .string(let string) = self { string } else { nil }
  }

  /// Nil for other values, and for numbers with a fraction or an exponent.
  public var integer: Int? {
    if case .integer(let integer) = self { integer } else { nil }
  }

  /// Nil for other values.
  public var boolean: Bool? {
    if case .boolean(let boolean) = self { boolean } else { nil }
  }

  /// The number, also when it was written as an integer.
  public var number: Double? {
    switch self {
    case .number(let number): number
    case .integer(let integer): Double(integer)
    case .null, .boolean, .string, .array, .object: nil
    }
  }

  /// An array of integers.
  public var integers: [Int]? {
    guard let elements else { return nil }
    var integers: [Int] = []
    integers.reserveCapacity(elements.count)
    for element in elements {
      guard let integer = element.integer else { return nil }
      integers.append(integer)
    }
    return integers
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}
