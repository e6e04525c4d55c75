extension ScheduleProblem {
  /// The same problem without the concatenations whose operands can lie next to each other: whoever read the result reads
  /// the operands, which are then in their order, one behind the other. Each of them stays, leaves and comes back by itself.
  ///
  /// Left as they are: concatenations of parameters, or of a tensor with itself; results that are outputs while an operand
  /// is an input, and so is stored by nobody; and those that would give an operand two neighbours on the same side.
  func withAdjacentConcatenations() -> ScheduleProblem {
    var pass = AdjacentConcatenations(self)
    pass.run()
    return pass.result()
  }
}

private struct AdjacentConcatenations {
  private var problem: ScheduleProblem
  private var origins: CommonOrigins
  private var isGone: [Bool]
  private var isOperatorGone: [Bool]
  /// The operators that read each tensor.
  private var readers: [[Int]]

  init(_ problem: ScheduleProblem) {
    self.problem = problem
    origins = CommonOrigins(problem)
    isGone = problem.tensors.map { _ in false }
    isOperatorGone = problem.operators.map { _ in false }
    readers = [[Int]](repeating: [], count: problem.tensors.count)
    for (index, op) in problem.operators.enumerated() {
      for tensor in Set(op.inputs).sorted() { readers[tensor.index].append(index) }
    }
  }

  /// In the order of the operators, so that the operands of a concatenation are what is left of others.
  mutating func run() {
    for (index, op) in problem.operators.enumerated() where op.isConcatenation {
      guard let whole = op.outputs.first, op.outputs.count == 1, canReplace(whole, op.inputs) else { continue }
      var places: [Int] = []
      var end = 0
      for part in op.inputs {
        places.append(end)
        end += problem.tensors[part].size
      }
      let parts = op.inputs.map(\.index)
      guard origins.overlaps(parts, at: places)?.isEmpty == true else { continue }
      origins.join(parts, at: places)
      isOperatorGone[index] = true
      replace(whole, by: op.inputs)
    }
  }

  /// Whether the parts are the bytes of the whole.
  private func canReplace(_ whole: ScheduleProblem.TensorID, _ parts: [ScheduleProblem.TensorID]) -> Bool {
    let tensor = problem.tensors[whole]
    let tensors = parts.map { problem.tensors[$0] }
    return !parts.isEmpty && Set(parts).count == parts.count && tensors.allSatisfy { $0.kind != .parameter }
      && (tensor.kind != .output || tensors.allSatisfy { $0.kind != .input })
      && tensors.dropLast().allSatisfy { $0.padding == 0 }
      && tensors.reduce(0) { $0 + $1.size } == tensor.size && tensors.reduce(0) { $0 + $1.bytes } == tensor.bytes
  }

  private mutating func replace(_ whole: ScheduleProblem.TensorID, by parts: [ScheduleProblem.TensorID]) {
    isGone[whole.index] = true
    for reader in readers[whole.index] {
      var inputs: [ScheduleProblem.TensorID] = []
      for input in problem.operators[reader].inputs { inputs += input == whole ? parts : [input] }
      problem.operators[reader].inputs = inputs
      if parts.count > 1, !problem.operators[reader].adjacent.contains(parts) {
        problem.operators[reader].adjacent.append(parts)
      }
    }
    for part in parts {
      readers[part.index] = Set(readers[part.index] + readers[whole.index]).sorted()
      // Stored as part of the whole in the end.
      if problem.tensors[whole].kind == .output { problem.tensors[part].kind = .output }
    }
  }

  /// Without what is gone, so that numbers of tensors are others; ids are the same.
  func result() -> ScheduleProblem {
    var numbers: [ScheduleProblem.TensorID?] = []
    var tensors: [ScheduleProblem.Tensor] = []
    for index in problem.tensors.indices {
      numbers.append(isGone[index] ? nil : ScheduleProblem.TensorID(tensors.count))
      if isGone[index] { continue }
      tensors.append(problem.tensors[index])
      tensors[tensors.count - 1].displacement = origins.displacements[index]
    }
    func renumbered(_ list: [ScheduleProblem.TensorID]) -> [ScheduleProblem.TensorID] {
      list.compactMap { numbers[$0.index] }
    }
    var result = problem
    result.tensors = tensors
    result.operators = problem.operators.indices.filter { !isOperatorGone[$0] }.map { index in
      var op = problem.operators[index]
      op.inputs = unique(renumbered(op.inputs))
      op.outputs = renumbered(op.outputs)
      op.adjacent = op.adjacent.map(renumbered)
      return op
    }
    result.sharing.insert(.adjacentConcatenation)
    return result
  }

  private func unique(_ list: [ScheduleProblem.TensorID]) -> [ScheduleProblem.TensorID] {
    var seen: Set<ScheduleProblem.TensorID> = []
    return list.filter { seen.insert($0).inserted }
  }
}
