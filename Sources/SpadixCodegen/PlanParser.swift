import SpadixIR
import SpadixPlan
import SpadixSupport

/// A plan as it was read: not checked yet, with the places of what it says.
struct ParsedPlan {
  struct Step {
    var inputs: [Plan.Place] = []
    var outputs: [Plan.Place] = []
    var row = 0
    var form = 0
    var tile: [Int] = []
    var group: [Int] = []
    var window = 1
    var slice: [Int] = []
    var streamsMatrices = false
    /// Where each field's value stands, by name; and the whole step.
    var fields: [String: SourceRange] = [:]
    var range: SourceRange
  }

  struct Piece {
    var piece: Plan.Piece
    var range: SourceRange
  }

  var objective: Objective?
  var cost: (cost: Cost, range: SourceRange)?
  var bounds = Plan.Bounds()
  var steps: [Step] = []
  var pieces: [Piece] = []
  var range: SourceRange
}

/// Reads the text of a plan, by the tokens of the graph language. Stops at the first word that is out of place.
struct PlanParser {
  private let source: SourceText
  private let kernels: PreparedKernels
  private let tensors: [String: Int]
  private let tokens: [Token]
  private var position = 0

  /// - Parameter offset: the byte where the plan begins.
  init(_ source: SourceText, from offset: Int, _ kernels: PreparedKernels) throws {
    self.source = source
    self.kernels = kernels
    let (tokens, diagnostics) = Lexer.tokenize(source, from: offset)
    if !diagnostics.isEmpty { throw Diagnostics(diagnostics) }
    self.tokens = tokens
    tensors = Dictionary(
      kernels.tensors.enumerated().map { (kernels.text($0.element), $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func run() throws -> ParsedPlan {
    try expect("plan")
    let name = tokens[position]
    try expect(kernels.graph.symbolText)
    try expect("{")
    var plan = ParsedPlan(range: range(name))
    while !take("}") {
      let start = tokens[position]
      switch text(start) {
      case "objective":
        position += 1
        try expect("=")
        plan.objective = try objective()
      case "cost":
        position += 1
        try expect("=")
        var cost = Cost.zero
        let first = tokens[position]
        try fields("cost", [
          "read": { cost.readBytes = try $0.number() }, "written": { cost.writtenBytes = try $0.number() },
          "array": { cost.arrayCycles = try $0.number() }, "time": { cost.time = try $0.number() },
          "commands": { cost.commands = try $0.number() },
        ])
        plan.cost = (cost, range(from: first))
      case "bound":
        position += 1
        try expect("=")
        try fields("bound", [
          "objective": { plan.bounds.objective = try $0.number() }, "time": { plan.bounds.time = try $0.number() },
          "bytes": { plan.bounds.bytes = try $0.number() },
        ])
      case "step": plan.steps.append(try step(plan.steps.count))
      case "piece": plan.pieces.append(try piece())
      default: throw failure("expected objective, cost, bound, step, piece or '}'")
      }
    }
    guard tokens[position].kind == .end else { throw failure("expected nothing behind the plan") }
    return plan
  }

  private mutating func objective() throws -> Objective {
    let start = tokens[position]
    position += 1
    // A weight stands behind a colon without blanks: both:0.5.
    if text(start) == "both", take(":") { position += 1 }
    guard let objective = Objective(text(from: start)) else {
      position -= 1
      throw Diagnostic(
        "plan.syntax", "expected time, bytes or both:WEIGHT, found '\(text(from: start))'", at: range(from: start))
    }
    return objective
  }

  private mutating func step(_ index: Int) throws -> ParsedPlan.Step {
    let start = tokens[position]
    position += 1
    let number = tokens[position]
    guard try self.number() == index, index < kernels.problem.operators.count else {
      throw Diagnostic(
        "plan.step-order", "expected step \(index) of \(kernels.problem.operators.count), found \(text(number))",
        at: range(number), help: "steps stand in the order of the graph's operators, each once")
    }
    var step = ParsedPlan.Step(range: range(start))
    var seen: [String: SourceRange] = [:]
    func field(_ name: String, _ read: @escaping (inout PlanParser) throws -> Void) -> (inout PlanParser) throws -> Void
    {
      { parser in
        let first = parser.tokens[parser.position]
        try read(&parser)
        seen[name] = parser.range(from: first)
      }
    }
    let readers: [String: (inout PlanParser) throws -> Void] = [
      "inputs": field("inputs") { step.inputs = try $0.places() },
      "outputs": field("outputs") { step.outputs = try $0.places() },
      "row": field("row") { step.row = try $0.number() },
      "form": field("form") { step.form = try $0.number() },
      "tile": field("tile") { step.tile = try $0.numbers(3) },
      "group": field("group") { step.group = try $0.numbers(2) },
      "window": field("window") { step.window = try $0.number() },
      "slice": field("slice") { step.slice = try $0.numbers(2) },
      "matrices": field("matrices") {
        try $0.expect("streamed")
        step.streamsMatrices = true
      },
    ]
    try fields("step", readers)
    step.fields = seen
    step.range = range(from: start)
    return step
  }

  private mutating func piece() throws -> ParsedPlan.Piece {
    let start = tokens[position]
    position += 1
    let name = tokens[position]
    guard name.kind == .value, let tensor = tensors[text(name)] else {
      throw Diagnostic("plan.unknown-tensor", "no tensor is called '\(text(name))'", at: range(name))
    }
    position += 1
    var piece = Plan.Piece(
      tensor: KernelProblem.TensorID(tensor), first: 0, last: 0, row: 0, origin: .produced, spilled: false)
    try fields("piece", [
      "steps": {
        let steps = try $0.numbers(2)
        (piece.first, piece.last) = (steps[0], steps[1])
      },
      "row": { piece.row = try $0.number() },
      "origin": {
        guard let origin = KernelSolution.Origin(rawValue: $0.text($0.tokens[$0.position])) else {
          throw $0.failure("expected produced or fetched")
        }
        piece.origin = origin
        $0.position += 1
      },
      "spilled": { piece.spilled = try $0.truth() },
    ])
    return ParsedPlan.Piece(piece: piece, range: range(from: start))
  }

  // MARK: Fields

  /// `{name = value, ...}`, each name once.
  private mutating func fields(_ owner: String, _ readers: [String: (inout PlanParser) throws -> Void]) throws {
    try expect("{")
    var seen: [String] = []
    while !take("}") {
      if !seen.isEmpty { try expect(",") }
      let name = tokens[position]
      guard let read = readers[text(name)] else {
        throw failure("expected \(readers.keys.sorted().joined(separator: ", ")) of a \(owner)")
      }
      if seen.contains(text(name)) { throw failure("'\(text(name))' stands here twice; expected it once") }
      seen.append(text(name))
      position += 1
      try expect("=")
      try read(&self)
    }
  }

  private mutating func places() throws -> [Plan.Place] {
    try expect("[")
    var places: [Plan.Place] = []
    while !take("]") {
      if !places.isEmpty { try expect(",") }
      guard let place = Plan.Place(rawValue: text(tokens[position])) else {
        throw failure("expected resident or streamed")
      }
      places.append(place)
      position += 1
    }
    return places
  }

  private mutating func numbers(_ count: Int) throws -> [Int] {
    try expect("[")
    var numbers: [Int] = []
    for index in 0..<count {
      if index > 0 { try expect(",") }
      numbers.append(try number())
    }
    try expect("]")
    return numbers
  }

  /// A number of rows, bytes or cycles: none is negative, and none so large that sums overflow.
  private mutating func number() throws -> Int {
    guard tokens[position].kind == .integer, let value = Int(text(tokens[position])), value >= 0,
      value <= PlanParser.largestNumber
    else { throw failure("expected a whole number from 0 to 2^40") }
    position += 1
    return value
  }

  static let largestNumber = 1 << 40

  private mutating func truth() throws -> Bool {
    if take("true") { return true }
    if take("false") { return false }
    throw failure("expected true or false")
  }

  // MARK: Tokens

  private func text(_ token: Token) -> String { String(decoding: source.bytes[token.start..<token.end], as: UTF8.self) }
  private func text(from start: Token) -> String {
    String(decoding: source.bytes[start.start..<tokens[position - 1].end], as: UTF8.self)
  }
  private func range(_ token: Token) -> SourceRange { SourceRange(source, token.start, max(token.start, token.end)) }
  private func range(from start: Token) -> SourceRange {
    SourceRange(source, start.start, max(start.end, tokens[max(0, position - 1)].end))
  }

  private mutating func take(_ word: String) -> Bool {
    guard tokens[position].kind != .end, text(tokens[position]) == word else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ word: String) throws {
    if !take(word) { throw failure("expected '\(word)'") }
  }

  private func failure(_ expected: String) -> Diagnostic {
    let token = tokens[position]
    let found = token.kind == .end ? "the end of the text" : "'\(text(token).prefix(40))'"
    return Diagnostic("plan.syntax", "\(expected); found \(found)", at: range(token))
  }
}
