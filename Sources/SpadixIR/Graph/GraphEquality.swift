import SpadixSupport

extension Graph {
  /// The first difference between two graphs apart from places in source texts; nil when there is none.
  ///
  /// Values without a name count as called by the number that the printer gives them.
  /// Data files are compared by the place that their paths lead to.
  public func firstDifference(from other: Graph) -> String? {
    if name != other.name { return "the names are @\(name) and @\(other.name)" }
    if data.count != other.data.count { return "there are \(data.count) and \(other.data.count) data" }
    for (left, right) in zip(data, other.data) where !left.isSame(as: right) { return "data @\(left.name) differs" }
    if values.count != other.values.count { return "there are \(values.count) and \(other.values.count) values" }
    let names = ValueNames(self)
    let otherNames = ValueNames(other)
    for (index, (left, right)) in zip(values, other.values).enumerated() {
      let id = ValueID(index)
      guard left.type == right.type, names.plain(id) == otherNames.plain(id), left.definition == right.definition,
        left.calibration == right.calibration, left.samples == right.samples
      else { return "value \(index), \(names[id]), differs" }
    }
    if operations.count != other.operations.count {
      return "there are \(operations.count) and \(other.operations.count) operations"
    }
    for (index, (left, right)) in zip(operations, other.operations).enumerated() {
      guard left.op == right.op, left.operands == right.operands, left.results == right.results,
        left.hostReason == right.hostReason
      else { return "operation \(index), \(left.op.mnemonic), differs" }
    }
    if inputs != other.inputs { return "the inputs differ" }
    if outputs != other.outputs { return "the outputs differ" }
    let differing = outputs.indices.first { names.output($0, of: self) != otherNames.output($0, of: other) }
    return differing.map {
      "output \($0) is called \(names.output($0, of: self)) and \(otherNames.output($0, of: other))"
    }
  }
}

extension DataDefinition {
  fileprivate func isSame(as other: DataDefinition) -> Bool {
    guard name == other.name, type == other.type else { return false }
    guard case .file(_, let tensor) = source, case .file(_, let otherTensor) = other.source,
      let file, let otherFile = other.file
    else { return source == other.source }
    return tensor == otherTensor && Files.isSame(file, otherFile)
  }
}
