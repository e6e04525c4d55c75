import SpadixIR
import SpadixTensor

/// The first place where a value is not what the reference says.
public struct Divergence: Sendable {
  /// Which step of the compiler is to blame.
  public enum Stage: String, Sendable {
    /// The lowered graph does not compute what the quantized graph does.
    case lowering
    /// The machine does not compute what the lowered graph says.
    case machine
  }

  /// What is wrong with one tensor.
  public struct Difference: Sendable {
    /// Row-major index of the first element that differs.
    public var element: Int
    /// What the reference computes for that element.
    public var expected: Double
    /// What was computed for it.
    public var found: Double
    /// How many elements differ, of how many.
    public var count: Int
    /// Elements of the tensor.
    public var elementCount: Int
  }

  /// Lowering where it is wrong already; the machine only where lowering is right.
  public var stage: Stage
  /// From 0.
  public var sample: Int
  /// Such as `%12 = npu.conv2d`; nil where no intermediate value could be compared.
  public var operation: String?
  /// Line of the graph file; nil when unknown.
  public var sourceLine: Int?
  /// Nil where no intermediate value could be compared.
  public var difference: Difference?
  /// Values that were compared and are right before this one, and those that could not be compared.
  public var rightBefore: Int
  /// Values before this one that could not be compared.
  public var unseenBefore: Int
}

extension Divergence {
  /// Compares values of the same name in execution order.
  static func inLowering(
    _ sample: Int, _ quantized: Graph, _ expected: [Tensor], _ npu: Graph, _ found: [Tensor]
  ) -> Divergence {
    var byName: [String: Tensor] = [:]
    for (index, value) in quantized.values.enumerated() {
      if let name = value.name { byName[name] = expected[index] }
    }
    return first(.lowering, sample, npu) { value in
      guard let name = npu.values[value].name, let expected = byName[name],
        expected.storage.count == found[value].storage.count
      else { return nil }
      return (expected, found[value])
    }
  }

  /// Compares the buffers that the machine has in DRAM, in execution order.
  ///
  /// - Parameter buffer: what DRAM holds of a value by name; nil for one that never leaves the scratchpad.
  static func onMachine(
    _ sample: Int, _ npu: Graph, _ expected: [Tensor], buffer: (String, TensorType) -> Tensor?
  ) -> Divergence {
    let names = ValueNames(npu)
    return first(.machine, sample, npu) { value in
      guard let found = buffer(names.plain(value), npu.values[value].type) else { return nil }
      return (expected[value], found)
    }
  }

  private static func first(
    _ stage: Stage, _ sample: Int, _ graph: Graph, _ pair: (ValueID) -> (expected: Tensor, found: Tensor)?
  ) -> Divergence {
    var result = Divergence(stage: stage, sample: sample, rightBefore: 0, unseenBefore: 0)
    let names = ValueNames(graph)
    for operation in graph.operations {
      if case .constant = operation.op { continue }
      guard let (expected, found) = pair(operation.result) else {
        result.unseenBefore += 1
        continue
      }
      if let difference = Difference(expected, found) {
        result.operation = "\(names[operation.result]) = \(operation.op.mnemonic)"
        result.sourceLine = operation.sourceLine
        result.difference = difference
        return result
      }
      result.rightBefore += 1
    }
    return result
  }
}

extension Divergence.Difference {
  /// Nil when both are equal bit for bit.
  init?(_ expected: Tensor, _ found: Tensor) {
    if expected.storage == found.storage { return nil }
    let left = expected.rawValues
    let right = found.rawValues
    guard let first = left.indices.first(where: { left[$0].bitPattern != right[$0].bitPattern }) else { return nil }
    element = first
    self.expected = left[first]
    self.found = right[first]
    count = zip(left, right).count { $0.bitPattern != $1.bitPattern }
    elementCount = left.count
  }
}

extension Tensor {
  /// The elements as numbers, without the meaning that a quantized type gives them.
  fileprivate var rawValues: [Double] {
    switch storage {
    case .f32(let values): values.map { Double($0) }
    case .i8(let values): values.map { Double($0) }
    case .i32(let values): values.map { Double($0) }
    }
  }
}
