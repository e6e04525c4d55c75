import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport
import SpadixTensor

/// An npu graph with its kernels: operators and tensors of a plan, and all that is needed to emit a program for one.
public struct PreparedKernels: Sendable {
  /// The npu graph.
  public let graph: Graph
  /// What programs are emitted for.
  public let target: Target
  /// Operators and tensors of the scheduler's problem, without the alternatives.
  public private(set) var problem: KernelProblem
  /// Per operator of the problem, the operation it stands for.
  public private(set) var operations: [OperationID] = []
  /// Per tensor of the problem, the value it stands for; a reshape has the tensor of its operand.
  public private(set) var tensors: [ValueID] = []

  let buffers: Buffers
  let border: Border
  private let names: ValueNames
  var halos: [KernelLowering.Halo?] = []
  private(set) var parts: DRAMParts
  private(set) var kernels: [OperatorKernel] = []
  private(set) var inputs: [[ValueID]] = []
  private(set) var constants = ConstantPool()
  /// A matrix with ones on the diagonal.
  private(set) var identityMatrix = ConstantID(0)
  /// Per operator and identity term, the diagonal matrices that multiply its addend.
  private(set) var identityMatrices: [[ConstantID]] = []
  /// By root: constants that lie in DRAM as tensors of their own, because an operator reads them like any activation or
  /// because they are outputs.
  private(set) var storedConstants: [ValueID: Tensor] = [:]
  /// Constants that host steps read.
  private(set) var hostConstants: [ValueID: Tensor] = [:]
  /// By tensor of the problem, the last operator that reads it; -1 for none.
  private var lastUses: [Int] = []
  private var tensorOfValue: [KernelProblem.TensorID?]
  /// Per root value, whether it is an output of the graph.
  private var isOutput: [Bool]

  init(graph: Graph, target: Target, buffers: Buffers) {
    self.graph = graph
    self.target = target
    self.buffers = buffers
    self.names = ValueNames(graph)
    border = Border(graph, buffers)
    parts = DRAMParts(buffers)
    problem = KernelProblem(name: graph.name, capacity: target.scratchpadRows, tensors: [], operators: [])
    tensorOfValue = Array(repeating: nil, count: graph.values.count)
    isOutput = Array(repeating: false, count: graph.values.count)
    for output in graph.outputs { isOutput[buffers.root[output].index] = true }
    for input in graph.inputs where graph.values[input].type.element.isInt8 { _ = tensor(input) }
  }

  /// The problem's tensor of a value, made when it is first met.
  mutating func tensor(_ value: ValueID) -> KernelProblem.TensorID {
    let root = buffers.root[value]
    if let known = tensorOfValue[root] { return known }
    let id = KernelProblem.TensorID(tensors.count)
    tensorOfValue[root] = id
    tensors.append(root)
    lastUses.append(-1)
    let isGiven = graph.values[root].producer == nil || graph.isConstant(root)
    let (pixels, channels) = (buffers.pixels(root), buffers.channels(root))
    var time = KernelTime(target)
    problem.tensors.append(
      KernelProblem.Tensor(
        name: name(root), rows: buffers.rows(root, dim: target.dim),
        fetch: time.cost(of: .fetch(pixels: pixels, channels: channels, dim: target.dim)),
        spill: time.cost(of: .spill(pixels: pixels, channels: channels, dim: target.dim)),
        kind: isGiven ? .input : isOutput[root.index] ? .output : .activation))
    return id
  }

  func tensorID(_ value: ValueID) -> KernelProblem.TensorID? { tensorOfValue[buffers.root[value]] }

  /// What the graph's text calls a value, so that a plan fits the text of its graph.
  func text(_ value: ValueID) -> String { names[value] }

  /// The name of a value itself, as program files carry it.
  func name(_ value: ValueID) -> String { names.plain(value) }

  func outputName(_ index: Int) -> String { names.output(index, of: graph) }

  mutating func add(_ operation: OperationID, kernel: OperatorKernel, inputs: [ValueID]) {
    let op = graph.operations[operation]
    operations.append(operation)
    kernels.append(kernel)
    self.inputs.append(inputs)
    let int8Inputs = inputs.filter { graph.values[$0].type.element.isInt8 }
    let int8Results = op.results.filter { graph.values[$0].type.element.isInt8 }
    problem.operators.append(
      KernelProblem.Operator(
        name: "\(text(op.result)) = \(op.op.mnemonic)", inputs: int8Inputs.map { tensor($0) },
        outputs: int8Results.map { tensor($0) }, alternatives: []))
    for input in int8Inputs { lastUses[tensor(input)] = problem.operators.count - 1 }
  }

  /// The last step that reads a tensor; -1 for none.
  func lastUse(of tensor: KernelProblem.TensorID) -> Int { lastUses[tensor] }

  /// Puts tensors into the rows of those that they are copied into, once all operators are known; what is there already is
  /// not copied.
  mutating func placeParts() {
    parts = DRAMParts(self)
    for step in kernels.indices where parts.hasInPlace(step) {
      guard case .copy(var copy) = kernels[step] else { continue }
      copy.blocks.removeAll { block in
        if case .input(let input) = block.source { parts.isInPlace(input, of: step) } else { false }
      }
      kernels[step] = .copy(copy)
    }
  }

  /// Completes the constants once all operators are known.
  mutating func finish(constants: ConstantPool, data: DataStore) throws {
    self.constants = constants
    for (index, kernel) in kernels.enumerated() {
      if case .host = kernel {
        for operand in graph.operations[operations[index]].operands {
          if let tensor = try graph.constantTensor(operand, from: data) { hostConstants[operand] = tensor }
        }
      }
    }
    for root in (inputs.joined() + graph.outputs).map({ buffers.root[$0] }) where storedConstants[root] == nil {
      storedConstants[root] = try graph.constantTensor(root, from: data)
    }
    let dim = target.dim
    func diagonal(_ values: (Int) -> Int) -> [Int8] {
      var matrix = [Int8](repeating: 0, count: dim * dim)
      for index in 0..<dim { matrix[index * dim + index] = Int8(values(index)) }
      return matrix
    }
    identityMatrix = self.constants.add("identity", int8: diagonal { _ in 1 })
    for kernel in kernels {
      guard case .tile(let forms) = kernel else {
        identityMatrices.append([])
        continue
      }
      var matrices: [ConstantID] = []
      for identity in forms[0].kernel.identities {
        let multipliers = identity.multipliers
        let passes = identity.passes
        if multipliers == [1] {
          matrices.append(identityMatrix)
          continue
        }
        let blocks = multipliers.count == 1 ? 1 : ceilDivide(multipliers.count, dim)
        var values: [Int8] = []
        for block in 0..<blocks {
          for pass in 0..<passes {
            values += diagonal { index in
              let channel = block * dim + index
              let multiplier =
                multipliers.count == 1 ? multipliers[0] : channel < multipliers.count ? multipliers[channel] : 0
              return identity.share(of: multiplier, pass: pass)
            }
          }
        }
        matrices.append(self.constants.add("diagonals", int8: values))
      }
      identityMatrices.append(matrices)
    }
  }
}
