import SpadixTensor

/// Commands, the DRAM image they start from, and what people need to read the result: a program for one target.
public struct Program: Sendable {
  /// The one that it was compiled for. Targets of one `fingerprint` run it with the same results.
  public var target: Target
  /// In the order of issue; host steps run between them.
  public var commands: [Command]
  /// Initial DRAM content. Bytes outside have no value until they are written.
  public var segments: [Segment]
  /// In the order of the graph's inputs.
  public var inputs: [Binding]
  /// In the order of the graph's outputs.
  public var outputs: [Binding]
  /// What lies where in DRAM, to tell traffic apart. Bytes outside all symbols count as `other`.
  public var symbols: [Symbol]
  /// Values that lie in the rows of a symbol of another.
  public var parts: [Binding] = []
  /// What the commands come from.
  public var operations: [DebugOperation]
  /// Which commands come from which operation: in ascending order, not overlapping.
  public var debug: [DebugRun]
  /// In ascending order of `before`.
  public var hostSteps: [HostStep]
  /// Content that DRAM must have at the end (recorded conformance programs).
  public var expectations: [Segment]
  /// Bytes within the expectations that may end with any value.
  public var unspecified: [AddressRange]

  public init(
    target: Target, commands: [Command] = [], segments: [Segment] = [], inputs: [Binding] = [],
    outputs: [Binding] = [], symbols: [Symbol] = [], operations: [DebugOperation] = [], debug: [DebugRun] = [],
    hostSteps: [HostStep] = [], expectations: [Segment] = [], unspecified: [AddressRange] = []
  ) {
    self.target = target
    self.commands = commands
    self.segments = segments
    self.inputs = inputs
    self.outputs = outputs
    self.symbols = symbols
    self.operations = operations
    self.debug = debug
    self.hostSteps = hostSteps
    self.expectations = expectations
    self.unspecified = unspecified
  }

  /// A named piece of DRAM content.
  public struct Segment: Hashable, Sendable {
    /// For people: that of a tensor, or the address.
    public var name: String
    /// Of the first byte.
    public var address: UInt64
    /// In DRAM's order: numbers are little-endian.
    public var bytes: [UInt8]

    public init(name: String, address: UInt64, bytes: [UInt8]) {
      self.name = name
      self.address = address
      self.bytes = bytes
    }
  }

  /// Bytes of DRAM that follow each other.
  public struct AddressRange: Hashable, Sendable {
    /// Of the first byte.
    public var address: UInt64
    /// In bytes.
    public var length: Int

    public init(address: UInt64, length: Int) {
      self.address = address
      self.length = length
    }
  }

  /// Where a tensor lies in DRAM: its last axis contiguous, all other axes flattened into rows `rowStride` bytes apart.
  public struct Binding: Hashable, Sendable {
    /// The graph's name for the value.
    public var name: String
    /// Of the first element.
    public var address: UInt64
    /// Images with padding beside their rows have the shape [images x rows, columns x channels].
    public var type: TensorType
    /// Bytes from one row to the next.
    public var rowStride: Int

    /// - Parameter rowStride: without padding when nil.
    public init(name: String, address: UInt64, type: TensorType, rowStride: Int? = nil) {
      self.name = name
      self.address = address
      self.type = type
      self.rowStride = rowStride ?? (type.shape.last ?? 1) * type.element.byteCount
    }

    /// Bytes of one row that carry elements.
    public var rowBytes: Int { (type.shape.last ?? 1) * type.element.byteCount }
    /// Product of all axes but the last; 1 for a scalar.
    public var rows: Int { type.shape.dropLast().reduce(1, *) }
    /// Bytes from the first element to the last.
    public var byteSpan: Int { rows == 0 ? 0 : (rows - 1) * rowStride + rowBytes }
  }

  /// A named range of DRAM.
  public struct Symbol: Hashable, Sendable {
    /// What traffic over a symbol's bytes counts as.
    public enum Kind: String, Hashable, Sendable, CaseIterable, Codable {
      case input, weights, activation, spill, output
    }

    /// For reports and listings.
    public var name: String
    /// Of the first byte.
    public var address: UInt64
    /// In bytes.
    public var length: Int
    /// Bytes in no symbol are traffic of the kind "other".
    public var kind: Kind

    public init(name: String, address: UInt64, length: Int, kind: Kind) {
      self.name = name
      self.address = address
      self.length = length
      self.kind = kind
    }
  }

  /// An operation that became commands.
  public struct DebugOperation: Hashable, Sendable {
    /// Such as `%3 = npu.conv2d …`.
    public var text: String
    /// Line of the source file, 0 when unknown.
    public var line: Int

    public init(text: String, line: Int) {
      self.text = text
      self.line = line
    }
  }

  /// Commands that one operation became and that stand one after the other; it has several where commands of others
  /// stand between.
  public struct DebugRun: Hashable, Sendable {
    /// Index into `commands`.
    public var first: Int
    /// Of commands, at least 1.
    public var count: Int
    /// Index into `operations`.
    public var operation: Int

    public init(first: Int, count: Int, operation: Int) {
      self.first = first
      self.count = count
      self.operation = operation
    }
  }

  /// An operation without a place on the target: the host evaluates it between two commands.
  public struct HostStep: Hashable, Sendable {
    /// The command before which it runs; `commands.count` when it comes last.
    public var before: Int
    /// What is computed, as a textual graph.
    public var graph: String
    /// Read from DRAM before the step, in the order of its graph's inputs.
    public var inputs: [Binding]
    /// Written to DRAM after it, in the order of its graph's outputs.
    public var outputs: [Binding]
    /// Why the target cannot do it, for reports.
    public var reason: String

    public init(before: Int, graph: String, inputs: [Binding], outputs: [Binding], reason: String) {
      self.before = before
      self.graph = graph
      self.inputs = inputs
      self.outputs = outputs
      self.reason = reason
    }
  }

  /// Says what commands behind all that were described before come from.
  public mutating func describe(_ commands: Range<Int>, as operation: DebugOperation) {
    debug.append(DebugRun(first: commands.lowerBound, count: commands.count, operation: operations.count))
    operations.append(operation)
  }

  /// The operation that a command came from, or nil.
  public func operation(ofCommand index: Int) -> DebugOperation? {
    var low = 0
    var high = debug.count
    while low < high {
      let middle = (low + high) / 2
      if debug[middle].first <= index { low = middle + 1 } else { high = middle }
    }
    guard low > 0, index < debug[low - 1].first + debug[low - 1].count else { return nil }
    return operations[debug[low - 1].operation]
  }
}
