import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixLegality
import SpadixPlan
import SpadixSupport
import SpadixTensor

/// Turns an npu graph into a scheduling problem, and a plan for it into a program.
public struct CodeGenerator {
  public let target: Target
  /// Told what is being done, now and then.
  public var progress: (@Sendable (String) -> Void)?

  public init(target: Target) { self.target = target }

  /// Packs constants, and finds for every operator the variants that the scheduler chooses from.
  ///
  /// Throws diagnostics for what the target's rules forbid, a constant that cannot be loaded, and a target too small for one
  /// tile of an operator.
  public func prepare(_ graph: Graph, data: DataStore) throws -> PreparedKernels {
    try TargetVerifier.verify(graph, for: target)
    let buffers = Buffers(graph)
    var lowering = KernelLowering(
      graph: graph, data: data, target: target, halos: halos(graph, buffers))
    var enumeration = VariantEnumeration(target: target)
    var prepared = PreparedKernels(graph: graph, target: target, buffers: buffers)
    for (index, operation) in graph.operations.enumerated() {
      if case .constant = operation.op { continue }
      progress?("tilings: operation \(index + 1) of \(graph.operations.count)")
      let kernel = try lowering.lower(operation)
      if case .alias = kernel { continue }
      let inputs = KernelLowering.activationOperands(operation, graph)
      let variants = try variants(kernel, operation, inputs, graph, buffers, lowering.halos, &enumeration)
      prepared.add(OperationID(index), kernel: kernel, inputs: inputs, variants: variants)
    }
    prepared.halos = lowering.halos
    try prepared.finish(constants: lowering.constants, data: data)
    return prepared
  }

  private func variants(
    _ kernel: OperatorKernel, _ operation: Operation, _ inputs: [ValueID], _ graph: Graph, _ buffers: Buffers,
    _ halos: [KernelLowering.Halo?], _ enumeration: inout VariantEnumeration
  ) throws -> [CodedVariant] {
    let inputMayReside = inputs.map { input in
      // A resident tensor's rows are pixels: a view with other channels has other rows.
      let root = buffers.root[input]
      return halos[root] == nil && graph.values[root].type.element.isInt8
        && buffers.channels(root) == (graph.values[input].type.shape.last ?? 1)
        && buffers.rows(root, dim: target.dim) <= target.scratchpadRows
    }
    var firstOfRoot: [ValueID: Int] = [:]
    let sameTensor = inputs.enumerated().map { index, input in
      let root = buffers.root[input]
      let first = firstOfRoot[root] ?? index
      firstOfRoot[root] = first
      return first
    }
    let outputFits = buffers.rows(operation.result, dim: target.dim) <= target.scratchpadRows
    let found: [CodedVariant]
    switch kernel {
    case .tile(let forms):
      let isPooled = forms[0].kernel.store.pooling != nil
      found = enumeration.tileVariants(
        forms, inputMayReside: inputMayReside, sameTensor: sameTensor,
        outputMayReside: outputFits && target.hasScratchpadStore
          && (!isPooled || target.hasPooledScratchpadStore))
    case .copy(let copy):
      found = enumeration.copyVariants(
        copy, inputMayReside: inputMayReside, sameTensor: sameTensor, outputMayReside: outputFits)
    case .host, .alias:
      let int8Inputs = inputs.filter { graph.values[$0].type.element.isInt8 }
      let int8Results = operation.results.filter { graph.values[$0].type.element.isInt8 }
      found = [
        CodedVariant(
          variant: KernelProblem.Variant(
            inputs: int8Inputs.map { _ in .streamed }, outputs: int8Results.map { _ in .streamed }, workingRows: 0,
            readBytes: 0, writtenBytes: 0, cycles: 0),
          code: .host)
      ]
    }
    guard found.contains(where: { $0.variant.workingRows <= target.scratchpadRows }) else {
      throw Diagnostic(
        "codegen.target-too-small",
        "\(operation.op.mnemonic) does not fit '\(target.name)' even one pixel and one block of channels at a time "
          + "(\(target.scratchpadRows) scratchpad rows, \(target.accumulatorRows) accumulator rows)",
        at: operation.range, help: "give the target a larger scratchpad or accumulator")
    }
    return found.filter { $0.variant.workingRows <= target.scratchpadRows }
  }

  /// Values written by the host and read by one convolution of few channels lie in DRAM with its padding beside the rows.
  private func halos(_ graph: Graph, _ buffers: Buffers) -> [KernelLowering.Halo?] {
    var halos = [KernelLowering.Halo?](repeating: nil, count: graph.values.count)
    let uses = graph.useLists()
    let outputs = Set(graph.outputs)
    for operation in graph.operations {
      guard case .npu(.conv2d(let conv)) = operation.op, let producer = graph.producer(of: operation.operands[0]),
        !producer.op.isNpu, !graph.isConstant(operation.operands[0])
      else { continue }
      let input = operation.operands[0]
      guard uses[input.index].count == 1, !outputs.contains(input), buffers.root[input] == input else { continue }
      halos[input] = KernelLowering.packedRowsHalo(
        conv, input: graph.values[input].type.shape, kernel: graph.values[operation.operands[1]].type.shape,
        dim: target.dim)
    }
    return halos
  }
}

/// Which values share a buffer: the result of a reshape is its operand under another shape.
struct Buffers: Sendable {
  private(set) var root: [ValueID]
  private let shapes: [[Int]]

  init(_ graph: Graph) {
    root = graph.values.indices.map { ValueID($0) }
    shapes = graph.values.map(\.type.shape)
    for operation in graph.operations {
      if case .npu(.reshape) = operation.op { root[operation.result] = root[operation.operands[0]] }
    }
  }

  /// Elements of a pixel: the last axis.
  func channels(_ value: ValueID) -> Int { shapes[value.index].last ?? 1 }
  func pixels(_ value: ValueID) -> Int { shapes[value.index].dropLast().reduce(1, *) }

  /// Scratchpad rows of a value as a whole: its pixels once for each block of channels.
  func rows(_ value: ValueID, dim: Int) -> Int {
    pixels(value) * KernelGeometry.ceilDivide(channels(value), dim)
  }
}
