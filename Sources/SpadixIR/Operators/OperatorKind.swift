/// What is known of an operator without an instance: for the parser, the help and the documentation.
public struct OperatorKind: Sendable {
  /// `OperatorDefinition.mnemonic`: `nn.conv2d`.
  public let mnemonic: String
  /// One sentence, no full stop.
  let summary: String
  /// Markdown.
  let documentation: String
  /// In order; optional and variadic ones come last.
  let operands: [OperandDescription]
  /// In the order in which they are set from text.
  public let attributes: [AttributeDescription]
  /// The operator with every attribute at its default.
  public let standard: Operator
  let read: @Sendable (inout AttributeReader) -> Operator

  init<Payload: OperatorDefinition>(_ wrap: @escaping @Sendable (Payload) -> Operator) {
    self.mnemonic = Payload.mnemonic
    self.summary = Payload.summary
    self.documentation = Payload.documentation
    self.operands = Payload.operands
    self.attributes = Payload.attributes.map(AttributeDescription.init)
    self.standard = wrap(Payload())
    self.read = { reader in wrap(reader.read(Payload.self)) }
  }

  /// The operator of a name, such as `nn.conv2d`.
  public static func named(_ mnemonic: String) -> OperatorKind? { byName[mnemonic] }

  private static let byName = Dictionary(uniqueKeysWithValues: Operator.kinds.map { ($0.mnemonic, $0) })

  /// The operator with these attributes; nil when they are not its own, or of another kind than it has.
  public func read(_ attributes: [WrittenAttribute]) -> Operator? {
    var reader = AttributeReader(attributes, mnemonicRange: nil)
    let op = read(&reader)
    return reader.diagnostics.isEmpty ? op : nil
  }

  /// Whether an operation may have so many operands.
  func accepts(operandCount count: Int) -> Bool {
    let required = operands.count { $0.arity != .optional }
    let isVariadic = operands.contains { $0.arity == .variadic }
    return count >= required && (isVariadic || count <= operands.count)
  }

  /// "input, weights[, bias]", for messages and help.
  var operandSynopsis: String {
    var text = ""
    for operand in operands {
      let separator = text.isEmpty ? "" : ", "
      switch operand.arity {
      case .required: text += separator + operand.name
      case .optional: text += "[\(separator)\(operand.name)]"
      case .variadic: text += "\(separator)\(operand.name)..."
      }
    }
    return text
  }
}
