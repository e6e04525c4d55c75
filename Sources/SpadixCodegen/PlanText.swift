import SpadixIR
import SpadixPlan
import SpadixSupport

/// The textual form of a plan, below the npu graph it belongs to:
///
///     plan @digits {
///       traffic = 41234
///       bound = 41234
///       step 0 inputs = [streamed] outputs = [resident] working = 0 form = 0 tile = [8, 8, 1] group = [1, 1] window = 8 slice = [1, 9]
///       piece %3 steps = [0, 2] row = 80 origin = produced spilled = false
///     }
///
/// `tile` is rows, columns and channel blocks; `group` chunks per group and pinned chunks; `slice` channel blocks and taps.
/// `matrices = streamed` ends a step whose diagonal matrices are loaded for every tile. A plan that is not proven optimal
/// says why in comments.
extension PreparedKernels {
  public func planText(_ plan: KernelPlan) -> String {
    var text = "plan @\(graph.name) {\n"
    text += "  traffic = \(plan.trafficBytes)\n  bound = \(plan.boundBytes)\n"
    if plan.trafficBytes > plan.boundBytes {
      let gap = plan.trafficBytes - plan.boundBytes
      text += "  // not proven optimal: a better plan could move up to \(gap) bytes less\n"
    }
    for reason in plan.certificate.whyOpen { text += "  // \(reason)\n" }
    for (index, step) in plan.steps.enumerated() {
      text += "  // \(problem.operators[index].name)\n"
      text += "  \(stepText(index, step.variant, workingRow: step.workingRow))\n"
    }
    for piece in plan.pieces {
      text +=
        "  piece \(self.text(tensors[piece.tensor])) steps = [\(piece.first), \(piece.last)] row = \(piece.row)"
        + " origin = \(piece.origin.rawValue) spilled = \(piece.spilled)\n"
    }
    return text + "}\n"
  }

  private func stepText(_ index: Int, _ variant: Int, workingRow: Int) -> String {
    let chosen = problem.operators[index].variants[variant]
    func list(_ places: [KernelProblem.Place]) -> String { "[" + places.map(\.rawValue).joined(separator: ", ") + "]" }
    var text = "step \(index) inputs = \(list(chosen.inputs)) outputs = \(list(chosen.outputs)) working = \(workingRow)"
    switch codes[index][variant] {
    case .tile(let form, _, let tiling):
      text +=
        " form = \(form) tile = [\(tiling.tileRows), \(tiling.tileColumns), \(tiling.blocks)]"
        + " group = [\(tiling.chunksPerGroup), \(tiling.pinnedChunks)] window = \(tiling.windowRows)"
        + " slice = [\(tiling.sliceBlocks), \(tiling.sliceTaps)]"
      if tiling.streamsMatrices { text += " matrices = streamed" }
    case .copy, .host: break
    }
    return text
  }

  /// Reads a plan back. Throws a diagnostic at the first line that is malformed or that names a tensor, a step or a way
  /// to run an operator that the graph does not have on this target.
  public func parsePlan(_ source: SourceText, from offset: Int = 0) throws -> KernelPlan {
    var scanner = PlanScanner(source, offset)
    try scanner.expect("plan")
    try scanner.expect("@\(graph.name)")
    try scanner.expect("{")
    var plan = KernelPlan(
      steps: [], pieces: [], trafficBytes: 0, boundBytes: 0,
      certificate: KernelPlan.Certificate(closedBy: "read from a file", rows: 0, columns: 0, nodes: 0))
    let tensorsByName = Dictionary(
      tensors.enumerated().map { ("%\(name($0.element))", $0.offset) }, uniquingKeysWith: { first, _ in first })
    while !scanner.accept("}") {
      if scanner.accept("traffic") {
        try scanner.expect("=")
        plan.trafficBytes = try scanner.integer()
      } else if scanner.accept("bound") {
        try scanner.expect("=")
        plan.boundBytes = try scanner.integer()
      } else if scanner.accept("step") {
        plan.steps.append(try parseStep(&scanner, plan.steps.count))
      } else if scanner.accept("piece") {
        plan.pieces.append(try parsePiece(&scanner, tensorsByName))
      } else {
        throw scanner.failure("expected traffic, bound, step, piece or '}'")
      }
    }
    guard plan.steps.count == problem.operators.count else {
      throw scanner.failure("expected \(problem.operators.count) steps, found \(plan.steps.count)")
    }
    return plan
  }

  private func parseStep(_ scanner: inout PlanScanner, _ index: Int) throws -> KernelPlan.Step {
    let start = scanner.position
    guard try scanner.integer() == index, index < problem.operators.count else {
      throw scanner.failure("expected step \(index) of \(problem.operators.count)", at: start)
    }
    // The variant is the one that prints as this line does.
    let words = try scanner.restOfLine()
    guard let marker = words.firstIndex(of: "working"), words.count > marker + 2, let row = Int(words[marker + 2])
    else {
      throw scanner.failure("expected 'working = ROW'", at: start)
    }
    for variant in codes[index].indices {
      var candidate = PlanScanner(
        SourceText(name: "", text: stepText(index, variant, workingRow: row) + "\n"), 0)
      try candidate.expect("step")
      _ = try candidate.integer()
      if try candidate.restOfLine() == words { return KernelPlan.Step(variant: variant, workingRow: row) }
    }
    throw scanner.failure(
      "\(problem.operators[index].name) has no variant with these places and this tiling on '\(target.name)'", at: start
    )
  }

  private func parsePiece(_ scanner: inout PlanScanner, _ tensorsByName: [String: Int]) throws -> KernelPlan.Piece {
    let start = scanner.position
    let word = try scanner.word()
    guard word.hasPrefix("%"), let tensor = tensors.firstIndex(where: { text($0) == word }) else {
      throw scanner.failure("no tensor is called '\(word)'", at: start)
    }
    try scanner.expect("steps", "=", "[")
    let first = try scanner.integer()
    try scanner.expect(",")
    let last = try scanner.integer()
    try scanner.expect("]", "row", "=")
    let row = try scanner.integer()
    try scanner.expect("origin", "=")
    let origin = try scanner.word()
    guard let origin = KernelPlan.Origin(rawValue: origin) else {
      throw scanner.failure("expected produced or fetched, found '\(origin)'")
    }
    try scanner.expect("spilled", "=")
    let spilled = try scanner.word()
    guard spilled == "true" || spilled == "false" else {
      throw scanner.failure("expected true or false, found '\(spilled)'")
    }
    return KernelPlan.Piece(
      tensor: KernelProblem.TensorID(tensor), first: first, last: last, row: row, origin: origin,
      spilled: spilled == "true")
  }
}

/// Words and punctuation of a plan; comments run to the end of the line.
private struct PlanScanner {
  let source: SourceText
  private(set) var position: Int

  init(_ source: SourceText, _ offset: Int) {
    self.source = source
    position = offset
    skipBlanks(acrossLines: true)
  }

  private func byte(_ offset: Int) -> UInt8? { offset < source.bytes.count ? source.bytes[offset] : nil }

  private mutating func skipBlanks(acrossLines: Bool) {
    while let next = byte(position) {
      if next == UInt8(ascii: "/") && byte(position + 1) == UInt8(ascii: "/") {
        while byte(position).map({ $0 != UInt8(ascii: "\n") }) ?? false {
          position += 1
        }
      } else if next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") || next == UInt8(ascii: "\r")
        || (acrossLines && next == UInt8(ascii: "\n"))
      {
        position += 1
      } else {
        return
      }
    }
  }

  private func endOfWord() -> Int {
    let punctuation = Array("[]{},=".utf8)
    guard let first = byte(position) else { return position }
    if punctuation.contains(first) { return position + 1 }
    var end = position
    // Names that are not plain words stand in quotes: %"a, b".
    var isQuoted = false
    while let next = byte(end),
      isQuoted ? next != UInt8(ascii: "\n") : next > UInt8(ascii: " ") && !punctuation.contains(next)
    {
      if next == UInt8(ascii: "\"") { isQuoted.toggle() }
      if next == UInt8(ascii: "\\") && isQuoted { end += 1 }
      end += 1
    }
    return min(end, source.bytes.count)
  }

  private func text(to end: Int) -> String { String(decoding: source.bytes[position..<end], as: UTF8.self) }

  mutating func accept(_ expected: String) -> Bool {
    let end = endOfWord()
    guard end > position, text(to: end) == expected else { return false }
    position = end
    skipBlanks(acrossLines: true)
    return true
  }

  mutating func expect(_ words: String...) throws {
    for word in words where !accept(word) { throw failure("expected '\(word)'") }
  }

  mutating func word() throws -> String {
    let end = endOfWord()
    guard end > position else { throw failure("the plan ends too early") }
    defer {
      position = end
      skipBlanks(acrossLines: true)
    }
    return text(to: end)
  }

  mutating func integer() throws -> Int {
    let start = position
    let found = try word()
    guard let value = Int(found) else { throw failure("expected an integer, found '\(found)'", at: start) }
    return value
  }

  mutating func restOfLine() throws -> [String] {
    var words: [String] = []
    while let next = byte(position), next != UInt8(ascii: "\n") {
      let end = endOfWord()
      guard end > position else { throw failure("expected a word") }
      words.append(text(to: end))
      position = end
      skipBlanks(acrossLines: false)
    }
    skipBlanks(acrossLines: true)
    return words
  }

  func failure(_ message: String, at offset: Int? = nil) -> Diagnostic {
    let start = min(offset ?? position, source.bytes.count)
    return Diagnostic("plan.syntax", message, at: SourceRange(source, start, min(start + 1, source.bytes.count)))
  }
}
