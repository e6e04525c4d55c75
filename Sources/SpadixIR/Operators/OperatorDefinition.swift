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
  /// In order; optional and variadic ones come last.
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
  /// How many operands of an operation stand for the description.
  enum Arity: Sendable {
    case required, optional
    /// One or more, to the end of the list.
    case variadic
  }

  /// A word for messages and documentation.
  let name: String
  /// Element type and shape: "int8 [N, H, W, C]".
  let summary: String
  /// Only the last of a list is variadic.
  let arity: Arity

  init(_ name: String, _ summary: String, _ arity: Arity = .required) {
    self.name = name
    self.summary = summary
    self.arity = arity
  }
}
