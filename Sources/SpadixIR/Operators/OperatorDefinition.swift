import SpadixTensor

/// What one operator is: its name, documentation, operands, attributes and rule. A payload struct conforms to it; its
/// stored properties are the attributes.
public protocol OperatorDefinition: Hashable, Sendable {
  /// The name in the text: `nn.conv2d`.
  static var mnemonic: String { get }
  /// One sentence, no full stop.
  static var summary: String { get }
  /// Meaning, element types and an example, in Markdown.
  static var documentation: String { get }
  static var operands: [OperandDescription] { get }
  /// In the order in which they are set from text; the printer sorts by name.
  static var attributes: [AttributeField<Self>] { get }

  /// The operator with every attribute at its default.
  init()

  /// Checks the operator against its operand types and, when known, its result type, and gives the result's shape.
  ///
  /// Returns nil after reporting, when no shape can be said. This is the only place where the operator's rule stands.
  func resultShape(_ check: inout OperatorCheck) -> [Int]?
}

/// One operand of an operator.
public struct OperandDescription: Sendable {
  public enum Arity: Sendable {
    case required, optional
    /// One or more, to the end of the list.
    case variadic
  }

  public let name: String
  public let summary: String
  public let arity: Arity

  public init(_ name: String, _ summary: String, _ arity: Arity = .required) {
    self.name = name
    self.summary = summary
    self.arity = arity
  }
}
