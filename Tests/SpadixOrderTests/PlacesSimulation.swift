@testable import SpadixOrder

/// A plan in which tensors have places in common, run on a memory of units, each of which holds what was written there last.
/// What every operator of the problem as it was given reads must be there, unit by unit and in order; and where its result is
/// written, each of its operands either is not, or has the same element in the same place.
struct PlacesSimulation {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let given: ScheduleProblem
  private let shared: ScheduleProblem
  private let plan: ScheduleSolution
  /// For each tensor that was given what its units hold; those of a concatenation hold what its operands do.
  private var contents: [[Int]] = []
  private var memory: [Int]
  /// For each tensor of the shared problem what DRAM holds.
  private var stored: [[Int]?]
  private(set) var traffic = ScheduleSolution.Traffic(spilled: 0, fetched: 0)

  init(_ given: ScheduleProblem, _ shared: ScheduleProblem, _ plan: ScheduleSolution) {
    self.given = given
    self.shared = shared
    self.plan = plan
    memory = [Int](repeating: -1, count: plan.budget)
    stored = shared.tensors.map { _ in nil }
    var next = 0
    contents = given.tensors.map { tensor in
      defer { next += tensor.size }
      return Array(next..<next + tensor.size)
    }
    for op in given.operators where op.isConcatenation {
      let parts = op.inputs.flatMap { contents[$0.index] }
      // With alignment the result is not what the operands are one behind the other.
      if parts.count == given.tensors[op.outputs[0]].size { contents[op.outputs[0].index] = parts }
    }
  }

  /// - Throws: `Failure` where something that is read or stored is not what it should be.
  mutating func run() throws {
    for (index, tensor) in shared.tensors.enumerated() where tensor.kind == .input || tensor.kind == .parameter {
      stored[index] = content(ScheduleProblem.TensorID(index))
    }
    var hasBeenThere = [Bool](repeating: false, count: shared.tensors.count)
    for (step, run) in plan.order.enumerated() {
      let op = shared.operators[run]
      for piece in plan.pieces where piece.first == step && !op.outputs.contains(piece.tensor) {
        guard let units = stored[piece.tensor.index] else { throw failure("fetched before it is stored", piece, step) }
        memory.replaceSubrange(piece.offset..<piece.offset + units.count, with: units)
        if hasBeenThere[piece.tensor.index] { traffic.fetched += shared.tensors[piece.tensor].bytes }
      }
      try read(op, step)
      for piece in plan.pieces where piece.first == step && op.outputs.contains(piece.tensor) {
        let units = content(piece.tensor)
        memory.replaceSubrange(piece.offset..<piece.offset + units.count, with: units)
        if shared.tensors[piece.tensor].kind == .output { stored[piece.tensor.index] = units }
      }
      for piece in plan.pieces where piece.last == step {
        hasBeenThere[piece.tensor.index] = true
        let isNeeded = plan.pieces.contains { $0.tensor == piece.tensor && $0.first > step }
        if !isNeeded || stored[piece.tensor.index] != nil { continue }
        try expect(content(piece.tensor), at: piece.offset, "stored", step)
        stored[piece.tensor.index] = content(piece.tensor)
        traffic.spilled += shared.tensors[piece.tensor].bytes
      }
    }
  }

  /// What an operator of the given problem reads, where it has to be.
  private func read(_ op: ScheduleProblem.Operator, _ step: Int) throws {
    guard let original = given.operators.first(where: { $0.id == op.id }) else { return }
    for input in original.inputs where given.isScheduled(input, in: plan.scope) {
      guard let offset = offset(of: input, step) else { continue }
      try expect(contents[input.index], at: offset, "read by operator \(op.id)", step)
      try checkWritten(over: input, at: offset, original, step)
    }
  }

  /// A result may be written over an operand of its bytes, or over the part of it that is the operand.
  private func checkWritten(
    over input: ScheduleProblem.TensorID, at offset: Int, _ op: ScheduleProblem.Operator, _ step: Int
  ) throws {
    let size = given.tensors[input].size
    for result in op.outputs {
      guard let place = self.offset(of: result, step) else { continue }
      let isApart = place + given.tensors[result].size <= offset || offset + size <= place
      if isApart || size == 0 || given.tensors[result].size == 0 { continue }
      let isAllOfIt = place == offset && given.tensors[input].bytes == given.tensors[result].bytes && op.mayOverwrite
      let isPart =
        op.isConcatenation && contents[result.index].dropFirst(offset - place).starts(with: contents[input.index])
      if !isAllOfIt && !isPart {
        throw Failure(description: "step \(step): operator \(op.id) writes over tensor \(given.tensors[input].id)")
      }
    }
  }

  /// Where a given tensor begins: where the first of what it was concatenated from does, if there is no such tensor any more.
  private func offset(of tensor: ScheduleProblem.TensorID, _ step: Int) -> Int? {
    let id = given.tensors[tensor].id
    if let index = shared.tensors.firstIndex(where: { $0.id == id }) {
      return plan.pieces.first { $0.tensor.index == index && $0.first <= step && step <= $0.last }?.offset
    }
    let maker = given.operators.first { $0.outputs.contains(tensor) }
    // Tensors without units begin nowhere.
    let parts = maker?.inputs.filter { given.tensors[$0].size > 0 } ?? []
    return parts.first.flatMap { offset(of: $0, step) }
  }

  private func content(_ tensor: ScheduleProblem.TensorID) -> [Int] {
    let id = shared.tensors[tensor].id
    return given.tensors.firstIndex { $0.id == id }.map { contents[$0] } ?? []
  }

  private func expect(_ units: [Int], at offset: Int, _ what: String, _ step: Int) throws {
    let found = Array(memory[offset..<offset + units.count])
    if found != units { throw Failure(description: "step \(step): \(what) at \(offset): \(found), expected \(units)") }
  }

  private func failure(_ what: String, _ piece: ScheduleSolution.Piece, _ step: Int) -> Failure {
    Failure(description: "step \(step): tensor \(shared.tensors[piece.tensor].id) is \(what)")
  }
}
