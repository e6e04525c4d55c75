import SpadixKernel
import SpadixPlan

/// A tile program of one step of a plan, and what it is there for.
public struct TileSection: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    /// Brings a tensor into its rows before the step.
    case fetch(KernelProblem.TensorID)
    case kernel
    /// Writes a tensor out of its rows after the step.
    case spill(KernelProblem.TensorID)
  }

  public var role: Role
  public var program: TileProgram

  public init(_ role: Role, _ program: TileProgram) {
    self.role = role
    self.program = program
  }
}

extension PreparedKernels {
  /// The tile programs of a plan, per step in the order in which they run.
  public func tileSections(_ plan: KernelPlan) -> [[TileSection]] {
    let index = PlanIndex(plan, problem)
    return plan.steps.indices.map { tileSections(step: $0, plan, index) }
  }

  func tileSections(step: Int, _ plan: KernelPlan, _ index: PlanIndex) -> [TileSection] {
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
    sections.append(TileSection(.kernel, tileProgram(step: step, plan)))
    for piece in pieces where piece.spilled {
      let (pixels, channels) = whole(piece.tensor)
      sections.append(
        TileSection(.spill(piece.tensor), .spill(pixels: pixels, channels: channels, dim: target.dim)))
    }
    return sections
  }

  private func tileProgram(step: Int, _ plan: KernelPlan) -> TileProgram {
    switch (codes[step][plan.steps[step].variant], kernels[step]) {
    case (.tile(let form, let places, let tiling), .tile(let forms)):
      let geometry = KernelGeometry(kernel: forms[form].kernel, tiling: tiling, dim: target.dim)
      let constants = NestConstants(identity: identityMatrix, diagonals: identityMatrices[step])
      return KernelNest(
        geometry, places: places, constants: constants, accumulatorRows: target.accumulatorRows
      ).program()
    case (.copy(let inputsAreResident, let outputIsResident), .copy(let kernel)):
      return CopyNest(
        kernel, inputIsResident: inputsAreResident, outputIsResident: outputIsResident, target: target
      ).program()
    case (.host, .host): return .host
    case (.tile, _), (.copy, _), (.host, _): preconditionFailure("a variant is one of its operator's kernel")
    }
  }

  /// The kernel that a step runs; nil for copies and host steps.
  func tileKernel(step: Int, _ plan: KernelPlan) -> TileKernel? {
    guard case .tile(let form, _, _) = codes[step][plan.steps[step].variant], case .tile(let forms) = kernels[step]
    else { return nil }
    return forms[form].kernel
  }
}
