import SpadixSupport

/// The JSON form of a schedule, with the ids of the problem file.
public enum ScheduleSolutionFile {
  /// Everything that a validator needs beside the problem.
  public static func json(_ plan: ScheduleSolution, for problem: ScheduleProblem) -> JSONValue {
    let pieces = plan.pieces.map { piece -> JSONValue in
      [
        "tensor": .integer(problem.tensors[piece.tensor].id), "first": .integer(piece.first),
        "last": .integer(piece.last), "offset": .integer(piece.offset),
      ]
    }
    let certificate = plan.certificate
    var members: [JSONValue.Member] = [
      .init("problem", .string(problem.name)), .init("tensors", .string(plan.scope.rawValue)),
      .init("budget", .integer(plan.budget)),
    ]
    var traffic: [JSONValue.Member] = [
      .init("spilled", .integer(plan.traffic.spilled)), .init("fetched", .integer(plan.traffic.fetched)),
    ]
    if !problem.sharing.isEmpty {
      let names = ScheduleProblem.Sharing.allCases.filter { problem.sharing.contains($0) }
      members.append(.init("sharing", .array(names.map { .string($0.rawValue) })))
    }
    if plan.recomputation.limit > 0 {
      members.append(
        .init(
          "recomputation",
          [
            "limit": .integer(plan.recomputation.limit), "cyclePrice": .integer(plan.recomputation.cyclePrice),
          ]))
      traffic.append(.init("recomputed", .integer(plan.traffic.recomputed)))
    }
    traffic.append(.init("total", .integer(plan.traffic.total)))
    members += [
      .init("order", .array(plan.order.map { .integer(problem.operators[$0].id) })), .init("pieces", .array(pieces)),
      .init("traffic", .object(traffic)), .init("bound", .integer(plan.bound)),
      .init("proven", .boolean(plan.isProven)),
      .init(
        "certificate",
        [
          "closedBy": .object(certificate.closedBy.map { JSONValue.Member($0.component, .integer($0.blocks)) }),
          "blocks": .integer(certificate.blocks), "rows": .integer(certificate.rows),
          "columns": .integer(certificate.columns), "nodes": .integer(certificate.nodes),
          "labels": .integer(certificate.labels),
          "stoppedBy": .array(certificate.stops.map { .string($0.rawValue) }),
        ]),
    ]
    return .object(members)
  }

  /// Which places a plan has in common, so that its problem is `sharing` that.
  public static func sharing(_ source: SourceText) throws -> Set<ScheduleProblem.Sharing> {
    try sharing(JSONValue(parsing: source), source)
  }

  private static func sharing(_ json: JSONValue, _ source: SourceText) throws -> Set<ScheduleProblem.Sharing> {
    guard let member = json["sharing"] else { return [] }
    let known = ScheduleProblem.Sharing.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard let elements = member.elements else { throw failure("sharing", "expected an array of \(known)", source) }
    return Set(
      try elements.enumerated().map { number, element in
        guard let sharing = element.string.flatMap(ScheduleProblem.Sharing.init) else {
          throw failure("sharing[\(number)]", "expected one of \(known)", source)
        }
        return sharing
      })
  }

  private static func places(_ sharing: Set<ScheduleProblem.Sharing>) -> String {
    let names = ScheduleProblem.Sharing.allCases.filter { sharing.contains($0) }.map(\.rawValue)
    return names.isEmpty ? "no places in common" : "places in common (" + names.joined(separator: ", ") + ")"
  }

  private static func failure(_ place: String, _ message: String, _ source: SourceText) -> Diagnostic {
    Diagnostic("schedule.plan-format", "\(place): \(message)", at: JSONValue.range(of: place, in: source))
  }

  /// Reads a plan for a problem; nothing in it is believed but its form.
  public static func read(_ source: SourceText, for problem: ScheduleProblem) throws -> ScheduleSolution {
    let json = try JSONValue(parsing: source)
    func failure(_ place: String, _ message: String) -> Diagnostic { Self.failure(place, message, source) }
    func integer(_ value: JSONValue?, _ place: String) throws -> Int {
      guard let number = value?.integer else { throw failure(place, "expected an integer") }
      if number.magnitude > UInt(ScheduleProblem.largestSize) * 1024 { throw failure(place, "the number is too large") }
      return number
    }
    guard let name = json["problem"]?.string else { throw failure("problem", "expected the problem's name") }
    if name != problem.name {
      throw failure("problem", "the plan is for '\(name)'; the problem is '\(problem.name)'")
    }
    let sharing = try sharing(json, source)
    if sharing != problem.sharing {
      let (plan, own) = (Self.places(sharing), Self.places(problem.sharing))
      var mismatch = failure("sharing", "the plan is one with \(plan), the problem is one with \(own)")
      let flags =
        (sharing.contains(.inPlace) ? ["--in-place"] : [])
        + (sharing.contains(.adjacentConcatenation) ? ["--adjacent-concat"] : [])
      mismatch.help = "solve it " + (flags.isEmpty ? "without them" : "with " + flags.joined(separator: " "))
      throw mismatch
    }
    guard let scope = json["tensors"]?.string.flatMap(ScheduleProblem.Scope.init) else {
      throw failure("tensors", "expected \"activations\" or \"all\"")
    }
    var operators: [Int: ScheduleProblem.OperatorID] = [:]
    for (index, op) in problem.operators.enumerated() { operators[op.id] = ScheduleProblem.OperatorID(index) }
    var tensors: [Int: ScheduleProblem.TensorID] = [:]
    for (index, tensor) in problem.tensors.enumerated() { tensors[tensor.id] = ScheduleProblem.TensorID(index) }
    guard let ids = json["order"]?.integers else { throw failure("order", "expected an array of operator ids") }
    let order = try ids.enumerated().map { step, id in
      guard let op = operators[id] else { throw failure("order[\(step)]", "the problem has no operator \(id)") }
      return op
    }
    guard let list = json["pieces"]?.elements else { throw failure("pieces", "expected an array") }
    let pieces = try list.enumerated().map { number, piece in
      let place = "pieces[\(number)]"
      let id = try integer(piece["tensor"], "\(place).tensor")
      guard let tensor = tensors[id] else { throw failure("\(place).tensor", "the problem has no tensor \(id)") }
      return ScheduleSolution.Piece(
        tensor: tensor, first: try integer(piece["first"], "\(place).first"),
        last: try integer(piece["last"], "\(place).last"), offset: try integer(piece["offset"], "\(place).offset"))
    }
    var recomputation = ScheduleSolution.Recomputation()
    if let member = json["recomputation"] {
      recomputation.limit = try integer(member["limit"], "recomputation.limit")
      recomputation.cyclePrice = try integer(member["cyclePrice"], "recomputation.cyclePrice")
      let allowed = 0...ScheduleSolution.Recomputation.largest
      if !allowed.contains(recomputation.limit) || !allowed.contains(recomputation.cyclePrice) {
        throw failure("recomputation", "expected numbers from 0 to \(allowed.upperBound)")
      }
    }
    let traffic = ScheduleSolution.Traffic(
      spilled: try integer(json["traffic"]?["spilled"], "traffic.spilled"),
      fetched: try integer(json["traffic"]?["fetched"], "traffic.fetched"),
      recomputed: recomputation.limit > 0 ? try integer(json["traffic"]?["recomputed"], "traffic.recomputed") : 0)
    let total = try integer(json["traffic"]?["total"], "traffic.total")
    if total != traffic.total {
      throw failure("traffic.total", "\(total) is not the sum of the others, which is \(traffic.total)")
    }
    let bound = try integer(json["bound"], "bound")
    if bound < 0 { throw failure("bound", "expected 0 or more, found \(bound)") }
    guard let isProven = json["proven"]?.boolean else { throw failure("proven", "expected true or false") }
    if isProven != (bound == total) {
      throw failure("proven", "\(isProven), and the bound is \(bound), the traffic \(total)")
    }
    return ScheduleSolution(
      scope: scope, budget: try integer(json["budget"], "budget"), order: order, recomputation: recomputation,
      pieces: pieces, traffic: traffic, bound: bound, certificate: ScheduleSolution.Certificate())
  }
}
