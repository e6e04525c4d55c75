/// Bytes that cross the border between DRAM and the accelerator, by what they are.
public struct DRAMTraffic: Hashable, Sendable {
  /// Read: weights, biases, output scales, identity matrices, as often as they are read.
  public var weights = 0
  /// Read: inputs of the graph.
  public var inputs = 0
  /// Read: tensors that an operator streams through its tiles.
  public var activationsRead = 0
  /// Read: whole tensors brought back into the scratchpad.
  public var fetches = 0
  /// Read: commands, where the target's timing has them come from memory.
  public var commands = 0
  /// Written: tensors that an operator streams out through its tiles.
  public var activationsWritten = 0
  /// Written: resident tensors put into DRAM because they are needed later.
  public var spills = 0
  /// Written: outputs of the graph.
  public var outputs = 0

  public init() {}

  /// Bytes from DRAM, of all classes.
  public var read: Int { weights + inputs + activationsRead + fetches + commands }
  /// Bytes to DRAM, of all classes.
  public var written: Int { activationsWritten + spills + outputs }
  /// Read and written together.
  public var total: Int { read + written }

  /// Adds class by class.
  static func += (left: inout DRAMTraffic, right: DRAMTraffic) {
    for field in fields { left[keyPath: field.path] += right[keyPath: field.path] }
  }

  /// The classes in the order in which every report shows them.
  static var fields: [Field] {
    [
      Field("weights", "weights", .read, \.weights),
      Field("inputs", "inputs", .read, \.inputs),
      Field("activations_read", "activations", .read, \.activationsRead),
      Field("fetches", "fetches", .read, \.fetches),
      Field("commands", "commands", .read, \.commands),
      Field("activations_written", "activations", .written, \.activationsWritten),
      Field("spills", "spills", .written, \.spills),
      Field("outputs", "outputs", .written, \.outputs),
    ]
  }

  struct Field {
    enum Direction { case read, written }

    /// In JSON and CSV.
    let key: String
    /// In text, where the column or a heading says the direction.
    let label: String
    let direction: Direction
    let path: WritableKeyPath<DRAMTraffic, Int>

    init(_ key: String, _ label: String, _ direction: Direction, _ path: WritableKeyPath<DRAMTraffic, Int>) {
      self.key = key
      self.label = label
      self.direction = direction
      self.path = path
    }
  }
}
