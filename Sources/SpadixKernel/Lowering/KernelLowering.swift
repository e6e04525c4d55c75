import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// What the code generator makes of one operation.
public enum OperatorKernel: Sendable {
  /// One or several forms of the same computation; each says which places it can serve.
  case tile([TileForm])
  case copy(CopyKernel)
  /// The result is the operand under another shape: the same bytes in DRAM.
  case alias
  case host(reason: String)
}

/// A tile kernel for operands in certain places.
public struct TileForm: Sendable {
  /// Which places of the contraction's input a form is for.
  public enum Input: Sendable {
    /// For an input in the scratchpad as a whole.
    case resident
    /// For an input that streams from DRAM.
    case streamed
    /// For either.
    case any
  }

  /// What is computed.
  public var kernel: TileKernel
  /// Identity terms may be anywhere, whatever this says.
  public var input: Input
  /// The same kernel image row by image row, where `kernel` takes all pixels as one long row.
  public var image: TileKernel?

  public init(kernel: TileKernel, input: Input, image: TileKernel? = nil) {
    self.kernel = kernel
    self.input = input
    self.image = image
  }

  /// The kernel that knows the rows of its images.
  public var byRows: TileKernel { image ?? kernel }
}

/// Turns npu operators into kernels, packing their constants.
public struct KernelLowering {
  let graph: Graph
  let data: DataStore
  let target: Target
  /// Pixels of padding that lie in DRAM beside each image row of a value, for loads of packed rows.
  public let halos: [Halo?]
  /// Of all operations lowered so far.
  public internal(set) var constants = ConstantPool()

  public init(graph: Graph, data: DataStore, target: Target, halos: [Halo?]) {
    self.graph = graph
    self.data = data
    self.target = target
    self.halos = halos
  }

  var dim: Int { target.dim }

  /// Columns of zero points on both sides of every image row in DRAM.
  public struct Halo: Sendable {
    /// Pixels before each image row.
    public var left: Int
    /// Pixels behind each image row.
    public var right: Int
    /// The zero point of the convolution that reads it.
    public var value: Int8
  }

  /// The operands that are kernel inputs: all but weights, biases and factors.
  public static func activationOperands(_ operation: Operation, _ graph: Graph) -> [ValueID] {
    switch operation.op {
    case .npu(.conv2d(let conv)):
      return [operation.operands[0]] + (conv.residual ? [operation.operands.last!] : [])
    case .npu(.matmul):
      return graph.isConstant(operation.operands[1]) && graph.type(of: operation.operands[1]).isMatrix
        ? [operation.operands[0]] : [operation.operands[0], operation.operands[1]]
    case .npu(.mul): return [operation.operands[0]]
    case .npu(.add), .npu(.binary), .npu(.maxPool2d), .npu(.avgPool2d), .npu(.requantize), .npu(.concat), .npu(.pad),
      .npu(.reshape),
      .npu(.transpose):
      return operation.operands
    case .constant: return []
    case .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat, .reshape,
      .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function:
      // A host step carries its constants in its own text.
      return operation.operands.filter { !graph.isConstant($0) }
    }
  }

  /// The kernel of an operation of the graph. Operators that have none on the target are the host's.
  ///
  /// Throws what reading constants throws.
  public mutating func lower(_ operation: Operation) throws -> OperatorKernel {
    let name = graph.values[operation.result].name ?? "value\(operation.result.index)"
    switch operation.op {
    case .npu(.conv2d(let conv)): return .tile(try convolution(conv, operation, name))
    case .npu(.matmul(let product)): return .tile([try matrixProduct(product, operation, name)])
    case .npu(.mul(let mul)): return .tile([try scaling(mul, operation, name)])
    case .npu(.add(let add)): return .tile([sum(add, operation, name)])
    case .npu(.binary(let binary)): return .tile([pair(binary, operation, name)])
    case .npu(.requantize(let requantize)):
      return .tile([
        elementwise(
          operation, name, multipliers: [1], zeroPoints: [requantize.inputZeroPoint], output: requantize.output)
      ])
    case .npu(.avgPool2d(let pool)): return .tile([averagePooling(pool, operation, name)])
    case .npu(.maxPool2d(let pool)): return .tile([maxPooling(pool, operation)])
    case .npu(.concat(let concat)): return .copy(copy(concat, operation))
    case .npu(.pad(let pad)): return .copy(copy(pad, operation, name))
    case .npu(.transpose(let transpose)): return .copy(copy(transpose, operation))
    case .npu(.reshape): return .alias
    case .constant, .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat,
      .reshape, .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize, .function:
      return .host(reason: operation.hostReason ?? "the host evaluates \(operation.op.mnemonic)")
    }
  }

  func shape(_ value: ValueID) -> [Int] { graph.values[value].type.shape }

  func constant(_ value: ValueID, _ role: String, _ operation: Operation) throws -> Tensor {
    guard let tensor = try graph.constantTensor(value, from: data) else {
      throw Diagnostic(
        "codegen.\(role)-not-constant", "\(operation.op.mnemonic) needs constant \(role); found an activation",
        at: operation.range)
    }
    return tensor
  }

  /// A store whose scales `begin` adds.
  mutating func store(
    _ output: OutputStage, rows: Int, columns: Int, _ name: String
  ) -> TileKernel.Store {
    TileKernel.Store(
      output: output, scaleConstant: nil,
      tableConstant: output.table.map { constants.add("\(name).table", int8: $0) }, pooling: nil, rows: rows,
      columns: columns)
  }

  /// Window and strides are those that a store can do: `TargetVerifier` has seen to it.
  func addPooling(_ pooling: FusedPooling, to kernel: inout TileKernel) {
    let window = pooling.window2D
    let size = window.outputSize(of: [kernel.rows, kernel.columns])
    kernel.store.pooling = TileKernel.Pooling(
      window: window.size[0], stride: window.strides[0], top: window.padding[0], left: window.padding[1])
    kernel.store.rows = size[0]
    kernel.store.columns = size[1]
  }
}
