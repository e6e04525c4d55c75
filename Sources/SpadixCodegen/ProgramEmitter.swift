import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport
import SpadixTensor

/// A program and what each of its operations became.
public struct GeneratedProgram: Sendable {
  /// Its commands are in their final order once `mergeStreams` has run.
  public var program: Program
  /// One per operator of the problem, in order.
  public var operators: [OperatorStatistics]
  /// Of the commands before they are merged.
  var slotLoads: [SlotLoad] = []
  var tileStarts: [Int] = []

  /// Puts the commands into their final order.
  mutating func mergeStreams() {
    CommandOrder.merge(&program, slotLoads, tileStarts)
    var commands = [Int](repeating: 0, count: program.operations.count)
    for run in program.debug { commands[run.operation] += run.count }
    for index in operators.indices {
      operators[index].commands = operators[index].debugOperations.reduce(0) { $0 + commands[$1] }
    }
  }
}

extension PreparedKernels {
  /// Emits the program of a plan.
  ///
  /// - Parameters:
  ///   - tiles: tile programs to emit instead of those that the plan's tilings generate.
  ///   - progress: told before each step what is being done.
  public func emit(
    _ plan: Plan, tiles: [[TileSection]]? = nil, progress: ((String) -> Void)? = nil
  ) throws -> GeneratedProgram {
    var generated = try emitCommands(plan, tiles: tiles, progress: progress)
    generated.program.segments = try segments(of: plan)
    return generated
  }

  /// Emits a program without what DRAM holds at its start: as much as its time depends on.
  public func emitCommands(
    _ plan: Plan, tiles: [[TileSection]]? = nil, progress: ((String) -> Void)? = nil
  ) throws -> GeneratedProgram {
    var generated = try emitKernels(plan, tiles: tiles, progress: progress)
    progress?("order of the commands")
    generated.mergeStreams()
    return generated
  }

  /// The commands of one kernel behind those of the other, tile after tile.
  func emitKernels(
    _ plan: Plan, tiles: [[TileSection]]? = nil, progress: ((String) -> Void)? = nil
  ) throws -> GeneratedProgram {
    var emitter = try ProgramEmitter(self, plan, tiles)
    emitter.progress = progress
    return try emitter.run()
  }
}

private struct ProgramEmitter {
  let prepared: PreparedKernels
  let plan: Plan
  let index: PlanIndex
  /// Tile programs that a file brought, per step; otherwise they are generated one by one.
  let tiles: [[TileSection]]?
  let map: MemoryMap
  var writer: CommandWriter
  var program: Program
  var statistics: [OperatorStatistics] = []
  var progress: ((String) -> Void)?

  init(_ prepared: PreparedKernels, _ plan: Plan, _ tiles: [[TileSection]]?) throws {
    self.prepared = prepared
    self.plan = plan
    self.tiles = tiles
    index = PlanIndex(plan, prepared.problem)
    map = try MemoryMap(prepared, plan)
    writer = CommandWriter(target: prepared.target)
    program = Program(target: prepared.target)
  }

  private var graph: Graph { prepared.graph }
  private var dim: Int { prepared.target.dim }

  mutating func run() throws -> GeneratedProgram {
    layOut()
    statistics = plan.steps.indices.map(statistics(of:))
    for step in plan.steps.indices {
      progress?("commands: step \(step + 1) of \(plan.steps.count)")
      try emit(step)
    }
    writer.fence()
    program.commands = writer.commands
    return GeneratedProgram(
      program: program, operators: statistics, slotLoads: writer.slotLoads, tileStarts: writer.tileStarts)
  }

  // MARK: Symbols

  private mutating func layOut() {
    for (index, size) in prepared.constantSizes(of: plan).enumerated() {
      program.symbols.append(
        Program.Symbol(
          name: prepared.constants.all[index].name, address: map.constantAddress[index], length: size, kind: .weights))
    }
    let parts = prepared.partsInDRAM(plan)
    for index in graph.values.indices {
      let value = ValueID(index)
      guard prepared.buffers.root[value] == value, let address = map.valueAddress[index] else { continue }
      if prepared.parts.isPart(value) {
        program.parts.append(prepared.binding(value, map))
        continue
      }
      let before = parts[value] ?? 0
      program.symbols.append(
        Program.Symbol(
          name: prepared.name(value), address: address + UInt64(before), length: prepared.bufferBytes(value) - before,
          kind: before > 0 ? .spill : symbolKind(value)))
    }
    program.inputs = graph.inputs.map { prepared.binding($0, map) }
    program.outputs = graph.outputs.enumerated().map { index, value in
      var binding = prepared.binding(value, map)
      binding.name = prepared.outputName(index)
      return binding
    }
  }

  /// That of the symbol in which a tensor lies.
  private func symbolKind(_ root: ValueID) -> Program.Symbol.Kind {
    let buffer = prepared.parts.start(root).buffer
    return switch prepared.border[buffer] {
    case .input: .input
    case .output: .output
    case .none: prepared.tensorID(buffer).map(index.isSpilled) == true ? .spill : .activation
    }
  }

  // MARK: Steps

  private func statistics(of step: Int) -> OperatorStatistics {
    var statistics = OperatorStatistics(
      operation: prepared.operations[step], name: prepared.problem.operators[step].name, kind: .array)
    statistics.sourceLine = graph.operations[prepared.operations[step]].sourceLine
    statistics.scratchpadRows = index.rowsInUse[step]
    return statistics
  }

  private mutating func emit(_ first: Int) throws {
    for section in tiles?[first] ?? prepared.tileSections(step: first, plan, index) {
      let before = writer.count
      let step = section.step(from: first, prepared.problem)
      let operation = graph.operations[prepared.operations[step]]
      switch section.role {
      case .fetch(let tensor):
        let tensorLocation = location(prepared.tensors[tensor], at: step)
        emit(section.program, step, inputs: [tensorLocation], output: tensorLocation)
        statistics[step].traffic.fetched += TileCost(section.program, dim: dim).readBytes
        mark(before, "fetch \(prepared.text(prepared.tensors[tensor]))", step)
      case .kernel, .part:
        try emitKernel(step, operation, section.program)
        mark(before, prepared.problem.operators[step].name, step)
      case .spill(let tensor):
        let tensorLocation = location(prepared.tensors[tensor], at: step)
        emit(section.program, step, inputs: [tensorLocation], output: tensorLocation)
        let bytes = TileCost(section.program, dim: dim).writtenBytes
        if symbolKind(prepared.tensors[tensor]) == .output {
          statistics[step].traffic.outputsWritten += bytes
        } else {
          statistics[step].traffic.spilled += bytes
        }
        mark(before, "spill \(prepared.text(prepared.tensors[tensor]))", step)
      }
    }
  }

  /// Commands from `first` on are a step's; those of the same text are one debug operation.
  private mutating func mark(_ first: Int, _ text: String, _ step: Int) {
    if writer.count == first { return }
    let known = statistics[step].debugOperations
    if let operation = known.first(where: { program.operations[$0].text == text }) {
      program.debug.append(Program.DebugRun(first: first, count: writer.count - first, operation: operation))
      return
    }
    let line = graph.operations[prepared.operations[step]].sourceLine ?? 0
    statistics[step].debugOperations.append(program.operations.count)
    program.describe(first..<writer.count, as: Program.DebugOperation(text: text, line: line))
  }

  private func location(_ value: ValueID, at step: Int) -> OperandLocation {
    let root = prepared.buffers.root[value]
    let piece = prepared.tensorID(value).flatMap { index.piece(of: $0, at: step) }
    return OperandLocation(
      buffer: prepared.parts.start(root).buffer.index, address: map.valueAddress[root.index] ?? 0,
      rows: prepared.parts.rows(root), row: piece?.row)
  }

  private mutating func emit(
    _ program: TileProgram, _ step: Int, inputs: [OperandLocation], output: OperandLocation
  ) {
    var emitter = TileEmitter(
      program, workingRow: index.groups[step]?.row ?? plan.steps[step].workingRow, rows: plan.steps[step].rows,
      inputs: inputs, output: output,
      constantAddress: map.constantAddress, writer: writer)
    writer = CommandWriter(target: prepared.target)
    emitter.run()
    writer = emitter.writer
  }

  private mutating func emitKernel(
    _ step: Int, _ operation: Operation, _ program: TileProgram
  ) throws {
    var statistics = self.statistics[step]
    defer { self.statistics[step] = statistics }
    if case .host(let reason) = prepared.kernels[step] {
      statistics.kind = .host
      statistics.hostReason = reason
      try emitHost(operation, reason)
      return
    }
    let inputs = prepared.inputs[step]
    let cyclesBefore = writer.arrayCycles
    emit(
      program, step, inputs: inputs.map { location($0, at: step) }, output: location(operation.result, at: step))
    if let kernel = prepared.tileKernel(step: step, plan) {
      statistics.arrayCycles += writer.arrayCycles - cyclesBefore
      statistics.issuedMACs = statistics.arrayCycles * dim * dim
      statistics.usefulMACs = kernel.usefulMACs
      statistics.accumulatorRows = max(statistics.accumulatorRows, program.sumRows)
    } else {
      statistics.kind = .move
    }
    statistics.tiling =
      program.summary + (index.groups[step].map { ", in \($0.strips) strips" } ?? "")
    let cost = TileCost(program, dim: dim)
    statistics.traffic.weightsRead += cost.constantBytes
    for (index, bytes) in cost.inputBytes.enumerated() { addRead(bytes, inputs[index], &statistics) }
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
}
