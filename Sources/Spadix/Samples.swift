import SpadixIR
import SpadixSupport
import SpadixTensor

/// What an input or output of a graph or a program is called, and its type.
public struct Port: Sendable {
  /// As the graph's text gives it.
  public var name: String
  /// Of the tensor; of a program's port, as it lies in DRAM.
  public var type: TensorType

  public init(name: String, type: TensorType) {
    self.name = name
    self.type = type
  }
}

extension Graph {
  /// The inputs, by the names that the graph's text gives them.
  public var inputPorts: [Port] {
    let names = ValueNames(self)
    return inputs.map { Port(name: names.plain($0), type: values[$0].type) }
  }

  /// The outputs, by their own names where they have some.
  public var outputPorts: [Port] {
    let names = ValueNames(self)
    return outputs.enumerated().map { Port(name: names.output($0, of: self), type: values[$1].type) }
  }

  /// The interval of real values that each input is expected to lie in: its range, or that of its calibration samples;
  /// nil for an input with neither.
  public func inputRanges(data store: DataStore) throws -> [ClosedRange<Float>?] {
    try inputs.map { input in
      let value = values[input]
      if let range = value.calibration { return range.low <= range.high ? range.low...range.high : nil }
      guard let samples = value.samples else { return nil }
      let elements = try store.tensor(data[samples]).realValues.filter(\.isFinite)
      guard let low = elements.min(), let high = elements.max() else { return nil }
      return low...high
    }
  }
}

/// Input tensors for a graph, one set per sample.
///
/// An array whose axis 0 is longer than the input's holds several samples: `[500, 8, 8, 1]` for an input `[1, 8, 8, 1]`.
public struct Samples: Sendable {
  /// Those of the graph, in order.
  public let inputs: [Port]
  /// Number of samples.
  public let count: Int
  private let sources: [Source]

  private enum Source: Sendable {
    /// The elements of all samples in order.
    case elements(Tensor.Storage)
    /// Seeded; each sample is made when it is asked for.
    case random(seed: UInt64, range: ClosedRange<Float>)
    /// Seeded whole numbers, from 0 to below the count.
    case indices(seed: UInt64, count: Int)
  }

  /// Reads .npy files, one per input, or .npz files with an array for each.
  ///
  /// - Parameter files: input names with paths; an empty name stands for the only input.
  /// Throws diagnostics: an unknown or missing input, a file that cannot be read, a shape or an element type that is not
  /// the input's, a number that is not finite, inputs with different numbers of samples.
  public init(reading files: [(name: String, path: String)], for inputs: [Port]) throws {
    let files = try SampleFiles(files, for: inputs)
    var sources: [Source] = []
    var counts: [Int] = []
    for (input, given) in zip(inputs, files.arrays) {
      guard let given else {
        throw Diagnostic(
          "input.missing", "input '\(input.name)' of type \(input.type) is not given",
          help: "add --input \(input.name)=FILE.npy")
      }
      let (storage, count) = try Self.read(given.array, given.source, for: input)
      if let first = counts.first, first != count {
        throw Diagnostic(
          "input.sample-count",
          "input '\(inputs[0].name)' has \(first) samples and input '\(input.name)' has \(count); expected the same")
      }
      sources.append(.elements(storage))
      counts.append(count)
    }
    self.inputs = inputs
    self.sources = sources
    self.count = counts.first ?? 1
  }

  /// Reads .npy or .npz files for some of the inputs, each as one tensor with all its samples along axis 0.
  public static func stacked(
    reading files: [(name: String, path: String)], for inputs: [Port]
  ) throws -> [(name: String, tensor: Tensor)] {
    let files = try SampleFiles(files, for: inputs)
    return try zip(inputs, files.arrays).compactMap { input, given in
      guard let given else { return nil }
      let (storage, count) = try read(given.array, given.source, for: input)
      guard let type = input.type.stacked(count) else { preconditionFailure("the file held as many elements") }
      return (input.name, Tensor(type, storage))
    }
  }

  /// Seeded random tensors.
  ///
  /// - Parameters:
  ///   - ranges: per input the interval of real values; nil for -1 to 1. Integers take their whole range.
  ///   - indexCounts: per input the number of places that it chooses among; nil for inputs that hold no indices.
  public init(
    seed: UInt64, count: Int, for inputs: [Port], ranges: [ClosedRange<Float>?], indexCounts: [Int?]? = nil
  ) {
    var generator = SplitMix64(seed: seed)
    self.inputs = inputs
    self.count = count
    self.sources = ranges.enumerated().map { index, range in
      let seed = generator.next()
      if let places = indexCounts?[index] { return .indices(seed: seed, count: places) }
      return .random(seed: seed, range: range ?? -1...1)
    }
  }

  /// Seeded random tensors for a graph: reals in the ranges of its inputs, and indices that its gathers can take.
  public init(seed: UInt64, count: Int, for graph: Graph, data: DataStore) throws {
    self.init(
      seed: seed, count: count, for: graph.inputPorts, ranges: try graph.inputRanges(data: data),
      indexCounts: graph.indexCounts)
  }

  /// The tensors of one sample, in the order of the inputs.
  public subscript(sample: Int) -> [Tensor] {
    zip(inputs, sources).map { input, source in
      let size = input.type.elementCount
      switch source {
      case .elements(let storage): return Tensor(input.type, storage.slice(sample * size, size))
      case .random(let seed, let range):
        return Tensor(input.type, Self.random(input.type, seed: seed &+ UInt64(sample), range))
      case .indices(let seed, let count):
        let indices = RandomTensor.integers(
          count: size, seed: seed &+ UInt64(sample), low: 0, high: Int32(clamping: count - 1))
        return Tensor(input.type, .f32(indices.map { Float($0) }))
      }
    }
  }

  /// The first samples only.
  public func prefix(_ limit: Int) -> Samples { Samples(inputs: inputs, count: min(limit, count), sources: sources) }

  private init(inputs: [Port], count: Int, sources: [Source]) {
    self.inputs = inputs
    self.count = count
    self.sources = sources
  }

  private static func random(_ type: TensorType, seed: UInt64, _ range: ClosedRange<Float>) -> Tensor.Storage {
    let count = type.elementCount
    switch type.element {
    case .f32:
      return .f32(
        RandomTensor.uniform(count: count, seed: seed, low: range.lowerBound, high: range.upperBound))
    case .i8, .q8:
      let values = RandomTensor.integers(count: count, seed: seed, low: -128, high: 127)
      return .i8(values.map { Int8($0) })
    case .i32: return .i32(RandomTensor.integers(count: count, seed: seed, low: -1000, high: 1000))
    }
  }

  private static func read(
    _ array: NpyArray, _ path: String, for input: Port
  ) throws -> (Tensor.Storage, count: Int) {
    try Memory.require(2 * array.count * input.type.element.byteCount, for: "input '\(input.name)' from '\(path)'")
    let shape = input.type.shape
    let batch = shape.first ?? 1
    let count: Int
    if array.shape == shape {
      count = 1
    } else if array.shape.count == shape.count, array.shape.dropFirst() == shape.dropFirst(), batch > 0,
      array.shape[0] % batch == 0, array.shape[0] > 0
    {
      count = array.shape[0] / batch
    } else if Array(array.shape.dropFirst()) == shape, array.shape[0] > 0 {
      count = array.shape[0]
    } else if batch == 1, array.shape == Array(shape.dropFirst()) {
      // One sample without the axis of the batch, as one picture has it.
      count = 1
    } else {
      let several = shape.isEmpty ? "" : ", or a multiple of \(batch) along axis 0"
      let hint = ShapeHint.text(
        found: array.shape, expected: shape, array: "numpy.load('\(path)')", isWeights: false)
      throw Diagnostic(
        "input.shape", "'\(path)' has shape \(array.shape); input '\(input.name)' expects \(shape)\(several)",
        help: hint.map { "\($0) (save it with numpy.save)" })
    }
    guard let type = input.type.stacked(count) else {
      throw Diagnostic("input.shape", "'\(path)' has shape \(array.shape), too many elements")
    }
    guard let tensor = array.tensor(type) else {
      throw Diagnostic(
        "input.type",
        "'\(path)' has elements of type \(array.dtype.rawValue); input '\(input.name)' has type \(input.type)",
        help: "expected \(input.type.element.npyDescription)")
    }
    if case .f32(let values) = tensor.storage, let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Diagnostic(
        "input.not-finite", "'\(path)' holds \(values[bad]) at element \(bad); expected finite numbers")
    }
    return (tensor.storage, count)
  }
}

extension ElementType {
  fileprivate var npyDescription: String {
    switch self {
    case .f32: "numbers"
    case .i8, .q8: "integers of -128 to 127, the quantized values themselves"
    case .i32: "integers that int32 can hold"
    }
  }
}

extension TensorType {
  /// The type of this many tensors one after the other along axis 0; nil when it has too many elements. One scalar stays
  /// one, several have an axis.
  func stacked(_ count: Int) -> TensorType? {
    if shape.isEmpty, count == 1 { return self }
    let (batch, overflow) = (shape.first ?? 1).multipliedReportingOverflow(by: count)
    guard !overflow else { return nil }
    var result = self
    result.shape.replaceSubrange(0..<min(1, rank), with: [batch])
    return result.checkedElementCount == nil ? nil : result
  }
}

extension Tensor.Storage {
  func slice(_ start: Int, _ count: Int) -> Tensor.Storage {
    switch self {
    case .f32(let values): .f32(Array(values[start..<start + count]))
    case .i8(let values): .i8(Array(values[start..<start + count]))
    case .i32(let values): .i32(Array(values[start..<start + count]))
    }
  }
}

extension Tensor {
  /// Tensors of one type as one, along axis 0; nil for none, and when the result has too many elements.
  public static func stacking(_ tensors: [Tensor]) -> Tensor? {
    guard let first = tensors.first, let type = first.type.stacked(tensors.count) else { return nil }
    switch first.storage {
    case .f32: return Tensor(type, .f32(tensors.flatMap(\.floats)))
    case .i8: return Tensor(type, .i8(tensors.flatMap(\.int8s)))
    case .i32: return Tensor(type, .i32(tensors.flatMap(\.int32s)))
    }
  }
}
