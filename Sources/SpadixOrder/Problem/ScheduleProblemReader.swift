import SpadixSupport

/// Reads the neutral problem format: `{"name", "tensors": [{"id", "name", "bytes_int8", "kind"}], "ops": [{"id", "type",
/// "inputs", "outputs"}]}`, and what may be left out. Members it does not know are ignored.
public enum ScheduleProblemReader {
  /// A checked problem with its operators in the file's order, or in a topological one where the file's is not legal.
  ///
  /// - Throws: `Diagnostic` or `Diagnostics` with the path of the offending member, for example `ops[3].inputs[0]`.
  public static func read(_ source: SourceText) throws -> ScheduleProblem {
    let json = try JSONValue(parsing: source)
    var reader = Reader(source: source)
    var problem = try reader.problem(json)
    try reader.sortTopologically(&problem)
    try problem.check()
    return problem
  }

  private struct Reader {
    let source: SourceText
    var indexOfTensor: [Int: Int] = [:]

    func failure(_ rule: String, _ place: String, _ message: String) -> Diagnostic {
      Diagnostic("schedule.\(rule)", "\(place): \(message)", at: JSONValue.range(of: place, in: source))
    }

    mutating func problem(_ json: JSONValue) throws -> ScheduleProblem {
      guard json.members != nil else {
        throw failure("format", "top level", "expected an object with \"tensors\" and \"ops\"")
      }
      guard let tensors = json["tensors"]?.elements else {
        throw failure("format", "tensors", "expected an array")
      }
      guard let ops = json["ops"]?.elements else { throw failure("format", "ops", "expected an array") }
      var problem = ScheduleProblem(name: json["name"]?.string ?? source.name, tensors: [], operators: [])
      for (index, tensor) in tensors.enumerated() {
        problem.tensors.append(try self.tensor(tensor, "tensors[\(index)]"))
        if indexOfTensor.updateValue(index, forKey: problem.tensors[index].id) != nil {
          throw failure("duplicate-id", "tensors[\(index)].id", "tensor \(problem.tensors[index].id) stands here twice")
        }
      }
      let shapes = tensors.map { $0["shape"]?.integers }
      var seen: Set<Int> = []
      for (index, op) in ops.enumerated() {
        let place = "ops[\(index)]"
        guard let id = op["id"]?.integer else { throw failure("format", "\(place).id", "expected an integer") }
        if !seen.insert(id).inserted {
          throw failure("duplicate-id", "\(place).id", "operator \(id) stands here twice")
        }
        var read = ScheduleProblem.Operator(
          id: id, name: op["type"]?.string ?? op["name"]?.string ?? "operator",
          inputs: try operands(op, "inputs", place), outputs: try operands(op, "outputs", place),
          cycles: try cycles(op, place))
        // What is fused into an operator is done to its results.
        let fused = op["fused"]?.elements?.map { $0.string ?? "" } ?? []
        read.mayOverwrite =
          try boolean(op, "in_place", place) ?? ([read.name] + fused).allSatisfy(OperatorKinds.isElementwise)
        read.isConcatenation =
          try boolean(op, "adjacent", place)
          ?? (fused.isEmpty
            && OperatorKinds.isConcatenation(
              read.name, inputs: read.inputs.map { shapes[$0.index] }, outputs: read.outputs.map { shapes[$0.index] }))
        problem.operators.append(read)
      }
      return problem
    }

    private func tensor(_ json: JSONValue, _ place: String) throws -> ScheduleProblem.Tensor {
      guard let id = json["id"]?.integer else { throw failure("format", "\(place).id", "expected an integer") }
      guard let bytes = (json["bytes_int8"] ?? json["bytes"])?.integer else {
        throw failure("format", "\(place).bytes_int8", "expected a whole number of bytes up to 2^40")
      }
      guard let kind = json["kind"]?.string.flatMap(ScheduleProblem.TensorKind.init) else {
        let known = ScheduleProblem.TensorKind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        throw failure("format", "\(place).kind", "expected one of \(known)")
      }
      if bytes < 0 || bytes > ScheduleProblem.largestSize {
        throw failure("tensor-size", "\(place).bytes_int8", "expected 0 to 2^40, found \(bytes)")
      }
      return ScheduleProblem.Tensor(
        id: id, name: json["name"]?.string ?? "tensor \(id)", size: bytes, bytes: bytes, kind: kind)
    }

    private func cycles(_ op: JSONValue, _ place: String) throws -> Int {
      guard let member = op["cycles"] else { return 0 }
      guard let cycles = member.integer, (0...ScheduleProblem.mostCycles).contains(cycles) else {
        throw failure("format", "\(place).cycles", "expected a whole number of array cycles, 0 to 2^30")
      }
      return cycles
    }

    private func boolean(_ op: JSONValue, _ key: String, _ place: String) throws -> Bool? {
      guard let member = op[key] else { return nil }
      guard let value = member.boolean else { throw failure("format", "\(place).\(key)", "expected true or false") }
      return value
    }

    private func operands(_ op: JSONValue, _ key: String, _ place: String) throws -> [ScheduleProblem.TensorID] {
      guard let ids = op[key]?.integers else {
        throw failure("format", "\(place).\(key)", "expected an array of tensor ids")
      }
      return try ids.enumerated().map { number, id in
        guard let index = indexOfTensor[id] else {
          throw failure("unknown-tensor", "\(place).\(key)[\(number)]", "there is no tensor \(id)")
        }
        return ScheduleProblem.TensorID(index)
      }
    }

    /// Puts the operators into a legal order, keeping the file's when it is one.
    func sortTopologically(_ problem: inout ScheduleProblem) throws {
      var producer = [Int?](repeating: nil, count: problem.tensors.count)
      for (position, op) in problem.operators.enumerated() {
        for tensor in op.outputs where producer[tensor.index] == nil { producer[tensor.index] = position }
      }
      var waiting = [Int](repeating: 0, count: problem.operators.count)
      var readers = [[Int]](repeating: [], count: problem.operators.count)
      var isLegal = true
      for (position, op) in problem.operators.enumerated() {
        for source in Set(op.inputs.compactMap({ producer[$0.index] })).sorted() {
          if source >= position { isLegal = false }
          readers[source].append(position)
          waiting[position] += 1
        }
      }
      if isLegal { return }
      var order: [Int] = []
      // A heap is not needed: files in an illegal order are rare, and small against the search.
      var ready = Set(waiting.indices.filter { waiting[$0] == 0 })
      while let next = ready.min() {
        ready.remove(next)
        order.append(next)
        for reader in readers[next] {
          waiting[reader] -= 1
          if waiting[reader] == 0 { ready.insert(reader) }
        }
      }
      if order.count < problem.operators.count {
        let cycle = self.cycle(problem, producer, waiting)
        throw failure("cycle", "ops", "operators wait for each other in a circle: \(cycle)")
      }
      problem.operators = order.map { problem.operators[$0] }
    }

    private func cycle(_ problem: ScheduleProblem, _ producer: [Int?], _ waiting: [Int]) -> String {
      guard var current = waiting.firstIndex(where: { $0 > 0 }) else { return "none" }
      var visited: [Int] = []
      while !visited.contains(current) {
        visited.append(current)
        let sources = problem.operators[current].inputs.compactMap { producer[$0.index] }
        guard let next = sources.first(where: { waiting[$0] > 0 }) else { break }
        current = next
      }
      let start = visited.firstIndex(of: current) ?? 0
      let ids = (visited[start...] + [current]).reversed().map { "\(problem.operators[$0].id)" }
      return ids.count > 12 ? ids.prefix(12).joined(separator: " -> ") + " -> ..." : ids.joined(separator: " -> ")
    }
  }
}
