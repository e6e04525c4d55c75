import SpadixIR
import SpadixTensor

/// What became of a model: for people, and for tests.
public struct ImportSummary: Sendable {
  /// An input or output of the model.
  public struct Port: Sendable {
    /// The model's.
    public var name: String
    /// As the graph has it.
    public var type: TensorType
    /// What the model says otherwise, such as its element type.
    public var note: String?
  }

  /// A node, input or initializer that cannot be imported.
  public struct Refused: Sendable {
    /// Which node, input or initializer, for people.
    public var place: String
    /// Lower case: what was expected and what was found.
    public var reason: String
    /// The nearest way out; nil where there is none to offer.
    public var help: String?
  }

  /// What a node became.
  enum Outcome: Sendable {
    /// Operations of the graph.
    case operations([Operator])
    /// A constant.
    case folded
    /// Another reading of the same elements.
    case renamed
    /// Nothing, because it depends on a node that was refused.
    case waiting
    case refused
  }

  /// The nodes of one ONNX operator together.
  public struct Line: Sendable {
    /// The operator, with its domain where that is not ONNX's own.
    public var kind: String
    /// Of all outcomes.
    public var nodes = 0
    /// Nodes that became constants.
    public var folded = 0
    /// Nodes that became another reading of the same elements.
    public var renamed = 0
    /// Nodes that cannot be imported.
    public var refused = 0
    /// Nodes that depend on one that was refused.
    public var waiting = 0
    /// Operations that stand for the nodes, by mnemonic, one of each.
    public var operators: [Operator] = []
  }

  /// Path of the model.
  public let file: String
  /// Of ONNX's own operators.
  public let opset: Int
  /// Of the model file.
  public let irVersion: Int
  /// What the model says made it; may be empty.
  public let producer: String
  /// In the model's order.
  public internal(set) var inputs: [Port] = []
  /// In the model's order.
  public internal(set) var outputs: [Port] = []
  /// In the order in which operators first occur.
  public private(set) var lines: [Line] = []
  /// In the model's order.
  public internal(set) var refusals: [Refused] = []
  /// Nodes that no output depends on.
  public internal(set) var unusedNodes = 0
  private var index: [String: Int] = [:]

  init(file: String, opset: Int, irVersion: Int, producer: String) {
    self.file = file
    self.opset = opset
    self.irVersion = irVersion
    self.producer = producer
  }

  mutating func add(_ kind: String, _ outcome: Outcome) {
    let position: Int
    if let known = index[kind] {
      position = known
    } else {
      position = lines.count
      lines.append(Line(kind: kind))
      index[kind] = position
    }
    lines[position].nodes += 1
    switch outcome {
    case .folded: lines[position].folded += 1
    case .renamed: lines[position].renamed += 1
    case .refused: lines[position].refused += 1
    case .waiting: lines[position].waiting += 1
    case .operations(let operations):
      for op in operations where !lines[position].operators.contains(where: { $0.mnemonic == op.mnemonic }) {
        lines[position].operators.append(op)
      }
    }
  }
}
