@testable import SpadixOrder

extension ScheduleProblem {
  /// Adds a tensor that takes as much room as it has bytes.
  mutating func add(_ kind: TensorKind, _ size: Int) -> TensorID {
    let id = tensors.count
    tensors.append(Tensor(id: id, name: "t\(id)", size: size, bytes: size, kind: kind))
    return TensorID(id)
  }

  /// Adds an operator behind those before.
  mutating func run(_ inputs: [TensorID], _ output: TensorID, name: String = "op") {
    operators.append(Operator(id: operators.count, name: name, inputs: inputs, outputs: [output]))
  }
}
