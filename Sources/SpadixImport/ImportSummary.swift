import SpadixIR
import SpadixTensor

/// What became of a model: for people, and for tests.
public struct ImportSummary: Sendable {
  public struct Port: Sendable {
    public var name: String
    public var type: TensorType
    /// What the model says otherwise, such as its element type.
    public var note: String?
  }

  /// A node, input or initializer that cannot be imported.
  public struct Refused: Sendable {
    public var place: String
    public var reason: String
    public var help: String?
  }

  /// What a node became.
  public enum Outcome: Sendable {
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
    public var kind: String
    public var nodes = 0
    public var folded = 0
    public var renamed = 0
    public var refused = 0
    public var waiting = 0
    /// Operations that stand for the nodes, by mnemonic, one of each.
    public var operators: [Operator] = []
  }

  public let file: String
  public let opset: Int
  public let irVersion: Int
  public let producer: String
  public internal(set) var inputs: [Port] = []
  public internal(set) var outputs: [Port] = []
  /// In the order in which operators first occur.
  public private(set) var lines: [Line] = []
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
