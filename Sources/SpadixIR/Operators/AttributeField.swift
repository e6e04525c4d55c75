/// One attribute of an operator: its name, its kind, and the stored property that holds it.
///
/// The parser, the printer, the help and the documentation all work from these fields.
public struct AttributeField<Payload: OperatorDefinition>: Sendable {
  /// What became of an attempt to set an attribute from text.
  enum Outcome: Sendable {
    case set
    case wrongKind
    /// The attribute has no meaning without another one, described by the text.
    case needs(String)
  }

  /// As text has it before the `=`.
  let name: String
  /// What a value of it looks like, for messages and help: "a list of 2 integers".
  let kind: String
  /// A phrase for help and documentation.
  let summary: String
  /// Whether the text must give it; a required attribute is always printed.
  let isRequired: Bool
  /// Nil when the attribute has no value to print.
  let get: @Sendable (Payload) -> AttributeValue?
  /// Takes a value of the text; a payload is left as it was unless the outcome is `set`.
  let set: @Sendable (inout Payload, AttributeValue) -> Outcome

  init(
    _ name: String, kind: String, summary: String, isRequired: Bool = false,
    get: @escaping @Sendable (Payload) -> AttributeValue?,
    set: @escaping @Sendable (inout Payload, AttributeValue) -> Outcome
  ) {
    self.name = name
    self.kind = kind
    self.summary = summary
    self.isRequired = isRequired
    self.get = get
    self.set = set
  }

  /// What is printed for a payload: nil where the value is the default's.
  func printed(_ payload: Payload) -> AttributeValue? {
    let value = get(payload)
    return isRequired || value != get(Payload()) ? value : nil
  }
}

/// A stored property that a field reads and writes.
public typealias Property<Root, Member> = WritableKeyPath<Root, Member> & Sendable

extension AttributeField {
  /// One that fits the property's type, and 32 bits.
  static func integer<Integer: FixedWidthInteger & Sendable>(
    _ name: String, _ property: Property<Payload, Integer>, required: Bool = false, _ summary: String
  ) -> Self {
    Self(
      name, kind: "an integer", summary: summary, isRequired: required,
      get: { .integer(Int($0[keyPath: property])) },
      set: { payload, value in
        guard let integer: Integer = value.integerValue() else { return .wrongKind }
        payload[keyPath: property] = integer
        return .set
      })
  }

  /// A list of integers, of a fixed length unless `count` is nil.
  static func integers<Integer: FixedWidthInteger & Sendable>(
    _ name: String, _ property: Property<Payload, [Integer]>, count: Int? = nil, required: Bool = false,
    _ summary: String
  ) -> Self {
    Self(
      name, kind: count.map { "a list of \($0) integers" } ?? "a list of integers", summary: summary,
      isRequired: required,
      get: { .list($0[keyPath: property].map { .integer(Int($0)) }) },
      set: { payload, value in
        guard let integers: [Integer] = value.integerValues(count: count) else { return .wrongKind }
        payload[keyPath: property] = integers
        return .set
      })
  }

  /// A number; integers of the text are taken as well.
  static func real(
    _ name: String, _ property: Property<Payload, Float>, required: Bool = false, _ summary: String
  ) -> Self {
    Self(
      name, kind: "a number", summary: summary, isRequired: required,
      get: { .real($0[keyPath: property]) },
      set: { payload, value in
        guard let real = value.realValue else { return .wrongKind }
        payload[keyPath: property] = real
        return .set
      })
  }

  /// A list of numbers, of any length.
  static func reals(
    _ name: String, _ property: Property<Payload, [Float]>, required: Bool = false, _ summary: String
  ) -> Self {
    Self(
      name, kind: "a list of numbers", summary: summary, isRequired: required,
      get: { .list($0[keyPath: property].map { .real($0) }) },
      set: { payload, value in
        guard let reals = value.realValues else { return .wrongKind }
        payload[keyPath: property] = reals
        return .set
      })
  }

  /// One of the words of an enumeration.
  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ property: Property<Payload, Choice>, required: Bool = false, _ summary: String
  ) -> Self {
    let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    return Self(
      name, kind: "one of \(words)", summary: summary, isRequired: required,
      get: { .keyword($0[keyPath: property].rawValue) },
      set: { payload, value in
        guard case .keyword(let word) = value, let choice = Choice(rawValue: word) else { return .wrongKind }
        payload[keyPath: property] = choice
        return .set
      })
  }

  /// `true` or `false`; never required, as it is printed where it is not the default.
  static func flag(_ name: String, _ property: Property<Payload, Bool>, _ summary: String) -> Self {
    Self(
      name, kind: "true or false", summary: summary,
      get: { .boolean($0[keyPath: property]) },
      set: { payload, value in
        guard case .boolean(let flag) = value else { return .wrongKind }
        payload[keyPath: property] = flag
        return .set
      })
  }
}

/// A field without its payload type, for help and documentation.
public struct AttributeDescription: Sendable {
  /// As text has it before the `=`.
  public let name: String
  /// What a value looks like: "a list of 2 integers".
  public let kind: String
  /// A phrase for help and documentation.
  let summary: String
  /// The value an absent attribute has, as text; nil when it is required or has none.
  let defaultText: String?
  /// Whether the text must give it.
  let isRequired: Bool

  init<Payload: OperatorDefinition>(_ field: AttributeField<Payload>) {
    self.name = field.name
    self.kind = field.kind
    self.summary = field.summary
    self.isRequired = field.isRequired
    self.defaultText = field.isRequired ? nil : field.get(Payload()).map(\.description)
  }
}
