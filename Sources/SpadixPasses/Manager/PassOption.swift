import SpadixSupport

/// An option of a pass: what it is called, which values it takes, and what it means.
struct PassOption: Sendable {
  /// The values that an option takes.
  enum Kind: Sendable {
    /// One of these words.
    case choice([String])
    /// A finite real number within the range.
    case number(ClosedRange<Double>)
    /// An integer within the range.
    case count(ClosedRange<Int>)
  }

  var name: String
  var kind: Kind
  /// The text of the value when the option is not given; nil where the pass decides, as `help` says.
  var defaultValue: String?
  /// One sentence, lower case, without a full stop.
  var help: String

  init(_ name: String, _ kind: Kind, default defaultValue: String? = nil, help: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.help = help
  }

  /// The values as help and diagnostics show them: `symmetric|asymmetric`, `0...100`.
  var valuesDescription: String {
    switch kind {
    case .choice(let words): words.joined(separator: "|")
    case .number(let range): "\(shortest(range.lowerBound))...\(shortest(range.upperBound))"
    case .count(let range): "\(range.lowerBound)...\(range.upperBound)"
    }
  }

  /// Whether the option takes this text as its value.
  func accepts(_ text: String) -> Bool {
    switch kind {
    case .choice(let words): return words.contains(text)
    case .number(let range): return Double(text).map { range.contains($0) } ?? false
    case .count(let range): return Int(text).map { range.contains($0) } ?? false
    }
  }

  private func shortest(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }
}

/// The values that the options of one pass have in one pipeline.
struct PassArguments: Sendable {
  /// Every option of the pass with the text given for it, in the pass's own order.
  private var entries: [(option: PassOption, text: String?)]

  /// Every option at its default.
  init(_ options: [PassOption]) { entries = options.map { ($0, nil) } }

  /// Sets an option; throws `pass.unknown-option` or `pass.option-value`.
  mutating func set(_ name: String, to text: String, ofPass pass: String) throws {
    guard let index = entries.firstIndex(where: { $0.option.name == name }) else {
      let names = entries.map(\.option.name)
      throw Diagnostic(
        "pass.unknown-option", "pass '\(pass)' has no option '\(name)'",
        help: names.isEmpty ? "'\(pass)' takes no options" : "options of '\(pass)': \(names.joined(separator: ", "))")
    }
    let option = entries[index].option
    guard option.accepts(text) else {
      throw Diagnostic(
        "pass.option-value",
        "option '\(name)' of pass '\(pass)': expected \(option.valuesDescription), found '\(text)'")
    }
    entries[index].text = text
  }

  /// The word chosen; nil where the option was not given and has no default.
  func choice(_ name: String) -> String? { text(of: name) }

  func number(_ name: String) -> Double? { text(of: name).flatMap { Double($0) } }

  func count(_ name: String) -> Int? { text(of: name).flatMap { Int($0) } }

  /// The options that were given, as they stand between braces in `--passes`; empty when none was.
  var description: String {
    entries.compactMap { entry in entry.text.map { "\(entry.option.name)=\($0)" } }.joined(separator: " ")
  }

  /// - Precondition: the pass declares the option, so that none can be read that help does not list.
  private func text(of name: String) -> String? {
    guard let entry = entries.first(where: { $0.option.name == name }) else {
      preconditionFailure("the pass does not declare the option '\(name)'")
    }
    return entry.text ?? entry.option.defaultValue
  }
}
