extension ScheduleProblem {
  /// The same problem where the operands of concatenations lie next to each other, so that nothing has to be copied.
  ///
  /// Where nothing else needs the operands afterwards, the result takes their place, and the operator needs no more room than
  /// that. Otherwise, with `views`, there is no such operator any more: whoever read the result reads the operands, which are then in their
  /// order, one behind the other, and each of them stays, leaves and comes back by itself.
  ///
  /// Left as they are: concatenations of parameters, or of a tensor with itself; and those that would give an operand two
  /// neighbours on the same side.
  func withAdjacentConcatenations(views: Bool) -> ScheduleProblem {
    var pass = AdjacentConcatenations(self, views: views)
    pass.run()
    return pass.result()
  }
}

private struct AdjacentConcatenations {
  private var problem: ScheduleProblem
  private let makesViews: Bool
  private var origins: CommonOrigins
  private var lifetimes: TensorLifetimes
  private var isGone: [Bool]
  private var isOperatorGone: [Bool]
  /// The operators that read each tensor.
  private var readers: [[Int]]

  init(_ problem: ScheduleProblem, views: Bool) {
    self.problem = problem
    makesViews = views
    origins = CommonOrigins(problem)
    lifetimes = TensorLifetimes(problem)
    isGone = problem.tensors.map { _ in false }
    isOperatorGone = problem.operators.map { _ in false }
    readers = [[Int]](repeating: [], count: problem.tensors.count)
    for (index, op) in problem.operators.enumerated() {
      for tensor in Set(op.inputs).sorted() { readers[tensor.index].append(index) }
    }
  }

  /// In the order of the operators, so that the operands of a concatenation are what is left of others, and operators that
  /// come to touch a tensor are none of its last ones' ancestors.
  mutating func run() {
    for (index, op) in problem.operators.enumerated() where op.isConcatenation {
      guard let whole = op.outputs.first, op.outputs.count == 1 else { continue }
      // By now some of them may be what others were concatenated from.
      let parts = problem.operators[index].inputs
      guard isMade(whole, of: parts) else { continue }
      var places: [Int] = []
      var end = 0
      for part in parts {
        places.append(end)
        end += problem.tensors[part].size
      }
      if parts.allSatisfy({ lifetimes.isLast(index, of: $0.index) }) {
        replace(parts, places, by: whole, index)
      } else if makesViews {
        replace(whole, by: parts, places, index)
      }
    }
  }

  /// Whether the parts are the bytes of the whole.
  private func isMade(_ whole: ScheduleProblem.TensorID, of parts: [ScheduleProblem.TensorID]) -> Bool {
    let tensor = problem.tensors[whole]
    let tensors = parts.map { problem.tensors[$0] }
    return !parts.isEmpty && Set(parts).count == parts.count && tensors.allSatisfy { $0.kind != .parameter }
      && tensors.dropLast().allSatisfy { $0.padding == 0 }
      && tensors.reduce(0) { $0 + $1.size } == tensor.size && tensors.reduce(0) { $0 + $1.bytes } == tensor.bytes
  }

  /// The whole comes to where the parts end.
  private mutating func replace(
    _ parts: [ScheduleProblem.TensorID], _ places: [Int], by whole: ScheduleProblem.TensorID, _ op: Int
  ) {
    let tensors = (parts + [whole]).map(\.index)
    lifetimes.setOverwriter(op, of: parts.map(\.index))
    guard let overlaps = origins.overlaps(tensors, at: places + [0]),
      overlaps.allSatisfy({ lifetimes.areApart($0.one, $0.other) })
    else { return lifetimes.setOverwriter(nil, of: parts.map(\.index)) }
    origins.join(tensors, at: places + [0])
    problem.operators[op].overwritten = parts
  }

  /// The parts remain, and the operator does not.
  private mutating func replace(
    _ whole: ScheduleProblem.TensorID, by parts: [ScheduleProblem.TensorID], _ places: [Int], _ op: Int
  ) {
    let tensors = parts.map(\.index)
    let isOutput = problem.tensors[whole].kind == .output
    // An input is stored by nobody.
    if isOutput, parts.contains(where: { problem.tensors[$0].kind == .input }) { return }
    guard origins.overlaps(tensors, at: places)?.isEmpty == true else { return }
    origins.join(tensors, at: places)
    isGone[whole.index] = true
    isOperatorGone[op] = true
    for reader in readers[whole.index] {
      var inputs: [ScheduleProblem.TensorID] = []
      for input in problem.operators[reader].inputs { inputs += input == whole ? parts : [input] }
      // What it reads in two ways would be gone for the one when the other has been written over.
      if Set(inputs).count < inputs.count { problem.operators[reader].mayOverwrite = false }
      problem.operators[reader].inputs = inputs
      if parts.count > 1, !problem.operators[reader].adjacent.contains(parts) {
        problem.operators[reader].adjacent.append(parts)
      }
    }
    for part in parts {
      lifetimes.replaceTouch(of: part.index, by: op, with: readers[whole.index])
      readers[part.index] = Set(readers[part.index].filter { $0 != op } + readers[whole.index]).sorted()
      if isOutput { problem.tensors[part].kind = .output }
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
      op.overwritten = renumbered(op.overwritten)
      return op
    }
    result.sharing.insert(.adjacentConcatenation)
    if makesViews { result.sharing.insert(.concatenationViews) }
    return result
  }

  private func unique(_ list: [ScheduleProblem.TensorID]) -> [ScheduleProblem.TensorID] {
    var seen: Set<ScheduleProblem.TensorID> = []
    return list.filter { seen.insert($0).inserted }
  }
}
