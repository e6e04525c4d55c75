import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport
import Testing

@testable import SpadixCodegen

/// In groups, what the array reads and what is loaded meanwhile lie in different banks where there is room.
@Suite struct GroupPlacementTests {
  private let kernels: PreparedKernels
  private let plan: Plan

  /// Two convolutions of 14 x 14 pixels, of a pixel and of 3 x 3, whose weights come in slices, two in turn.
  init() throws {
    kernels = try CodeGenerator(target: .spadix).prepare(
      NpuGraphs.chain(size: 14, channels: [64, 256, 256], kernels: [1, 3]), data: DataStore())
    plan = try Self.read(
      kernels, group: "strips = 1, row = 0",
      steps: [
        "inputs = [streamed], outputs = [rows], tile = [14, 14, 1], group = [16, 0], spare = 1, slice = [4, 1]",
        "inputs = [rows], outputs = [streamed], tile = [14, 14, 1], group = [16, 0], spare = 1, slice = [4, 1]",
      ])
  }

  private static func read(_ kernels: PreparedKernels, group: String, steps: [String]) throws -> Plan {
    var text = "plan @chain {\n  group {steps = [0, \(steps.count - 1)], \(group)}\n"
    for (index, step) in steps.enumerated() { text += "  step \(index) {\(step)}\n" }
    return try kernels.readPlan(SourceText(name: "plan", text: text + "}\n")).plan
  }

  private func banks(_ ranges: [Range<Int>]) -> Set<Int> {
    Set(ranges.joined().map { $0 / Target.spadix.scratchpadRowsPerBank })
  }

  /// Rows of the scratchpad that a member multiplies pixels of, and the slots of its weights.
  private func uses(of member: Int, _ plan: Plan) throws -> (pixels: [Range<Int>], slots: [Range<Int>]) {
    let group = plan.groups[0]
    let kernelGroup = kernels.kernelGroup(group, plan, kernels.range(of: group))
    let layout = try #require(kernels.layout(group, kernelGroup))
    let section = try #require(layout.sections.first { $0.member == member })
    let size = kernelGroup.members[member].rowSize(ofInput: 0, dim: 16)
    let nest = KernelNest(
      kernelGroup.members[member], section.strip, constants: kernels.nestConstants(of: group)[member], dim: 16,
      accumulatorRows: Target.spadix.accumulatorRows)
    return (
      try #require(section.strip.input).starts.map { group.row + $0..<group.row + $0 + size },
      nest.stripBuffers.filter { $0.buffer.contents == .weights }.flatMap { _, buffer in
        (0..<buffer.slots).compactMap(buffer.place).map { $0.lowerBound + group.row..<$0.upperBound + group.row }
      }
    )
  }

  private func placement(_ plan: Plan, room: Range<Int> = 0..<Target.spadix.scratchpadRows) throws -> GroupPlacement {
    let group = plan.groups[0]
    return try #require(
      GroupPlacement(
        group, kernels.kernelGroup(group, plan, kernels.range(of: group)), constants: kernels.nestConstants(of: group),
        tensors: [[:], [:]], room: room, kernels))
  }

  /// By itself the block for a strip comes first, in the bank that the image rows behind it are in.
  @Test func blockForAStripLeavesTheBankOfPixels() throws {
    let before = try uses(of: 1, plan)
    #expect(!banks(before.pixels).isDisjoint(with: banks(before.slots)))
    var better = plan
    let found = try placement(plan).run(plan.groups[0])
    let arrangement = try #require(found)
    better.groups[0] = arrangement.group
    for (step, isFromTop) in arrangement.isFromTop.enumerated() { better.steps[step].isFromTop = isFromTop }
    let after = try uses(of: 1, better)
    #expect(banks(after.pixels).isDisjoint(with: banks(after.slots)))
    try PlanValidator(kernels).validate(better)
  }

  /// Without room for another arrangement the group stays as it is.
  @Test func arrangementsStayInTheirRoom() throws {
    let group = plan.groups[0]
    let found = try placement(plan, room: 0..<group.rows).run(group)
    if let found {
      #expect(found.group.row >= 0 && found.group.row + found.group.rows <= group.rows)
      if let row = found.group.workingRow { #expect(row < group.rows) }
    }
  }

  /// Slots of weights lie by themselves, apart from each other and from the pixels that they are multiplied with.
  @Test func slotsOfWeightsLieApart() throws {
    let spread = kernels.spread(plan)
    let it = try uses(of: 1, spread)
    #expect(it.slots.count == 2)
    #expect(banks([it.slots[0]]).isDisjoint(with: banks([it.slots[1]])))
    #expect(banks(it.pixels).isDisjoint(with: banks(it.slots)))
    try PlanValidator(kernels).validate(spread)
    let again = try kernels.readPlan(SourceText(name: "plan", text: kernels.planText(spread))).plan
    #expect(again.steps.map(\.rows) == spread.steps.map(\.rows))
    #expect(again.groups == spread.groups)
  }

  /// Parts are refused on rows that images need, on each other, outside of the group, and in another number.
  @Test(arguments: [
    ("[1000, 1200]", "plan.group-rows"), ("[3500, 3510]", "plan.overlap"), ("[3500, 16380]", "plan.scratchpad"),
    ("[3500]", "plan.rows"),
  ])
  func partsAreChecked(_ rows: String, _ rule: String) throws {
    do {
      _ = try Self.read(
        kernels, group: "strips = 1, row = 0, working = 4096",
        steps: [
          "inputs = [streamed], outputs = [rows], tile = [14, 14, 1], group = [16, 0], spare = 1, slice = [4, 1]",
          "inputs = [rows], outputs = [streamed], rows = \(rows), tile = [14, 14, 1], group = [16, 0], spare = 1, slice = [4, 1]",
        ])
      Issue.record("rows = \(rows) was taken")
    } catch let diagnostic as Diagnostic {
      #expect(diagnostic.id == rule)
    }
  }

  /// With room, image rows from DRAM have rows of their own for two strips: those of the next strip come while this one
  /// still reads its own, and nothing that is made lies between them.
  @Test func imageRowsFromDRAMHaveRowsOfTheirOwn() throws {
    let kernels = try CodeGenerator(target: .spadix).prepare(
      NpuGraphs.chain(size: 28, channels: [64, 64, 64], kernels: [3, 3]), data: DataStore())
    let steps = [
      "inputs = [streamed], outputs = [rows], tile = [4, 28, 1], group = [4, 4], slice = [4, 9], weights = kept",
      "inputs = [rows], outputs = [streamed], tile = [4, 28, 1], group = [4, 4], slice = [4, 9], weights = kept",
    ]
    let narrow = try Self.read(kernels, group: "strips = 7, row = 0", steps: steps)
    let wide = try Self.read(kernels, group: "strips = 7, row = 0, room = 16384", steps: steps)
    // As many rows as the group needs have no place for a second strip.
    for (plan, isApart) in [(narrow, false), (wide, true)] {
      let group = plan.groups[0]
      let kernelGroup = kernels.kernelGroup(group, plan, kernels.range(of: group))
      let layout = try #require(kernels.layout(group, kernelGroup))
      let size = 28 * 4
      let strips = layout.sections.filter { $0.member == 0 }.map(\.strip)
      func rows(_ image: ImageRows?, _ range: Range<Int>) -> Set<Int> {
        Set(range.flatMap { row in image.map { $0.start(of: row)..<$0.start(of: row) + size } ?? 0..<0 })
      }
      let loaded = strips.map { rows($0.input, $0.loads) }
      let read = strips.map { strip in
        rows(strip.input, strip.input!.first..<strip.input!.first + strip.input!.starts.count)
      }
      let made = strips.reduce(into: Set<Int>()) { $0.formUnion(rows($1.output, $1.rows)) }
      let meet = zip(read, loaded.dropFirst()).contains { !$0.isDisjoint(with: $1) }
      #expect(meet != isApart)
      if isApart { #expect(loaded.reduce(Set()) { $0.union($1) }.max()! < made.min()!) }
    }
  }
}
