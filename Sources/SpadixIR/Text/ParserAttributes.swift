import SpadixSupport
import SpadixTensor

// attributes = '{' [ attribute { ',' attribute } ] '}'
// attribute  = name [ '=' value ]          a name alone means true
// value      = number | 'true' | 'false' | word | string | @symbol | '[' [ value { ',' value } ] ']'
extension Parser {
  /// The attributes at this place; none when there is no opening brace.
  mutating func attributes() throws -> [WrittenAttribute] {
    guard isPunctuation("{") else { return [] }
    var attributes: [WrittenAttribute] = []
    var positions: [String: Int] = [:]
    try list("{", "}") { parser in
      let nameToken = try parser.expectToken(.word, "the name of an attribute")
      let name = parser.text(nameToken)
      let value = parser.take("=") ? try parser.attributeValue(depth: 0) : .boolean(true)
      let attribute = WrittenAttribute(name: name, value: value, range: parser.range(from: nameToken.start))
      if let earlier = positions[name] {
        parser.report(
          Diagnostic(
            "ir.duplicate-attribute", "the attribute '\(name)' stands here twice", at: parser.range(nameToken),
            notes: [Diagnostic.Note("the first time", at: attributes[earlier].range)]))
      } else {
        positions[name] = attributes.count
        attributes.append(attribute)
      }
    }
    return attributes
  }

  private mutating func attributeValue(depth: Int) throws -> AttributeValue {
    switch token.kind {
    case .integer: return .integer(try integer())
    case .real: return .real(try real())
    case .string:
      let text = try string(token)
      advance()
      return .string(text)
    case .symbol:
      let name = try name(token)
      advance()
      return .symbol(name)
    case .word:
      if isWord("inf") { return .real(try real()) }
      let word = text(token)
      advance()
      return word == "true" || word == "false" ? .boolean(word == "true") : .keyword(word)
    case .punctuation where isPunctuation("["):
      guard depth < 8 else {
        throw Diagnostic("syntax.depth", "lists of attributes nest no deeper than 8 levels", at: range(token))
      }
      var elements: [AttributeValue] = []
      try list("[", "]") { parser in elements.append(try parser.attributeValue(depth: depth + 1)) }
      return .list(elements)
    case .value, .punctuation, .invalid, .end: throw unexpected("a value for the attribute")
    }
  }

  /// Takes an attribute out of the list.
  static func remove(_ name: String, from attributes: inout [WrittenAttribute]) -> WrittenAttribute? {
    guard let index = attributes.firstIndex(where: { $0.name == name }) else { return nil }
    return attributes.remove(at: index)
  }

  /// The value of a `range = [low, high]` attribute; reports and gives nil when it is none.
  mutating func calibration(_ attribute: WrittenAttribute) -> ValueRange? {
    guard let bounds = attribute.value.realValues, bounds.count == 2, bounds.allSatisfy(\.isFinite),
      bounds[0] <= bounds[1]
    else {
      report(
        Diagnostic(
          "ir.range", "'range': expected [low, high] with finite low <= high, found \(attribute.value)",
          at: attribute.range))
      return nil
    }
    return ValueRange(low: bounds[0], high: bounds[1])
  }

  /// The value of a `host_reason = "..."` attribute; reports and gives nil when it is none.
  mutating func hostReason(_ attribute: WrittenAttribute) -> String? {
    if case .string(let text) = attribute.value { return text }
    report(
      Diagnostic(
        "ir.attribute-type", "'host_reason': expected a string, found \(attribute.value.kindDescription)",
        at: attribute.range))
    return nil
  }
}
