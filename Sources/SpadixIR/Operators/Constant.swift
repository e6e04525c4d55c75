import SpadixSupport

/// A tensor from the graph's data.
public struct Constant: OperatorDefinition {
  /// Index into the data of the operation's own graph.
  public var data: DataID

  public init(data: DataID) { self.data = data }
  public init() { self.init(data: DataID(0)) }

  public static let mnemonic = "constant"
  public static let summary = "A tensor from the file's data definitions"
  public static let documentation = """
    The only operator whose operand is a symbol: `%w = constant @conv1.weight : f32[3, 3, 1, 16]`. The type is that of \
    the definition and may be left out; the printer leaves it out where it lists a scale for every channel.
    """
  public static let operands: [OperandDescription] = []
  public static let attributes: [AttributeField<Constant>] = []

  public func resultShape(_ check: inout OperatorCheck) -> [Int]? { check.resultType?.shape }
}
