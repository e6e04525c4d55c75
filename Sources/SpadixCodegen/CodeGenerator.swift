import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixLegality
import SpadixPlan
import SpadixSupport
import SpadixTensor

/// Turns an npu graph into a scheduling problem, and a plan for it into a program.
public struct CodeGenerator {
  let target: Target
  /// Told what is being done, now and then.
  public var progress: (@Sendable (String) -> Void)?
  /// Whether operators may run in groups.
  public var groups = GroupPolicy.auto
  /// What operators of groups have their tilings for.
  public var objective = Objective.time
  /// Of the ways to run each group only one, drawn with this seed.
  public var groupSeed: UInt64?

  public init(target: Target) { self.target = target }

  /// Lowers operators to kernels and packs their constants.
  ///
  /// Throws diagnostics for what the target's rules forbid, and a constant that cannot be loaded.
  public func prepare(_ graph: Graph, data: DataStore) throws -> PreparedKernels {
    try TargetVerifier.verify(graph, for: target)
    let buffers = Buffers(graph)
    var lowering = KernelLowering(
      graph: graph, data: data, target: target, halos: halos(graph, buffers))
    var prepared = PreparedKernels(graph: graph, target: target, buffers: buffers)
    for (index, operation) in graph.operations.enumerated() {
      if case .constant = operation.op { continue }
      let kernel = try lowering.lower(operation)
      if case .alias = kernel { continue }
      prepared.add(
        OperationID(index), kernel: kernel, inputs: KernelLowering.activationOperands(operation, graph))
    }
    prepared.halos = lowering.halos
    prepared.placeParts()
    try prepared.finish(constants: lowering.constants, data: data)
    return prepared
  }

  /// The ways to run each kernel that the scheduler chooses from.
  ///
  /// Throws a diagnostic for a target too small for one tile of an operator.
  public func alternatives(of kernels: PreparedKernels) throws -> KernelAlternatives {
    let places = kernels.kernels.indices.map { PossiblePlaces($0, kernels) }
    let forms = zip(kernels.kernels, places).map { kernel, places in
      if case .tile(let forms) = kernel { PlacedForm.all(forms, places) } else { [PlacedForm]() }
    }
    let tilings = TilingCatalog(forms.flatMap { $0 }, target, progress: progress)
    var enumeration = AlternativeEnumeration(target: target, tilings: tilings)
    var result = KernelAlternatives(kernels)
    for index in kernels.kernels.indices {
      result.add(try alternatives(index, kernels, forms[index], places[index], &enumeration))
    }
    if groups != .never {
      var enumeration = GroupEnumeration(kernels, places, objective, seed: groupSeed)
      result.add(
        enumeration.run(isForced: groups == .always, progress: progress), isForced: groups == .always)
    }
    return result
  }

  private func alternatives(
    _ index: Int, _ kernels: PreparedKernels, _ forms: [PlacedForm], _ places: PossiblePlaces,
    _ enumeration: inout AlternativeEnumeration
  ) throws -> [KernelAlternatives.Alternative] {
    let operation = kernels.graph.operations[kernels.operations[index]]
    let found: [KernelAlternatives.Alternative]
    switch kernels.kernels[index] {
    case .tile: found = enumeration.tileAlternatives(forms)
    case .copy(let copy): found = enumeration.copyAlternatives(copy, places)
    case .host, .alias:
      let op = kernels.problem.operators[index]
      found = [
        KernelAlternatives.Alternative(
          KernelProblem.Alternative(
            inputs: op.inputs.map { _ in .streamed }, outputs: op.outputs.map { _ in .streamed }, rows: 0,
            cost: .zero),
          .host)
      ]
    }
    guard found.contains(where: { $0.cost.rows <= target.scratchpadRows }) else {
      throw Diagnostic(
        "codegen.target-too-small",
        "\(operation.op.mnemonic) does not fit '\(target.name)' even one pixel and one block of channels at a time "
          + "(\(target.scratchpadRows) scratchpad rows, \(target.accumulatorRows) accumulator rows)",
        at: operation.range, help: "give the target a larger scratchpad or accumulator")
    }
    return found.filter { $0.cost.rows <= target.scratchpadRows }
  }

  /// Values written by the host and read by one convolution of few channels lie in DRAM with its padding beside the
  /// rows.
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
    pixels(value) * ceilDivide(channels(value), dim)
  }
}
