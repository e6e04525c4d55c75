import SpadixISA
import SpadixKernel
import SpadixPlan

extension Plan {
  /// The group that begins with a step.
  func group(from step: Int) -> Group? { groups.first { $0.steps.lowerBound == step } }

  /// The group that a step runs in.
  func group(of step: Int) -> Group? { groups.first { $0.steps.contains(step) } }
}

extension PreparedKernels {
  /// What a group of a plan runs.
  func kernelGroup(_ group: Plan.Group, _ plan: Plan, _ range: GroupRange) -> KernelGroup {
    KernelGroup(
      members: range.members.map { member in
        let step = plan.steps[member.step]
        guard case .tile(let form, let tiling) = step.nest, case .tile(let forms) = kernels[member.step] else {
          preconditionFailure("operators of a group run in tiles")
        }
        return KernelGroup.Member(
          kernel: forms[form].byRows, tiling: tiling, keepsConstants: step.keepsConstants,
          inputs: zip(step.inputs, member.producers).map { KernelGroup.Operand(.init($0), producer: $1) },
          output: .init(step.outputs[0]), isStored: member.isNeededOutside, shape: member.step)
      }, strips: group.strips)
  }

  func layout(_ group: KernelGroup) -> GroupLayout? {
    GroupLayout(group, dim: target.dim, accumulatorRows: target.accumulatorRows, limit: target.scratchpadRows)
  }

  func groupNest(_ group: Plan.Group, _ kernelGroup: KernelGroup) -> GroupNest? {
    guard let layout = layout(kernelGroup) else { return nil }
    return GroupNest(
      kernelGroup, layout,
      constants: group.steps.map { NestConstants(identity: identityMatrix, diagonals: identityMatrices[$0]) },
      dim: target.dim, accumulatorRows: target.accumulatorRows)
  }

  /// The programs of a group's operators and strips, in the order in which they run.
  func groupSections(_ group: Plan.Group, _ plan: Plan) -> [TileSection] {
    guard let range = try? GroupRange(group.steps, self) else { return [] }
    guard let nest = groupNest(group, kernelGroup(group, plan, range)) else { return [] }
    var sections: [TileSection] = []
    var parts = [Int](repeating: 0, count: group.steps.count)
    nest.forEach { member, program in
      sections.append(TileSection(.part(parts[member], of: group.steps.lowerBound + member), program))
      parts[member] += 1
    }
    return sections
  }
}

extension KernelGroup.Place {
  init(_ place: Plan.Place) {
    switch place {
    case .resident: self = .resident
    case .streamed: self = .streamed
    case .rows: self = .rows
    }
  }
}

extension Plan.Place {
  init(_ place: KernelGroup.Place) {
    switch place {
    case .rows: self = .rows
    case .resident: self = .resident
    case .streamed: self = .streamed
    }
  }
}
