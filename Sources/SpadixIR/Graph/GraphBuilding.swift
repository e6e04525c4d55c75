import SpadixSupport
import SpadixTensor

extension Graph {
  /// Adds an input after the existing ones.
  @discardableResult
  public mutating func addInput(name: String?, type: TensorType) -> ValueID {
    let id = ValueID(values.count)
    values.append(Value(type: type, name: name, definition: .input(inputs.count)))
    inputs.append(id)
    return id
  }

  /// Adds an operation with one result at the end of the order.
  @discardableResult
  public mutating func append(
    _ op: Operator, _ operands: [ValueID], type: TensorType, name: String? = nil, range: SourceRange? = nil,
    sourceLine: Int? = nil, hostReason: String? = nil
  ) -> ValueID {
    let operation = OperationID(operations.count)
    let result = ValueID(values.count)
    values.append(Value(type: type, name: name, definition: .operation(operation, result: 0), range: range))
    operations.append(
      Operation(
        op, operands: operands, results: [result], range: range, sourceLine: sourceLine, hostReason: hostReason))
    return result
  }

  /// Adds a data definition; a name that is taken gets a suffix.
  @discardableResult
  public mutating func addData(_ definition: DataDefinition) -> DataID {
    // Passes edit `data` directly as well; a count that differs shows that the names are stale.
    if dataNames.count != data.count { dataNames = UniqueNames(data.map(\.name)) }
    var unique = definition
    unique.name = dataNames.take(definition.name)
    data.append(unique)
    return DataID(data.count - 1)
  }

  /// Adds data that holds the tensor, and a `constant` operation at the end of the order.
  @discardableResult
  public mutating func addConstant(_ tensor: Tensor, name: String) -> ValueID {
    let id = addData(DataDefinition(name: name, type: tensor.type, source: .literal(tensor.storage)))
    return append(.constant(Constant(data: id)), [], type: tensor.type, name: name)
  }

  /// Of an input or a result.
  public func type(of value: ValueID) -> TensorType { values[value].type }

  /// The operation that produces a value; nil for an input.
  public func producer(of value: ValueID) -> Operation? { values[value].producer.map { operations[$0] } }

  /// The data that a value is a constant of; nil where it is computed or an input.
  public func constantData(of value: ValueID) -> DataID? {
    guard case .constant(let constant)? = producer(of: value)?.op else { return nil }
    return constant.data
  }

  /// Whether a `constant` operation produces the value.
  public func isConstant(_ value: ValueID) -> Bool { constantData(of: value) != nil }

  /// The elements of a constant value; nil where the value is no constant.
  ///
  /// Throws what the data store does: files that are missing, truncated or of another type.
  public func constantTensor(_ value: ValueID, from store: DataStore) throws -> Tensor? {
    guard let id = constantData(of: value) else { return nil }
    return try store.tensor(data[id])
  }

  /// The uses of every value, by value id, in execution order. Uses as an output of the graph are not among them.
  public func useLists() -> [[Use]] {
    var lists = [[Use]](repeating: [], count: values.count)
    for (index, operation) in operations.enumerated() {
      for (operand, value) in operation.operands.enumerated() {
        lists[value].append(Use(operation: OperationID(index), operand: operand))
      }
    }
    return lists
  }

  /// The first int8 value that an operation reads or computes; nil in a graph that computes in floating point.
  /// Constants and inputs that are only outputs do not count.
  public var firstComputedInt8: ValueID? {
    for operation in operations {
      if case .constant = operation.op { continue }
      // Weights that are kept in int8.
      if case .dequantize = operation.op, isConstant(operation.operands[0]) { continue }
      let values = operation.operands + operation.results
      if let int8 = values.first(where: { type(of: $0).element.isInt8 }) { return int8 }
    }
    return nil
  }

  /// The uses of one value, in execution order. Linear in the graph: `useLists` serves many questions at once.
  func uses(of value: ValueID) -> [Use] {
    var uses: [Use] = []
    for (index, operation) in operations.enumerated() {
      for (operand, used) in operation.operands.enumerated() where used == value {
        uses.append(Use(operation: OperationID(index), operand: operand))
      }
    }
    return uses
  }
}
