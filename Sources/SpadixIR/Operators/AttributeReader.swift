import SpadixSupport

/// An attribute as it stands in the text.
public struct WrittenAttribute: Sendable {
  /// As written; whether the operator has such a one is not known yet.
  public var name: String
  /// Of whatever kind the text has.
  public var value: AttributeValue
  /// The name and the value.
  var range: SourceRange?

  public init(name: String, value: AttributeValue, range: SourceRange? = nil) {
    self.name = name
    self.value = value
    self.range = range
  }
}

/// Fills a payload from attributes of the text, and reports those that do not fit.
struct AttributeReader {
  let attributes: [WrittenAttribute]
  /// The operator's name in the text, for attributes that are missing.
  let mnemonicRange: SourceRange?
  private(set) var diagnostics: [Diagnostic] = []

  init(_ attributes: [WrittenAttribute], mnemonicRange: SourceRange?) {
    self.attributes = attributes
    self.mnemonicRange = mnemonicRange
  }

  mutating func read<Payload: OperatorDefinition>(_ type: Payload.Type) -> Payload {
    var payload = Payload()
    for attribute in attributes where !Payload.attributes.contains(where: { $0.name == attribute.name }) {
      let known = Payload.attributes.map(\.name).sorted()
      diagnostics.append(
        Diagnostic(
          "ir.unknown-attribute", "\(Payload.mnemonic) has no attribute '\(attribute.name)'", at: attribute.range,
          help: nearest(attribute.name, among: known).map { "did you mean '\($0)'?" }
            ?? (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))")))
    }
    for field in Payload.attributes {
      guard let attribute = attributes.first(where: { $0.name == field.name }) else {
        if field.isRequired {
          diagnostics.append(
            Diagnostic(
              "ir.missing-attribute", "\(Payload.mnemonic) needs the attribute '\(field.name)', \(field.kind)",
              at: mnemonicRange))
        }
        continue
      }
      switch field.set(&payload, attribute.value) {
      case .set: break
      case .wrongKind:
        diagnostics.append(
          Diagnostic(
            "ir.attribute-type",
            "'\(field.name)' of \(Payload.mnemonic): expected \(field.kind), found \(attribute.value.kindDescription)",
            at: attribute.range))
      case .needs(let other):
        diagnostics.append(
          Diagnostic(
            "ir.attribute-alone", "'\(field.name)' of \(Payload.mnemonic) has no meaning without \(other)",
            at: attribute.range))
      }
    }
    return payload
  }
}
