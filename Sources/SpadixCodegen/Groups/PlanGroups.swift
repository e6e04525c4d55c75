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
  /// The range of a group that has been checked.
  func range(of group: Plan.Group) -> GroupRange {
    do throws(GroupRange.Refusal) {
      return try GroupRange(group.steps, self)
    } catch {
      preconditionFailure("step \(error.step) of a group that was checked: \(error.reason)")
    }
  }

  /// What a group of a plan runs.
  func kernelGroup(_ group: Plan.Group, _ plan: Plan, _ range: GroupRange) -> KernelGroup {
    KernelGroup(
      members: range.members.map { member in
        let step = plan.steps[member.step]
        guard case .tile(let form, let tiling) = step.nest, case .tile(let forms) = kernels[member.step] else {
          preconditionFailure("operators of a group run in tiles")
        }
        var it = KernelGroup.Member(
          kernel: forms[form].byRows, tiling: tiling, keepsConstants: step.keepsConstants,
          inputs: member.producers.enumerated().map { input, producer in
            KernelGroup.Operand(
              .init(step.inputs[input]), producer: producer, fetched: step.fetched.isEmpty ? 0 : step.fetched[input])
          },
          output: .init(step.outputs[0]), isStored: member.isNeededOutside && step.outputs[0] == .rows,
          shape: member.step)
        it.isFromTop = step.isFromTop
        it.parts = (step.rows ?? []).map { $0 - group.row }
        return it
      }, strips: group.strips)
  }

  /// Where everything of a group of a plan lies; nil where that does not fit.
  func layout(_ group: Plan.Group, _ kernelGroup: KernelGroup) -> GroupLayout? {
    GroupLayout(
      kernelGroup, dim: target.dim, accumulatorRows: target.accumulatorRows, limit: target.scratchpadRows,
      room: group.room, workingStart: group.workingRow.map { $0 - group.row })
  }

  func groupNest(_ group: Plan.Group, _ kernelGroup: KernelGroup) -> GroupNest {
    guard let layout = layout(group, kernelGroup) else {
      preconditionFailure("a group that was checked has rows")
    }
    return GroupNest(
      kernelGroup, layout,
      constants: nestConstants(of: group), dim: target.dim, accumulatorRows: target.accumulatorRows)
  }

  /// Per step of a group.
  func nestConstants(of group: Plan.Group) -> [NestConstants] {
    group.steps.map { NestConstants(identity: identityMatrix, diagonals: identityMatrices[$0]) }
  }

  /// The programs of a group's operators and strips, in the order in which they run.
  func groupSections(_ group: Plan.Group, _ plan: Plan) -> [TileSection] {
    let nest = groupNest(group, kernelGroup(group, plan, range(of: group)))
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
