import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// Whether operators run in groups.
public enum GroupPolicy: String, CaseIterable, Sendable {
  /// Where it is better by the objective.
  case auto
  /// Wherever it is possible.
  case always
  case never
}

/// Lists the groups of a graph, and the ways to run each that are worth having.
///
/// A group is a range of up to `longest` operators, in strips of a height from a list, each operator with the tiling
/// that is best for it by the objective; weights and small matrices stay for the whole group, for a strip, or for a
/// tile. Of the ways with the same places those are kept that no other beats in rows, time and bytes.
struct GroupEnumeration: Sendable {
  /// A way to run a group.
  struct Way: Sendable {
    var strips: Int
    /// Per operator.
    var forms: [Int]
    var group: KernelGroup
    var costs: [Cost]
    var rows: Int
    var inputs: [Plan.Place]
    var outputs: [Plan.Place]
  }

  private let kernels: PreparedKernels
  private let target: Target
  private var tilings: GroupTilings
  private let shapes: [Int]
  private let places: [PossiblePlaces]
  private static let longest = 16
  /// Parts of a graph whose groups are found at the same time: with more, more is found twice.
  private static let parts = 2
  /// The part of the scratchpad below which rows hardly count.
  private static let smallPart = 8
  private static let heights = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]

  /// All ways count, and one is drawn of each group's.
  private var random: SplitMix64?

  init(_ kernels: PreparedKernels, _ places: [PossiblePlaces], _ objective: Objective, seed: UInt64? = nil) {
    self.kernels = kernels
    random = seed.map { SplitMix64(seed: $0) }
    target = kernels.target
    tilings = GroupTilings(target, objective)
    var known: [KernelShape: Int] = [:]
    shapes = kernels.kernels.indices.map { step in
      guard case .tile(let forms) = kernels.kernels[step] else { return -1 }
      let shape = KernelShape(forms[0].byRows, KernelPlaces())
      let number = known[shape] ?? known.count
      known[shape] = number
      return number
    }
    self.places = places
  }

  /// All groups with their ways.
  ///
  /// - Parameter isForced: whether ranges are disjoint, the longest first, and their operators do not run by themselves.
  mutating func run(
    isForced: Bool, progress: (@Sendable (String) -> Void)?
  ) -> [(range: GroupRange, ways: [Way])] {
    // A group has at least two operators.
    let ends = max(0, kernels.problem.operators.count - 1)
    var groups: [(range: GroupRange, ways: [Way])]
    if random == nil {
      // What is known of one operator mostly serves those beside it. Operators of one shape share what the first of them
      // in a part found, so that the parts must be the same on every machine.
      let (parts, enumeration) = (Self.parts, self)
      groups = (0..<parts).map { 2 + ends * $0 / parts..<2 + ends * ($0 + 1) / parts }
        .concurrentMap { ends in
          var enumeration = enumeration
          return enumeration.groups(endingAt: ends, isForced: isForced, progress: progress)
        }
        .flatMap { $0 }
    } else {
      groups = draw(self.groups(endingAt: 2..<2 + ends, isForced: isForced, progress: progress))
    }
    if isForced { groups = disjoint(groups) }
    return groups.sorted {
      ($0.range.steps.lowerBound, $0.range.steps.upperBound) < ($1.range.steps.lowerBound, $1.range.steps.upperBound)
    }
  }

  /// Those that end with the operator before one of these.
  private mutating func groups(
    endingAt ends: Range<Int>, isForced: Bool, progress: (@Sendable (String) -> Void)?
  ) -> [(range: GroupRange, ways: [Way])] {
    var groups: [(range: GroupRange, ways: [Way])] = []
    for end in ends {
      progress?("groups: operator \(end) of \(kernels.problem.operators.count)")
      // The longest range that ends here; those that end together share extents and costs.
      var longest: GroupRange?
      for first in stride(from: end - 2, through: max(0, end - Self.longest), by: -1) {
        guard let range = try? GroupRange(first..<end, kernels) else { break }
        longest = range
      }
      guard let longest, longest.members.last!.producers.contains(where: { $0 != nil }) else { continue }
      if !isForced, !hasLargeResult(longest) { continue }
      groups += ways(endingWith: longest, isForced: isForced)
    }
    return groups
  }

  /// Whether a result that stays inside a range takes much of the scratchpad as a whole. Others may as well be there
  /// whole.
  private func hasLargeResult(_ range: GroupRange) -> Bool {
    range.members.contains { member in
      member.isReadInside
        && kernels.problem.tensors[kernels.problem.operators[member.step].outputs[0]].rows
          > target.scratchpadRows / Self.smallPart
    }
  }

  /// Some of the groups, each with one way.
  private mutating func draw(_ groups: [(range: GroupRange, ways: [Way])]) -> [(range: GroupRange, ways: [Way])] {
    var random = random ?? SplitMix64(seed: 0)
    defer { self.random = random }
    let few = groups.filter { _ in Bool.random(using: &random) }
    return (few.isEmpty ? groups : few).map { ($0.range, [$0.ways.randomElement(using: &random)!]) }
  }

  /// The longest first, then what does not overlap them.
  private func disjoint(_ groups: [(range: GroupRange, ways: [Way])]) -> [(range: GroupRange, ways: [Way])] {
    var taken = [Bool](repeating: false, count: kernels.problem.operators.count)
    var chosen: [(range: GroupRange, ways: [Way])] = []
    for group in groups.sorted(by: {
      ($1.range.steps.count, $0.range.steps.lowerBound) < ($0.range.steps.count, $1.range.steps.lowerBound)
    }) where !group.range.steps.contains(where: { taken[$0] }) {
      for step in group.range.steps { taken[step] = true }
      chosen.append(group)
    }
    return chosen
  }

  // MARK: Ways

  /// Ways of all ranges that end with the last operator of one.
  private mutating func ways(
    endingWith longest: GroupRange, isForced: Bool
  ) -> [(range: GroupRange, ways: [Way])] {
    var found: [(range: GroupRange, ways: [Way])] = []
    let height = shapeKernel(longest.steps.upperBound - 1).store.rows
    var counts: [Int] = []
    for rows in Self.heights.reversed() where rows < height {
      let strips = ceilDivide(height, rows)
      if counts.last != strips { counts.append(strips) }
    }
    if counts.isEmpty { return [] }
    // In one strip it pays to let sums take the place of their addends.
    if hasResidual(longest) { counts.insert(1, at: 0) }
    // Extents of an operator depend on what is behind it only.
    let extents = counts.map { strips in
      StripExtents(blank(longest, strips: strips))
    }
    var costs = [[CostKey: Cost]](repeating: [:], count: counts.count)
    for first in longest.steps.lowerBound..<longest.steps.upperBound - 1 {
      guard let range = try? GroupRange(first..<longest.steps.upperBound, kernels),
        random != nil || isForced || hasLargeResult(range)
      else { continue }
      var ways: [Way] = []
      for (inputs, outputs) in patterns(range) {
        var ofPattern: [Way] = []
        for (index, strips) in counts.enumerated() where strips > 1 || hasResidual(range) {
          let offset = first - longest.steps.lowerBound
          let part = extents[index].dropping(offset)
          ofPattern += self.ways(range, strips, part, inputs, outputs, offset, &costs[index], better: ofPattern)
          // Lower strips need fewer rows and more time.
          if random == nil, let least = ofPattern.map(\.rows).min(), least <= target.scratchpadRows / Self.smallPart {
            break
          }
        }
        ways += random == nil ? frontier(ofPattern) : ofPattern
      }
      if !ways.isEmpty { found.append((range, ways)) }
    }
    return found
  }

  /// Whether a sum reads an addend that waits in the range.
  private func hasResidual(_ range: GroupRange) -> Bool {
    range.members.contains { member in
      guard case .tile(let forms) = kernels.kernels[member.step] else { return false }
      return forms[0].byRows.identities.contains { member.producers[$0.input] != nil }
    }
  }

  private struct CostKey: Hashable {
    var step: Int
    var member: KernelGroup.Member.Key
  }

  private func shapeKernel(_ step: Int) -> TileKernel {
    guard case .tile(let forms) = kernels.kernels[step] else { preconditionFailure("members run in tiles") }
    return forms[0].byRows
  }

  /// More than any operator has.
  private static let mostForms = 8

  /// A group of which only the extents matter.
  private func blank(_ range: GroupRange, strips: Int) -> KernelGroup {
    return KernelGroup(
      members: range.members.map { member in
        let form = kernels.groupForms(member.step, inputIsStreamed: false).first ?? 0
        guard case .tile(let forms) = kernels.kernels[member.step] else { preconditionFailure("not in tiles") }
        return KernelGroup.Member(
          kernel: forms[form].byRows, tiling: .one, keepsConstants: false,
          inputs: member.producers.map { KernelGroup.Operand(.rows, producer: $0) }, output: .rows, isStored: false,
          shape: 0)
      }, strips: strips)
  }

  /// Places of the tensors at the border of a range, as many as are worth trying.
  private func patterns(_ range: GroupRange) -> [(inputs: [Plan.Place], outputs: [Plan.Place])] {
    let problem = kernels.problem
    let mayReside =
      range.inputs.map { tensor in
        range.members.allSatisfy { member in
          problem.operators[member.step].inputs.indices.allSatisfy {
            problem.operators[member.step].inputs[$0] != tensor || places[member.step].inputMayReside[$0]
          }
        }
      }
      + range.outputs.map { tensor in
        places[range.members.first { problem.operators[$0.step].outputs[0] == tensor }!.step].outputMayReside
      }
    let open = mayReside.indices.filter { mayReside[$0] }
    var choices: [Set<Int>] = []
    if open.count <= 3 {
      for bits in 0..<(1 << open.count) {
        choices.append(Set(open.indices.filter { bits >> $0 & 1 == 1 }.map { open[$0] }))
      }
    } else {
      choices = [[]] + open.map { [$0] } + [Set(open)]
    }
    return choices.compactMap { choice in
      let all = mayReside.indices.map { choice.contains($0) ? Plan.Place.resident : .streamed }
      let rows = zip(range.inputs + range.outputs, all).reduce(0) {
        $0 + ($1.1 == .resident ? problem.tensors[$1.0].rows : 0)
      }
      if rows >= target.scratchpadRows { return nil }
      return (Array(all[..<range.inputs.count]), Array(all[range.inputs.count...]))
    }
  }

  /// One of the ways of a member, with what it needs and costs.
  private struct Choice {
    var member: KernelGroup.Member
    var cost: Cost
    var size: GroupSizes.Member
  }

  private mutating func ways(
    _ range: GroupRange, _ strips: Int, _ extents: StripExtents, _ inputs: [Plan.Place], _ outputs: [Plan.Place],
    _ offset: Int, _ costs: inout [CostKey: Cost], better: [Way]
  ) -> [Way] {
    let problem = kernels.problem
    var members: [KernelGroup.Member] = []
    var forms: [Int] = []
    for member in range.members {
      let op = problem.operators[member.step]
      let output: KernelGroup.Place
      if let position = range.outputs.firstIndex(of: op.outputs[0]) {
        output = outputs[position] == .resident ? .resident : member.isReadInside ? .rows : .streamed
      } else {
        output = .rows
      }
      let operands = zip(op.inputs, member.producers).map { tensor, producer in
        if let producer {
          return KernelGroup.Operand(members[producer].output == .resident ? .resident : .rows, producer: producer)
        }
        return KernelGroup.Operand(inputs[range.inputs.firstIndex(of: tensor)!] == .resident ? .resident : .streamed)
      }
      guard case .tile(let all) = kernels.kernels[member.step] else { return [] }
      let inForms = kernels.groupForms(
        member.step, inputIsStreamed: all[0].byRows.contraction?.input.map { operands[$0].place == .streamed } ?? false
      ).map { form in
        GroupTilings.Form(
          number: form,
          member: KernelGroup.Member(
            kernel: all[form].byRows, tiling: .one, keepsConstants: false, inputs: operands, output: output,
            isStored: output == .rows && member.isNeededOutside, shape: shapes[member.step] * Self.mostForms + form))
      }
      let height = extents.rows.reduce(1) { max($0, $1[members.count].count) }
      guard let form = tilings.best(inForms, height: height) else { return [] }
      forms.append(form.number)
      members.append(form.member)
    }
    // Whole tensors at the ends take their rows beside the group's.
    let room = zip(range.inputs + range.outputs, inputs + outputs).reduce(target.scratchpadRows) {
      $0 - ($1.1 == .resident ? problem.tensors[$1.0].rows : 0)
    }
    if strips == 1 { fetchSomething(&members) }
    let footprint = GroupFootprint(
      KernelGroup(members: members, strips: strips), extents, dim: target.dim, limit: room)
    if footprint == nil && strips > 1 { return [] }
    var options: [[Choice]] = []
    for index in members.indices {
      let rows = extents.rows.map { $0[index] }
      let found = tilings.options(of: members[index], form: forms[index], height: max(1, rows.map(\.count).max() ?? 1))
      if found.isEmpty { return [] }
      options.append(
        found.map { option in
          var member = members[index]
          member.tiling = option.tiling
          member.keepsConstants = option.keepsConstants
          return choice(member, rows, range.steps.lowerBound + index, &costs)
        })
    }
    guard let footprint else {
      return wayWithFetches(members, range, extents, room, forms, inputs, outputs, &costs).map { [$0] } ?? []
    }
    var found: [(rows: Int, cost: Cost, choice: [Int])] = []
    let known = better.map { (rows: $0.rows, cost: $0.costs.reduce(.zero, +)) }
    for choice in choices(options) {
      let chosen = zip(options, choice).map { $0[$1] }
      let rows = footprint.rows(GroupSizes(chosen.map(\.size)), keeps: chosen.map(\.member.keepsConstants))
      if rows > room { continue }
      let cost = chosen.reduce(Cost.zero) { $0 + $1.cost }
      func isBeaten(by other: (rows: Int, cost: Cost)) -> Bool {
        other.rows <= rows && other.cost.time <= cost.time && other.cost.bytes <= cost.bytes
      }
      if random == nil, known.contains(where: isBeaten) || found.contains(where: { isBeaten(by: ($0.rows, $0.cost)) }) {
        continue
      }
      found.append((rows, cost, choice))
    }
    if found.isEmpty && better.isEmpty && strips == 1 {
      return wayWithFetches(members, range, extents, room, forms, inputs, outputs, &costs).map { [$0] } ?? []
    }
    return found.map { rows, _, choice in
      let chosen = zip(options, choice).map { $0[$1] }
      return Way(
        strips: strips, forms: forms, group: KernelGroup(members: chosen.map(\.member), strips: strips),
        costs: chosen.map(\.cost), rows: rows, inputs: inputs, outputs: outputs)
    }
  }

  private mutating func choice(
    _ member: KernelGroup.Member, _ rows: [Range<Int>], _ step: Int, _ costs: inout [CostKey: Cost]
  ) -> Choice {
    let key = CostKey(step: step, member: member.key)
    let cost = costs[key] ?? tilings.cost(of: member, rows)
    costs[key] = cost
    return Choice(member: member, cost: cost, size: tilings.size(member))
  }

  /// In one strip, with weights in slices, the larger ones first, and as many image rows fetched as it takes.
  private mutating func wayWithFetches(
    _ members: [KernelGroup.Member], _ range: GroupRange, _ extents: StripExtents, _ room: Int, _ forms: [Int],
    _ inputs: [Plan.Place], _ outputs: [Plan.Place], _ costs: inout [CostKey: Cost]
  ) -> Way? {
    for dims in Self.sliceSizes {
      var members = members
      for index in members.indices {
        let found = tilings.options(
          of: members[index], form: forms[index], height: shapeKernel(range.members[index].step).store.rows,
          sliceRows: dims * target.dim)
        guard let option = found.first else { return nil }
        members[index].tiling = option.tiling
        members[index].keepsConstants = option.keepsConstants
      }
      let sizes = GroupSizes(members.map { tilings.size($0) })
      let keeps = members.map(\.keepsConstants)
      let plain = KernelGroup(members: members, strips: 1)
      guard
        let limit = GroupFootprint(plain, extents, dim: target.dim, limit: Int.max)?.room(
          sizes, keeps: keeps, of: room),
        let group = plain.fetching(extents, dim: target.dim, limit: limit),
        let footprint = GroupFootprint(group, extents, dim: target.dim, limit: limit)
      else { continue }
      let chosen = group.members.indices.map { index in
        choice(group.members[index], extents.rows.map { $0[index] }, range.steps.lowerBound + index, &costs)
      }
      return Way(
        strips: 1, forms: forms, group: group, costs: chosen.map(\.cost), rows: footprint.rows(sizes, keeps: keeps),
        inputs: inputs, outputs: outputs)
    }
    return nil
  }

  /// Of weights in `dim` x `dim` matrices; the smaller ones are what a load brings in full requests.
  private static let sliceSizes = [16, 4]

  /// To try it, now and then some rows of what is in rows.
  private mutating func fetchSomething(_ members: inout [KernelGroup.Member]) {
    guard var random else { return }
    defer { self.random = random }
    for index in members.indices {
      for input in members[index].inputs.indices where members[index].inputs[input].place == .rows {
        if Int.random(in: 0..<4, using: &random) > 0 { continue }
        members[index].inputs[input].fetched = Int.random(
          in: 1...members[index].rowCount(ofInput: input), using: &random)
      }
    }
    for index in members.indices { members[index].isFromTop = Int.random(in: 0..<4, using: &random) == 0 }
    members = KernelGroup(members: members, strips: 1).members
  }

  /// Which of its options each operator takes: all the same, and constants that stay for some of the operators.
  private func choices(_ options: [[Choice]]) -> [[Int]] {
    // Options: 0 needs the fewest rows, the last keeps constants.
    func pick(_ keeps: (Int) -> Bool, others: (Int) -> Int) -> [Int] {
      options.indices.map { keeps($0) ? options[$0].count - 1 : min(others($0), options[$0].count - 1) }
    }
    let weighty = options.indices.filter { options[$0].count > 1 }
    func isDiagonal(_ index: Int) -> Bool {
      if case .diagonal = options[index][0].member.kernel.contraction?.weights { return true }
      return false
    }
    var found: [[Int]] = [pick({ _ in true }, others: { _ in 0 })]
    for order in [weighty, weighty.filter(isDiagonal) + weighty.filter { !isDiagonal($0) }, weighty.reversed()] {
      for quarter in [3, 2, 1] {
        let kept = Set(order.prefix(order.count * quarter / 4))
        if kept.isEmpty { continue }
        found.append(pick(kept.contains, others: { _ in 0 }))
        found.append(pick(kept.contains, others: { _ in 1 }))
      }
    }
    found.append(pick({ options[$0].count == 1 }, others: { _ in 1 }))
    found.append(pick({ options[$0].count == 1 }, others: { _ in 0 }))
    var seen: Set<[Int]> = []
    return found.filter { seen.insert($0).inserted }
  }

  /// Those that no other beats in rows, time and bytes together.
  private func frontier(_ ways: [Way]) -> [Way] {
    let sorted = ways.enumerated().map { (offset: $0.offset, way: $0.element, cost: $0.element.costs.reduce(.zero, +)) }
      .sorted {
        ($0.way.rows, $0.cost.time, $0.cost.bytes, $0.offset) < ($1.way.rows, $1.cost.time, $1.cost.bytes, $1.offset)
      }
    var kept: [(way: Way, cost: Cost)] = []
    for (_, way, cost) in sorted
    where !kept.contains(where: { $0.cost.time <= cost.time && $0.cost.bytes <= cost.bytes }) {
      kept.append((way, cost))
    }
    return kept.map(\.way)
  }
}

extension GroupEnumeration.Way {
  /// One of the operators in a plan.
  func step(_ index: Int) -> Plan.Step {
    let member = group.members[index]
    return Plan.Step(
      inputs: member.inputs.map { Plan.Place($0.place) }, outputs: [Plan.Place(member.output)],
      nest: .tile(form: forms[index], tiling: member.tiling), workingRow: 0, workingRows: 0, cost: costs[index],
      keepsConstants: member.keepsConstants, fetched: member.inputs.map(\.fetched),
      isFromTop: member.isFromTop)
  }
}
