import SpadixIR
import SpadixISA
import SpadixPlan
import SpadixSupport
import SpadixTensor

/// A program and what each of its operations became.
public struct GeneratedProgram: Sendable {
  public var program: Program
  /// One per operator of the problem, in order.
  public var operators: [OperatorStatistics]

  /// Puts the commands into their final order.
  mutating func mergeStreams() {
    CommandOrder.merge(&program)
    var commands = [Int](repeating: 0, count: program.operations.count)
    for run in program.debug { commands[run.operation] += run.count }
    for index in operators.indices {
      operators[index].commands = commands[operators[index].debugOperations].reduce(0, +)
    }
  }
}

extension PreparedKernels {
  /// Emits the program of a plan.
  ///
  /// - Parameter progress: told before each step what is being done.
  public func emit(_ plan: KernelPlan, progress: ((String) -> Void)? = nil) throws -> GeneratedProgram {
    var generated = try emitKernels(plan, progress: progress)
    progress?("order of the commands")
    generated.mergeStreams()
    return generated
  }

  /// The commands of one kernel behind those of the other, tile after tile.
  func emitKernels(_ plan: KernelPlan, progress: ((String) -> Void)? = nil) throws -> GeneratedProgram {
    var emitter = try ProgramEmitter(self, plan)
    emitter.progress = progress
    return try emitter.run()
  }
}

private struct ProgramEmitter {
  let prepared: PreparedKernels
  let plan: KernelPlan
  let index: PlanIndex
  let map: MemoryMap
  var writer: CommandWriter
  var program: Program
  var statistics: [OperatorStatistics] = []
  var progress: ((String) -> Void)?

  init(_ prepared: PreparedKernels, _ plan: KernelPlan) throws {
    self.prepared = prepared
    self.plan = plan
    index = PlanIndex(plan, prepared.problem)
    map = try MemoryMap(prepared, usesDRAM: prepared.rootsInDRAM(plan))
    writer = CommandWriter(target: prepared.target)
    program = Program(target: prepared.target)
  }

  private var graph: Graph { prepared.graph }
  private var dim: Int { prepared.target.dim }

  mutating func run() throws -> GeneratedProgram {
    layOut()
    for step in plan.steps.indices {
      progress?("commands: step \(step + 1) of \(plan.steps.count)")
      try emit(step)
    }
    writer.fence()
    program.commands = writer.commands
    return GeneratedProgram(program: program, operators: statistics)
  }

  // MARK: DRAM image

  private mutating func layOut() {
    for (index, constant) in prepared.constants.all.enumerated() {
      let address = map.constantAddress[index]
      program.segments.append(Program.Segment(name: "constant.\(index)", address: address, bytes: constant.bytes))
      program.symbols.append(
        Program.Symbol(name: constant.name, address: address, length: constant.bytes.count, kind: .weights))
    }
    for index in graph.values.indices {
      let value = ValueID(index)
      guard prepared.buffers.root[value] == value, let address = map.valueAddress[index] else { continue }
      program.symbols.append(
        Program.Symbol(
          name: prepared.name(value), address: address, length: prepared.bufferBytes(value), kind: symbolKind(value)))
      if let halo = prepared.halos[value] {
        // Zero points beside the rows; the host writes the rows themselves.
        program.segments.append(
          Program.Segment(
            name: "padding.\(index)", address: address,
            bytes: [UInt8](repeating: UInt8(bitPattern: halo.value), count: prepared.bufferBytes(value))))
      }
      if let tensor = prepared.storedConstants[value] {
        program.segments.append(
          Program.Segment(name: "value.\(index)", address: address, bytes: tensor.storage.bytes))
      }
    }
    program.inputs = graph.inputs.map { prepared.binding($0, map) }
    program.outputs = graph.outputs.enumerated().map { index, value in
      var binding = prepared.binding(value, map)
      binding.name = prepared.outputName(index)
      return binding
    }
  }

  private func symbolKind(_ root: ValueID) -> Program.Symbol.Kind {
    switch prepared.border[root] {
    case .input: .input
    case .output: .output
    case .none: prepared.tensorID(root).map(index.isSpilled) == true ? .spill : .activation
    }
  }

  // MARK: Steps

  private mutating func emit(_ step: Int) throws {
    let operation = graph.operations[prepared.operations[step]]
    var statistics = OperatorStatistics(
      operation: prepared.operations[step], name: prepared.problem.operators[step].name, kind: .array)
    statistics.sourceLine = operation.sourceLine
    statistics.scratchpadRows = index.rowsInUse[step]
    let firstOperation = program.operations.count

    for piece in index.starting[step] where piece.origin == .fetched {
      let before = writer.count
      fetch(piece)
      statistics.traffic.fetched += prepared.problem.tensors[piece.tensor].bytes
      mark(before, "fetch \(prepared.text(prepared.tensors[piece.tensor]))", operation)
    }
    let before = writer.count
    switch prepared.codes[step][plan.steps[step].variant] {
    case .tile(let form, let places, let tiling):
      guard case .tile(let forms) = prepared.kernels[step] else { break }
      emitTile(step, operation, forms[form].kernel, places, tiling, &statistics)
    case .copy(let inputsAreResident, let outputIsResident):
      guard case .copy(let kernel) = prepared.kernels[step] else { break }
      emitCopy(step, operation, kernel, inputsAreResident, outputIsResident, &statistics)
    case .host:
      guard case .host(let reason) = prepared.kernels[step] else { break }
      statistics.kind = .host
      statistics.hostReason = reason
      try emitHost(operation, reason)
    }
    mark(before, prepared.problem.operators[step].name, operation)
    for piece in index.starting[step] where piece.spilled {
      let before = writer.count
      spill(piece)
      let bytes = prepared.problem.tensors[piece.tensor].bytes
      if symbolKind(prepared.tensors[piece.tensor]) == .output {
        statistics.traffic.outputsWritten += bytes
      } else {
        statistics.traffic.spilled += bytes
      }
      mark(before, "spill \(prepared.text(prepared.tensors[piece.tensor]))", operation)
    }
    statistics.debugOperations = firstOperation..<program.operations.count
    self.statistics.append(statistics)
  }

  private mutating func mark(_ first: Int, _ text: String, _ operation: Operation) {
    if writer.count == first { return }
    program.describe(
      first..<writer.count, as: Program.DebugOperation(text: text, line: operation.sourceLine ?? 0))
  }

  private func location(_ value: ValueID, at step: Int) -> OperandLocation {
    let root = prepared.buffers.root[value]
    let piece = prepared.tensorID(value).flatMap { index.piece(of: $0, at: step) }
    return OperandLocation(
      buffer: root.index, address: map.valueAddress[root.index] ?? 0,
      resident: piece.map { ($0.row, prepared.buffers.pixels(root)) })
  }

  private mutating func emitTile(
    _ step: Int, _ operation: Operation, _ kernel: TileKernel, _ places: KernelPlaces, _ tiling: Tiling,
    _ statistics: inout OperatorStatistics
  ) {
    let geometry = KernelGeometry(kernel: kernel, tiling: tiling, dim: dim)
    let inputs = prepared.inputs[step]
    let cyclesBefore = writer.arrayCycles
    let map = map
    var emitter = KernelEmitter(
      geometry: geometry, places: places, workingRow: plan.steps[step].workingRow,
      inputs: inputs.map { location($0, at: step) }, output: location(operation.result, at: step),
      identityMatrices: prepared.identityMatrices[step], identityMatrix: prepared.identityMatrix,
      constantAddress: { map.constantAddress[$0.index] }, writer: writer)
    writer = CommandWriter(target: prepared.target)
    emitter.run()
    writer = emitter.writer

    let cost = KernelCost.of(geometry, places: places)
    statistics.arrayCycles = writer.arrayCycles - cyclesBefore
    statistics.issuedMACs = statistics.arrayCycles * dim * dim
    statistics.usefulMACs = kernel.usefulMACs
    statistics.accumulatorRows = geometry.accumulatorPixelsPerTile * min(tiling.blocks, geometry.blockCount)
    statistics.tiling = tiling.summary(geometry)
    statistics.traffic.weightsRead += cost.constantBytes
    if let contraction = kernel.contraction {
      addRead(cost.inputBytes, inputs[contraction.input], &statistics)
      if case .activation(let weights, _) = contraction.weights {
        addRead(cost.weightBytes, inputs[weights], &statistics)
      } else {
        statistics.traffic.weightsRead += cost.weightBytes
      }
    }
    for (index, bytes) in cost.addendBytes.enumerated() {
      addRead(bytes, inputs[kernel.identities[index].input], &statistics)
    }
    addWritten(cost.writtenBytes, operation.result, &statistics)
  }

  private func addRead(_ bytes: Int, _ value: ValueID, _ statistics: inout OperatorStatistics) {
    if symbolKind(prepared.buffers.root[value]) == .input {
      statistics.traffic.inputsRead += bytes
    } else {
      statistics.traffic.activationsRead += bytes
    }
  }

  private func addWritten(_ bytes: Int, _ value: ValueID, _ statistics: inout OperatorStatistics) {
    if symbolKind(prepared.buffers.root[value]) == .output {
      statistics.traffic.outputsWritten += bytes
    } else {
      statistics.traffic.activationsWritten += bytes
    }
  }

  private mutating func emitCopy(
    _ step: Int, _ operation: Operation, _ kernel: CopyKernel, _ inputsAreResident: [Bool], _ outputIsResident: Bool,
    _ statistics: inout OperatorStatistics
  ) {
    let map = map
    var emitter = CopyEmitter(
      kernel: kernel, inputs: prepared.inputs[step].map { location($0, at: step) }, inputIsResident: inputsAreResident,
      output: location(operation.result, at: step), outputIsResident: outputIsResident,
      workingRow: plan.steps[step].workingRow, constantAddress: { map.constantAddress[$0.index] }, writer: writer)
    writer = CommandWriter(target: prepared.target)
    emitter.run()
    writer = emitter.writer
    statistics.kind = .move
    statistics.tiling = outputIsResident ? "loads into place" : "through a bounce buffer"
    for block in kernel.blocks {
      switch block.source {
      case .input(let index):
        if !inputsAreResident[index] {
          addRead(block.rows * block.bytes, prepared.inputs[step][index], &statistics)
        }
      case .fill:
        statistics.traffic.weightsRead += KernelGeometry.ceilDivide(block.rows, dim) * block.bytes
      }
    }
    if !outputIsResident { addWritten(kernel.writtenBytes, operation.result, &statistics) }
  }

  private mutating func emitHost(_ operation: Operation, _ reason: String) throws {
    writer.fence()
    var step = Graph(name: "host")
    var operands: [ValueID] = []
    var bindings: [Program.Binding] = []
    for operand in operation.operands {
      if let tensor = prepared.hostConstants[operand] {
        operands.append(step.addConstant(tensor, name: prepared.name(operand)))
      } else {
        operands.append(step.addInput(name: prepared.name(operand), type: graph.values[operand].type))
        bindings.append(prepared.binding(operand, map))
      }
    }
    step.outputs = [
      step.append(
        operation.op, operands, type: graph.values[operation.result].type, name: prepared.name(operation.result))
    ]
    program.hostSteps.append(
      Program.HostStep(
        before: writer.count, graph: step.text(), inputs: bindings,
        outputs: operation.results.map { prepared.binding($0, map) }, reason: reason))
  }

  // MARK: Whole tensors

  private mutating func fetch(_ piece: KernelPlan.Piece) {
    let root = prepared.tensors[piece.tensor]
    let channels = prepared.buffers.channels(root)
    let pixels = prepared.buffers.pixels(root)
    let together = pixels <= Limits.blockStride ? prepared.target.maxBlockLength : 1
    writer.willRead(buffer: root.index)
    writer.configureLoad(.pixels, stride: channels, blockStride: together > 1 ? pixels : dim)
    let address = map.valueAddress[root.index]!
    for channel in stride(from: 0, to: channels, by: together * dim) {
      for pixel in stride(from: 0, to: pixels, by: dim) {
        writer.moveIn(
          .pixels, dram: address + UInt64(pixel * channels + channel),
          to: .scratchpad(piece.row + channel / dim * pixels + pixel), rows: min(dim, pixels - pixel),
          columns: min(together * dim, channels - channel))
      }
    }
  }

  private mutating func spill(_ piece: KernelPlan.Piece) {
    let root = prepared.tensors[piece.tensor]
    let channels = prepared.buffers.channels(root)
    let pixels = prepared.buffers.pixels(root)
    writer.willWrite(buffer: root.index)
    writer.configureStore(ConfigStore(stride: channels))
    let address = map.valueAddress[root.index]!
    for channel in stride(from: 0, to: channels, by: dim) {
      for pixel in stride(from: 0, to: pixels, by: dim) {
        writer.moveOut(
          dram: address + UInt64(pixel * channels + channel),
          from: .scratchpad(piece.row + channel / dim * pixels + pixel), rows: min(dim, pixels - pixel),
          columns: min(dim, channels - channel))
      }
    }
  }
}

extension TileKernel {
  /// Products that the operator asks for, without those with padding.
  var usefulMACs: Int {
    var products = identities.count * images * rows * columns * channels
    guard let contraction else { return products }
    let tapRows = (0..<contraction.kernelRows).reduce(0) { $0 + contraction.validRows(0..<rows, tapRow: $1).count }
    let tapColumns = (0..<contraction.kernelColumns).reduce(0) {
      $0 + contraction.validColumns(0..<columns, tapColumn: $1).count
    }
    let perTap: Int
    switch contraction.weights {
    case .dense, .activation: perTap = contraction.inputChannels * channels
    case .packed(let packed): perTap = packed.usefulProducts
    case .diagonal, .ones: perTap = channels
    }
    products += images * tapRows * tapColumns * perTap
    return products
  }
}

extension Tiling {
  /// The loop nest in a few words.
  func summary(_ geometry: KernelGeometry) -> String {
    var parts = ["tile \(tileRows)x\(tileColumns)x\(blocks * geometry.dim)"]
    if geometry.kernel.contraction != nil {
      if geometry.isSliced {
        parts.append("\(geometry.slices.count) slices")
      } else if geometry.weightSlots < min(chunksPerGroup, geometry.chunkCount) {
        parts.append("weights streamed, \(pinnedChunks) of \(geometry.chunkCount) chunks pinned")
      } else if chunksPerGroup < geometry.chunkCount {
        parts.append("weights in \(KernelGeometry.ceilDivide(geometry.chunkCount, chunksPerGroup)) groups")
      }
    }
    if streamsMatrices { parts.append("matrices streamed") }
    return parts.joined(separator: ", ")
  }
}
