import SpadixSupport

extension Graph {
  /// The first difference between two graphs apart from places in source texts; nil when there is none.
  ///
  /// Data files are compared by the place that their paths lead to.
  public func firstDifference(from other: Graph) -> String? {
    if name != other.name { return "the names are @\(name) and @\(other.name)" }
    if data.count != other.data.count { return "there are \(data.count) and \(other.data.count) data" }
    for (left, right) in zip(data, other.data) where !left.isSame(as: right) { return "data @\(left.name) differs" }
    if values.count != other.values.count { return "there are \(values.count) and \(other.values.count) values" }
    for (index, (left, right)) in zip(values, other.values).enumerated() {
      guard left.type == right.type, left.name == right.name, left.definition == right.definition,
        left.calibration == right.calibration, left.samples == right.samples
      else { return "value \(index)\(left.name.map { ", %\($0)," } ?? "") differs" }
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
    return outputs == other.outputs ? nil : "the outputs differ"
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
