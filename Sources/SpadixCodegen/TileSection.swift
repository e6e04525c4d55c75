import SpadixKernel
import SpadixPlan

/// A tile program of one step of a plan, and what it is there for.
public struct TileSection: Hashable, Sendable {
  enum Role: Hashable, Sendable {
    /// Brings a tensor into its rows before the step.
    case fetch(KernelProblem.TensorID)
    case kernel
    /// What an operator of a group does in one of the strips in which it does anything; the group's sections are its first
    /// step's.
    case part(Int, of: Int)
    /// Writes a tensor out of its rows after the step.
    case spill(KernelProblem.TensorID)
  }

  var role: Role
  var program: TileProgram

  init(_ role: Role, _ program: TileProgram) {
    self.role = role
    self.program = program
  }
}

extension PreparedKernels {
  /// The tile programs of a plan, per step in the order in which they run.
  public func tileSections(_ plan: Plan) -> [[TileSection]] {
    let index = PlanIndex(plan, problem)
    return plan.steps.indices.map { tileSections(step: $0, plan, index) }
  }

  func tileSections(step: Int, _ plan: Plan, _ index: PlanIndex) -> [TileSection] {
    let pieces = index.starting[step]
    func whole(_ tensor: KernelProblem.TensorID) -> (pixels: Int, channels: Int) {
      (buffers.pixels(tensors[tensor]), buffers.channels(tensors[tensor]))
    }
    var sections: [TileSection] = []
    for piece in pieces where piece.origin == .fetched {
      let (pixels, channels) = whole(piece.tensor)
      sections.append(
        TileSection(.fetch(piece.tensor), .fetch(pixels: pixels, channels: channels, dim: target.dim)))
    }
    if let group = index.groups[step] {
      if group.steps.lowerBound == step { sections += groupSections(group, plan) }
    } else {
      sections.append(TileSection(.kernel, tileProgram(step: step, plan)))
    }
    for piece in pieces where piece.spilled {
      let (pixels, channels) = whole(piece.tensor)
      sections.append(
        TileSection(.spill(piece.tensor), .spill(pixels: pixels, channels: channels, dim: target.dim)))
    }
    return sections
  }

  private func tileProgram(step: Int, _ plan: Plan) -> TileProgram {
    let inputs = plan.steps[step].inputs.map { $0 == .resident }
    let output = plan.steps[step].outputs.first == .resident
    switch (plan.steps[step].nest, kernels[step]) {
    case (.tile(let form, let tiling), .tile(let forms)):
      let kernel = forms[form].kernel
      return KernelNest(
        KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim),
        places: KernelPlaces(kernel, inputs: inputs, output: output),
        constants: NestConstants(identity: identityMatrix, diagonals: identityMatrices[step]),
        accumulatorRows: target.accumulatorRows
      ).program()
    case (.copy, .copy(let kernel)):
      return CopyNest(kernel, inputIsResident: inputs, outputIsResident: output, target: target).program()
    case (.host, .host): return .host
    case (.tile, _), (.copy, _), (.host, _): preconditionFailure("a nest is one of its operator's kernel")
    }
  }

  /// The kernel that a step runs; nil for copies and host steps.
  func tileKernel(step: Int, _ plan: Plan) -> TileKernel? {
    guard case .tile(let form, _) = plan.steps[step].nest, case .tile(let forms) = kernels[step]
    else { return nil }
    return forms[form].kernel
  }
}

extension TileSection {
  /// The step that a section is of: spills behind a group are of the operators that made what they write.
  func step(from first: Int, _ problem: KernelProblem) -> Int {
    switch role {
    case .fetch, .kernel: first
    case .part(_, let step): step
    case .spill(let tensor): problem.operators[first...].firstIndex { $0.outputs.contains(tensor) } ?? first
    }
  }
}
