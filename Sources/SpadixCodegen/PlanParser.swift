import SpadixIR
import SpadixPlan
import SpadixSupport

/// A plan as it was read: not checked yet, with the places of what it says.
struct ParsedPlan {
  struct Step {
    var inputs: [Plan.Place] = []
    var outputs: [Plan.Place] = []
    var row = 0
    var rows: [Int]?
    var form = 0
    var tile: [Int] = []
    var group: [Int] = []
    var spare = 0
    var window = 1
    var copies = 1
    var parts = 1
    var slice: [Int] = []
    var streamsMatrices = false
    var multipliesPadding = false
    var keepsConstants = false
    var fetched: [Int] = []
    var isFromTop = false
    /// Where each field's value stands, by name; and the whole step.
    var fields: [String: SourceRange] = [:]
    var range: SourceRange
  }

  struct Piece {
    var piece: Plan.Piece
    var range: SourceRange
  }

  struct Group {
    var group: Plan.Group
    var fields: [String: SourceRange] = [:]
    var range: SourceRange
  }

  var objective: Objective?
  var cost: (cost: Cost, range: SourceRange)?
  var bounds = Plan.Bounds()
  var steps: [Step] = []
  var pieces: [Piece] = []
  var groups: [Group] = []
  var range: SourceRange
}

/// Reads the text of a plan. Stops at the first word that is out of place.
struct PlanParser {
  private typealias Reader = (inout PlanParser) throws -> Void

  private let source: SourceText
  private let kernels: PreparedKernels
  private let tensors: [String: Int]
  private var tokens: TokenReader
  /// Where the word that was read last ends.
  private var end = 0

  private static let syntax = "plan.syntax"
  /// None of a plan's numbers is larger, so that no sum of them overflows.
  private static let largestNumber = 1 << 40

  /// - Parameter offset: the byte where the plan begins.
  init(_ source: SourceText, from offset: Int, _ kernels: PreparedKernels) throws {
    self.source = source
    self.kernels = kernels
    tokens = try TokenReader(source, from: offset)
    tensors = Dictionary(
      kernels.tensors.enumerated().map { (kernels.text($0.element), $0.offset) },
      uniquingKeysWith: { first, _ in first })
  }

  mutating func run() throws -> ParsedPlan {
    let start = tokens.mark
    try expect("plan")
    try expect(kernels.graph.symbolText)
    var plan = ParsedPlan(range: range(from: start))
    try expect("{")
    while !accept("}") {
      switch tokens.next {
      case "objective":
        try expect("objective")
        try expect("=")
        plan.objective = try objective()
      case "cost":
        try expect("cost")
        try expect("=")
        let start = tokens.mark
        var cost = Cost.zero
        try fields(
          "cost",
          [
            "read": { cost.readBytes = try $0.number() }, "written": { cost.writtenBytes = try $0.number() },
            "array": { cost.arrayCycles = try $0.number() }, "time": { cost.time = try $0.number() },
            "commands": { cost.commands = try $0.number() },
          ])
        plan.cost = (cost, range(from: start))
      case "bound":
        try expect("bound")
        try expect("=")
        var bounds = Plan.Bounds()
        try fields(
          "bound",
          [
            "objective": { bounds.objective = try $0.number(most: Int.max) },
            "time": { bounds.time = try $0.number() }, "bytes": { bounds.bytes = try $0.number() },
          ])
        plan.bounds = bounds
      case "step": plan.steps.append(try step(plan.steps.count))
      case "piece": plan.pieces.append(try piece())
      case "group": plan.groups.append(try group())
      default: throw failure("objective, cost, bound, step, group, piece or '}'")
      }
    }
    // Tile programs may follow.
    if !tokens.isAtEnd && tokens.next != "tiles" { throw failure("the end of the plan") }
    return plan
  }

  private mutating func objective() throws -> Objective {
    let start = tokens.mark
    var text = tokens.next
    end = tokens.range(start).end
    _ = try tokens.word("time, bytes or both:WEIGHT", Self.syntax)
    if text == "both", accept(":") {
      text += ":" + tokens.next
      end = tokens.range(tokens.mark).end
      _ = try tokens.real(Self.syntax)
    }
    guard let objective = Objective(text) else {
      throw Diagnostic(
        Self.syntax, "expected time, bytes or both:WEIGHT with a weight above 0, found '\(text)'",
        at: range(from: start))
    }
    return objective
  }

  private mutating func step(_ index: Int) throws -> ParsedPlan.Step {
    let start = tokens.mark
    try expect("step")
    let count = kernels.problem.operators.count
    guard index < count, tokens.next == "\(index)" else {
      throw tokens.failure(
        "plan.step-order",
        index < count
          ? "expected step \(index) of \(count), found '\(tokens.next)'" : "expected \(count) steps, found more",
        help: "steps stand in the order of the graph's operators, each once")
    }
    _ = try number()
    var step = ParsedPlan.Step(range: range(from: start))
    let places = try fields(
      "step",
      [
        "inputs": { step.inputs = try $0.places() },
        "outputs": { step.outputs = try $0.places() },
        "row": { step.row = try $0.number() }, "rows": { step.rows = try $0.numbers() },
        "form": { step.form = try $0.number() },
        "tile": { step.tile = try $0.numbers(3) },
        "group": { step.group = try $0.numbers(2) },
        "spare": { step.spare = try $0.number() },
        "window": { step.window = try $0.number() },
        "copies": { step.copies = try $0.number() },
        "parts": { step.parts = try $0.number() },
        "slice": { step.slice = try $0.numbers(2) },
        "matrices": {
          try $0.expect("streamed")
          step.streamsMatrices = true
        },
        "padding": {
          try $0.expect("multiplied")
          step.multipliesPadding = true
        },
        "weights": {
          try $0.expect("kept")
          step.keepsConstants = true
        },
        "fetched": { step.fetched = try $0.numbers() },
        "from": {
          try $0.expect("top")
          step.isFromTop = true
        },
      ])
    step.fields = places
    step.range = range(from: start)
    return step
  }

  private mutating func group() throws -> ParsedPlan.Group {
    let start = tokens.mark
    try expect("group")
    var group = ParsedPlan.Group(group: Plan.Group(steps: 0..<0, strips: 0, row: 0, rows: 0), range: range(from: start))
    let places = try fields(
      "group",
      [
        "steps": {
          let steps = try $0.numbers(2)
          // The reader refuses ranges that are none.
          group.group.steps = steps[0]..<max(steps[0], steps[1] + 1)
        },
        "strips": { group.group.strips = try $0.number() },
        "row": { group.group.row = try $0.number() },
        "room": { group.group.room = try $0.number() },
        "working": { group.group.workingRow = try $0.number() },
      ])
    group.fields = places
    group.range = range(from: start)
    return group
  }

  private mutating func piece() throws -> ParsedPlan.Piece {
    let start = tokens.mark
    try expect("piece")
    guard let tensor = tensors[tokens.next] else {
      throw tokens.failure("plan.unknown-tensor", "no tensor is called '\(tokens.next)'")
    }
    try expect(tokens.next)
    var piece = Plan.Piece(
      tensor: KernelProblem.TensorID(tensor), first: 0, last: 0, row: 0, origin: .produced, spilled: false)
    try fields(
      "piece",
      [
        "steps": {
          let steps = try $0.numbers(2)
          (piece.first, piece.last) = (steps[0], steps[1])
        },
        "row": { piece.row = try $0.number() },
        "origin": {
          guard let origin = KernelSolution.Origin(rawValue: $0.tokens.next) else {
            throw $0.failure("produced or fetched")
          }
          try $0.expect(origin.rawValue)
          piece.origin = origin
        },
        "spilled": {
          piece.spilled = $0.accept("true")
          if !piece.spilled { try $0.expect("false") }
        },
      ])
    return ParsedPlan.Piece(piece: piece, range: range(from: start))
  }

  // MARK: Fields

  /// `{name = value, ...}`, each name once: where the values stand.
  @discardableResult
  private mutating func fields(_ owner: String, _ readers: [String: Reader]) throws -> [String: SourceRange] {
    try expect("{")
    var places: [String: SourceRange] = [:]
    while !accept("}") {
      if !places.isEmpty { try expect(",") }
      let name = tokens.next
      guard let read = readers[name] else {
        throw failure("one of \(readers.keys.sorted().joined(separator: ", ")) in a \(owner)")
      }
      if places[name] != nil {
        throw tokens.failure(Self.syntax, "'\(name)' stands here twice; expected it once")
      }
      try expect(name)
      try expect("=")
      let first = tokens.mark
      try read(&self)
      places[name] = range(from: first)
    }
    return places
  }

  private mutating func places() throws -> [Plan.Place] {
    try expect("[")
    var places: [Plan.Place] = []
    while !accept("]") {
      if !places.isEmpty { try expect(",") }
      guard let place = Plan.Place(rawValue: tokens.next) else { throw failure("resident, streamed or rows") }
      try expect(place.rawValue)
      places.append(place)
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

  /// Any number of them.
  private mutating func numbers() throws -> [Int] {
    try expect("[")
    var numbers = [try number()]
    while accept(",") { numbers.append(try number()) }
    try expect("]")
    return numbers
  }

  private mutating func number(most: Int = Self.largestNumber) throws -> Int {
    let place = tokens.range(tokens.mark).end
    let value = try tokens.integer(0...most, Self.syntax)
    end = place
    return value
  }

  // MARK: Words

  private mutating func accept(_ word: String) -> Bool {
    let place = tokens.range(tokens.mark).end
    guard tokens.accept(word) else { return false }
    end = place
    return true
  }

  private mutating func expect(_ word: String) throws {
    let place = tokens.range(tokens.mark).end
    try tokens.expect(word, Self.syntax)
    end = place
  }

  /// From a word to the one that was read last.
  private func range(from start: TokenReader.Mark) -> SourceRange {
    var range = tokens.range(start)
    range.end = max(range.end, end)
    return range
  }

  private func failure(_ expected: String) -> Diagnostic {
    tokens.failure(
      Self.syntax, "expected \(expected), found \(tokens.isAtEnd ? "the end of the text" : "'\(tokens.next)'")")
  }
}
