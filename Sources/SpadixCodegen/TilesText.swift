import SpadixIR
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// The textual form of a plan's tile programs, below the plan that they belong to:
///
///     tiles @digits {
///       step 0 fetch %x {
///         program reads = [0]
///         buffer input.0 = pixels of tensor rows = 64
///         load to = input.0[0] from = input.0 rows = 64 row_stride = 16 columns = 16 block_stride = 64
///       }
///       // %3 = npu.conv2d
///       step 0 kernel {
///         ...
///       }
///     }
///
/// Steps, tensors and rows are the plan's; what happens between them is the program's.
extension PreparedKernels {
  /// The tile programs as text, which parses back to the same programs.
  ///
  /// - Parameter sections: one list for each step of the plan.
  public func tilesText(_ sections: [[TileSection]], of plan: Plan) -> String {
    var text = "tiles \(graph.symbolText) {\n"
    for step in sections.indices {
      for section in sections[step] {
        switch section.role {
        case .fetch, .spill, .part: text += "  \(words(section.role, step).joined(separator: " ")) {\n"
        case .kernel: text += "  // \(problem.operators[step].name)\n  step \(step) kernel {\n"
        }
        text += section.program.text(indent: "    ") + "  }\n"
      }
    }
    return text + "}\n"
  }

  /// How a section begins.
  private func words(_ role: TileSection.Role, _ step: Int) -> [String] {
    if case .part = role { return ["step"] + roleText(role).split(separator: " ").map(String.init) }
    return ["step", "\(step)"] + roleText(role).split(separator: " ", maxSplits: 1).map(String.init)
  }

  private func roleText(_ role: TileSection.Role) -> String {
    switch role {
    case .fetch(let tensor): "fetch \(text(tensors[tensor]))"
    case .kernel: "kernel"
    case .part(let part, let step): "\(step) strip \(part)"
    case .spill(let tensor): "spill \(text(tensors[tensor]))"
    }
  }

  /// Reads the tile programs of a plan back, and verifies each.
  ///
  /// Throws a diagnostic at the first line that is malformed, that is of another step than the plan's, or that breaks a
  /// rule of `TileVerifier`.
  public func parseTiles(_ source: SourceText, from offset: Int, of plan: Plan) throws -> [[TileSection]] {
    let id = "tiles.syntax"
    var tokens = try TokenReader(source, from: offset)
    try tokens.expect("tiles", id)
    try tokens.expect(graph.symbolText, id)
    try tokens.expect("{", id)
    let index = PlanIndex(plan, problem)
    let constantBytes = constantSizes(of: plan)
    var sections: [[TileSection]] = []
    for step in plan.steps.indices {
      var ofStep: [TileSection] = []
      var contents: GroupContents?
      if let group = index.groups[step], group.steps.lowerBound == step { contents = self.contents(of: group, plan) }
      for role in roles(step: step, plan, index) {
        let mark = tokens.mark
        let words = words(role, step)
        for word in words where !tokens.accept(word) {
          throw tokens.failure(
            "tiles.step", "expected '\(words.joined(separator: " "))', which the plan has next", at: mark,
            help: "change the plan above for other steps, fetches and spills")
        }
        try tokens.expect("{", id)
        let parsed = try TileProgram.parse(&tokens)
        try tokens.expect("}", id)
        try verify(parsed, role, step, plan, index, constantBytes)
        if case .part(_, let member) = role {
          do {
            try contents?.run(member - step, parsed.program)
          } catch let violation as PlanViolation {
            throw Diagnostic("tiles.unloaded", violation.message, at: parsed.range)
          }
        }
        ofStep.append(TileSection(role, parsed.program))
      }
      sections.append(ofStep)
    }
    try tokens.expect("}", id)
    if !tokens.isAtEnd { throw tokens.failure(id, "expected the end of the text, found '\(tokens.next)'") }
    return sections
  }

  /// The programs that a step has, in order.
  private func roles(step: Int, _ plan: Plan, _ index: PlanIndex) -> [TileSection.Role] {
    let pieces = index.starting[step]
    var own: [TileSection.Role] = [.kernel]
    if let group = index.groups[step] {
      own = group.steps.lowerBound == step ? groupSections(group, plan).map(\.role) : []
    }
    return pieces.filter { $0.origin == .fetched }.map { .fetch($0.tensor) } + own
      + pieces.filter(\.spilled).map { .spill($0.tensor) }
  }

  private func verify(
    _ parsed: ParsedTileProgram, _ role: TileSection.Role, _ step: Int, _ plan: Plan, _ index: PlanIndex,
    _ constantBytes: [Int]
  ) throws {
    let program = parsed.program
    var step = step
    if case .part(_, let member) = role { step = member }
    func refuse(_ id: String, _ message: String) -> Diagnostic { Diagnostic(id, message, at: parsed.range) }
    let isHost: Bool
    if case (.kernel, .host) = (role, kernels[step]) { isHost = true } else { isHost = false }
    guard program.isHost == isHost else {
      throw refuse(
        "tiles.host", isHost ? "the host evaluates this step: expected 'host'" : "the host does not evaluate this")
    }
    let inputs: [ValueID]
    let output: ValueID
    switch role {
    case .fetch(let tensor), .spill(let tensor):
      inputs = [tensors[tensor]]
      output = tensors[tensor]
    case .kernel, .part:
      inputs = self.inputs[step]
      output = graph.operations[operations[step]].result
    }
    for buffer in program.buffers {
      let value: ValueID
      switch buffer.tensor {
      case .input(let position) where position < inputs.count: value = inputs[position]
      case .output: value = output
      case .constant, .input: throw refuse("tiles.resident", "the operator has no \(buffer.name)")
      case nil: continue
      }
      guard let tensor = tensorID(value), index.piece(of: tensor, at: step) != nil else {
        throw refuse("tiles.resident", "\(text(value)) is not in the scratchpad at step \(step) of the plan")
      }
      guard buffer.rows == problem.tensors[tensor].rows && buffer.slots == 1 else {
        throw refuse(
          "tiles.resident", "\(buffer.name) has \(problem.tensors[tensor].rows) rows, not \(buffer.totalRows)")
      }
    }
    let rows: Int
    switch role {
    case .kernel: rows = plan.steps[step].workingRows
    case .part: rows = index.groups[step]?.rows ?? 0
    case .fetch, .spill: rows = 0
    }
    guard program.workingRows <= rows else {
      throw refuse(
        "tiles.working-rows", "the buffers have \(program.workingRows) rows; the plan leaves \(rows) for them")
    }
    if role == .kernel, plan.steps[step].rows != nil,
      program.buffers.filter(\.isWorking).map({ [$0.rows, $0.slots] })
        != workingBuffers(of: step, plan)?.filter(\.isWorking).map({ [$0.rows, $0.slots] })
    {
      throw refuse(
        "tiles.working-rows", "the plan has rows for each part of the buffers, which are others")
    }
    let usesDRAM = rootsInDRAM(plan)
    func bytes(_ value: ValueID) -> Int? {
      let root = buffers.root[value]
      return usesDRAM[root.index] ? bufferBytes(root) : nil
    }
    do throws(TileVerifier.Violation) {
      try TileVerifier.verify(program, target: target) { operand in
        switch operand {
        case .input(let position): position < inputs.count ? bytes(inputs[position]) : nil
        case .output: bytes(output)
        case .constant(let constant):
          constantBytes.indices.contains(constant.index) ? constantBytes[constant.index] : nil
        }
      }
    } catch {
      throw Diagnostic(
        error.id, error.message, at: error.operation.map { parsed.ranges[$0] } ?? parsed.range)
    }
    func layout(_ operand: TileOperand) -> DRAMRows? {
      switch operand {
      case .input(let position): parts.rows(buffers.root[inputs[position]])
      case .output: parts.rows(buffers.root[output])
      case .constant: nil
      }
    }
    for (index, operation) in program.operations.enumerated() {
      for move in operation.rowsInDRAM where layout(move.operand)?.hasRows(move) == false {
        throw Diagnostic(
          "tiles.operand",
          "\(move.operand.name) lies in the rows of another tensor: expected rows of the bytes of one pixel, whole pixels apart",
          at: parsed.ranges[index])
      }
    }
  }
}

extension TileOperation {
  /// Rows of bytes that an operation moves from or to DRAM, as a tensor without gaps has them.
  fileprivate var rowsInDRAM: [DRAMRows.Move] {
    func rows(_ transfer: Transfer) -> DRAMRows.Move {
      DRAMRows.Move(
        operand: transfer.operand, offset: transfer.offset, strides: [transfer.rowStride, transfer.lineStride],
        columns: transfer.columns)
    }
    return switch self {
    case .load(let load): [rows(load.transfer)]
    case .store(let store): [rows(store.transfer)]
    case .copy(let copy):
      [
        DRAMRows.Move(operand: copy.operand, offset: copy.offset, strides: [copy.stride], columns: copy.columns),
        DRAMRows.Move(
          operand: .output, offset: copy.outputOffset, strides: [copy.outputStride], columns: copy.columns),
      ]
    case .begin, .zero, .bias, .diagonals, .multiply, .host: []
    }
  }
}
