import SpadixSupport

/// Passes with their arguments, in the order in which they run.
public struct PassPipeline: Sendable {
  /// A pass with the options that it is run with.
  public struct Step: Sendable {
    /// One of `PassRegistry`, or a caller's own.
    public var pass: Pass
    var arguments: PassArguments

    init(_ pass: Pass, _ arguments: PassArguments? = nil) {
      self.pass = pass
      self.arguments = arguments ?? PassArguments(pass.options)
    }

    /// As in `--passes`: `quantize{scheme=symmetric}`.
    var description: String {
      let given = arguments.description
      return given.isEmpty ? pass.name : "\(pass.name){\(given)}"
    }
  }

  /// In the order in which they run.
  public var steps: [Step]

  public init(_ steps: [Step]) { self.steps = steps }

  init(_ passes: [Pass]) { self.steps = passes.map { Step($0) } }

  /// As in `--passes`; parses back to the same pipeline.
  var description: String { steps.map(\.description).joined(separator: ",") }

  /// The same passes, of which `calibrate` draws random samples for inputs that have none.
  public func calibratingAtRandom() throws -> PassPipeline {
    var result = self
    for index in steps.indices where steps[index].pass.name == Pass.calibrate.name {
      try result.steps[index].arguments.set("source", to: "random", ofPass: Pass.calibrate.name)
    }
    return result
  }

  static func + (left: PassPipeline, right: PassPipeline) -> PassPipeline {
    PassPipeline(left.steps + right.steps)
  }

  /// Parses `name,name{option=value option=value},...` or the name of a pipeline such as `default`.
  ///
  /// Options are separated by blanks or commas. Throws `pass.syntax`, `pass.unknown`, `pass.unknown-option` or
  /// `pass.option-value`.
  public init(parsing text: String) throws {
    var steps: [Step] = []
    for item in try Self.items(of: text) {
      if let pipeline = PassRegistry.pipeline(named: item.name), item.options.isEmpty {
        steps += pipeline.steps
        continue
      }
      guard let pass = PassRegistry.pass(named: item.name) else {
        throw Diagnostic(
          "pass.unknown", "no pass is called '\(item.name)'", help: Self.suggestion(for: item.name))
      }
      var arguments = PassArguments(pass.options)
      for option in item.options { try arguments.set(option.name, to: option.value, ofPass: pass.name) }
      steps.append(Step(pass, arguments))
    }
    self.steps = steps
  }

  private struct Item {
    var name: String
    var options: [(name: String, value: String)]
  }

  private static func items(of text: String) throws -> [Item] {
    var items: [Item] = []
    var rest = Substring(text)
    while true {
      let end = rest.firstIndex { $0 == "," || $0 == "{" } ?? rest.endIndex
      var item = Item(name: trimmed(rest[..<end]), options: [])
      guard !item.name.isEmpty else {
        throw Diagnostic("pass.syntax", "expected the name of a pass in '\(text)', found none")
      }
      rest = rest[end...]
      if rest.first == "{" {
        guard let close = rest.firstIndex(of: "}") else {
          throw Diagnostic("pass.syntax", "expected '}' after the options of pass '\(item.name)' in '\(text)'")
        }
        item.options = try options(of: rest[rest.index(after: rest.startIndex)..<close], ofPass: item.name)
        rest = rest[rest.index(after: close)...].drop { $0 == " " }
      }
      items.append(item)
      if rest.isEmpty { return items }
      guard rest.first == "," else {
        throw Diagnostic("pass.syntax", "expected ',' between passes, found '\(rest)'")
      }
      rest = rest.dropFirst()
    }
  }

  private static func options(
    of text: Substring, ofPass pass: String
  ) throws -> [(name: String, value: String)] {
    try text.split { $0 == " " || $0 == "," }.map { option in
      let sides = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty else {
        throw Diagnostic("pass.syntax", "expected option=value for pass '\(pass)', found '\(option)'")
      }
      return (String(sides[0]), String(sides[1]))
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  /// The pass with the nearest name, or all names where none is near.
  private static func suggestion(for name: String) -> String {
    let names = PassRegistry.pipelines.map(\.name) + PassRegistry.passes.map(\.name)
    let nearest = names.map { (name: $0, distance: editDistance($0, name)) }.min { $0.distance < $1.distance }
    if let nearest, nearest.distance <= 3 { return "did you mean '\(nearest.name)'?" }
    return "passes: \(PassRegistry.passes.map(\.name).joined(separator: ", "))"
  }
}

/// Levenshtein's distance: the fewest insertions, deletions and replacements of a character.
func editDistance(_ left: String, _ right: String) -> Int {
  let right = Array(right)
  var row = Array(0...right.count)
  for (i, character) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in right.indices {
      let replaced = diagonal + (character == right[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[right.count]
}
