import SpadixTensor

extension Graph {
  /// A constant that an operation is to read.
  public struct ConstantOperand {
    /// The one that reads it, of the graph before.
    var operation: OperationID
    /// The place among the operands; what stands there is replaced, or moves up where the constant is inserted.
    var position: Int
    /// Whether operands from `position` on move up; otherwise the one there is replaced.
    var isInserted: Bool
    /// Type and elements.
    var tensor: Tensor
    /// Wanted for its data and its value; one that is taken gets a suffix.
    var name: String

    public init(_ operation: OperationID, position: Int, isInserted: Bool = false, _ tensor: Tensor, name: String) {
      self.operation = operation
      self.position = position
      self.isInserted = isInserted
      self.tensor = tensor
      self.name = name
    }
  }

  /// The graph with other constants as operands. All values keep their ids; the new constants come first in the order,
  /// and their values last. Constants that nobody reads any more stay.
  public func setting(_ constants: [ConstantOperand]) -> Graph {
    var result = self
    var front: [Operation] = []
    for (index, constant) in constants.enumerated() {
      let value = ValueID(result.values.count)
      let data = result.addData(
        DataDefinition(name: constant.name, type: constant.tensor.type, source: .literal(constant.tensor.storage)))
      let reader = result.operations[constant.operation]
      front.append(
        Operation(
          .constant(Constant(data: data)), operands: [], results: [value], range: reader.range,
          sourceLine: reader.sourceLine))
      result.values.append(
        Value(
          type: constant.tensor.type, name: constant.name, definition: .operation(OperationID(index), result: 0),
          range: reader.range))
      if constant.isInserted {
        result.operations[constant.operation].operands.insert(value, at: constant.position)
      } else {
        result.operations[constant.operation].operands[constant.position] = value
      }
    }
    for value in values.indices {
      guard case .operation(let operation, let place) = values[value].definition else { continue }
      result.values[value].definition = .operation(OperationID(operation.index + front.count), result: place)
    }
    result.operations.insert(contentsOf: front, at: 0)
    return result
  }
}
