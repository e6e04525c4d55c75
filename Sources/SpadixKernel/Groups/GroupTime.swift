import SpadixSupport

/// What groups cost: the sum of what the parts of their operators do, each by `KernelTime`. Parts that are alike in all that
/// it looks at cost the same, and are asked for once.
public struct GroupTime: Sendable {
  private struct Part: Hashable {
    var member: KernelGroup.Member.Key
    var constants: KernelStrip.Constants
    var rows: Int
    var loads: Int
    var identityLoads: [Int]
    var spills: Int
    /// Rows of taps beyond the image, and rows of sums.
    var above: Int
    var below: Int
    var sums: Int
    /// Where in a DMA request the first bytes of what moves lie.
    var phases: [Int]
  }

  /// What parts are asked for with; it remembers moves.
  public private(set) var time: KernelTime
  private var known: [Part: Cost] = [:]

  public init(_ time: KernelTime) { self.time = time }

  private var dim: Int { time.target.dim }

  /// Per operator, what its parts of all strips cost.
  public mutating func costs(of group: KernelGroup) -> [Cost] { costs(of: group, StripExtents(group)) }

  mutating func costs(of group: KernelGroup, _ extents: StripExtents) -> [Cost] {
    group.members.indices.map { index in cost(of: group.members[index], extents.rows.map { $0[index] }) }
  }

  /// What the parts of one operator cost.
  ///
  /// - Parameter strips: rows of its result by strip.
  public mutating func cost(of member: KernelGroup.Member, _ strips: [Range<Int>]) -> Cost {
    let key = member.key
    var cost = Cost.zero
    var loaded = member.inputs.indices.map { member.fetchedRows(ofInput: $0).lowerBound }
    var hasBegun = false
    for rows in strips where !rows.isEmpty {
      let constants: KernelStrip.Constants = member.keepsConstants ? hasBegun ? .kept : .begin : .loaded
      hasBegun = true
      cost += part(member, key, rows, constants, &loaded)
    }
    return cost
  }

  /// One part by itself, in the middle of an image if it can be: to choose between tilings.
  public mutating func cost(of member: KernelGroup.Member, height: Int, constants: KernelStrip.Constants) -> Cost {
    let all = member.kernel.store.rows
    let first = max(0, min(all - height, all / 2))
    var loaded = member.inputs.indices.map {
      max(member.fetchedRows(ofInput: $0).lowerBound, member.reads($0, for: 0..<first).upperBound)
    }
    return part(member, member.key, first..<min(all, first + height), constants, &loaded)
  }

  private mutating func part(
    _ member: KernelGroup.Member, _ key: KernelGroup.Member.Key, _ rows: Range<Int>,
    _ constants: KernelStrip.Constants, _ loaded: inout [Int]
  ) -> Cost {
    let kernel = member.kernel
    let sums = kernel.accumulatorRows(rows)
    var part = Part(
      member: key, constants: constants, rows: rows.count, loads: 0, identityLoads: [], spills: 0, above: 0, below: 0,
      sums: sums.count, phases: [])
    let line = 63
    let loads = member.inputs.indices.map { input in
      if member.fetchedRows(ofInput: input).isEmpty { return 0..<0 }
      let reads = member.reads(input, for: rows)
      let loads = max(loaded[input], reads.lowerBound)..<max(loaded[input], reads.upperBound)
      loaded[input] = loads.upperBound
      return loads
    }
    if let contraction = kernel.contraction {
      let window = contraction.window
      part.above = max(0, -window.inputRow(sums.lowerBound, tapRow: 0))
      let last = window.inputRow(sums.upperBound - 1, tapRow: window.kernelRows - 1)
      part.below = max(0, last - window.inputRows + 1)
      let loads = contraction.input.map { loads[$0] } ?? 0..<0
      part.loads = loads.count
      if part.loads > 0 { part.phases.append((loads.lowerBound * contraction.view.row) & line) }
    }
    for identity in kernel.identities {
      let loads = loads[identity.input]
      part.identityLoads.append(loads.count)
      if member.inputs[identity.input].place == .streamed || !loads.isEmpty {
        part.phases.append(((loads.isEmpty ? sums.lowerBound : loads.lowerBound) * identity.view.row) & line)
      }
    }
    part.spills = rows.clamped(to: member.spilledRows).count
    if member.output == .streamed || member.isStored || part.spills > 0 {
      part.phases.append((rows.lowerBound * kernel.store.columns * kernel.channels) & line)
    }
    // Rows of pooling padding above and below change what a store reads.
    if let pooling = kernel.store.pooling {
      part.phases.append(max(0, pooling.top - rows.lowerBound * pooling.stride))
    }
    if let cost = known[part] { return cost }
    let cost = time.cost(
      of: KernelNest(
        member, canonical(member, rows, loads, constants), constants: NestConstants(for: kernel), dim: dim,
        accumulatorRows: time.target.accumulatorRows))
    known[part] = cost
    return cost
  }

  /// Image rows apart from each other, so that costs do not depend on where they happen to lie.
  private func canonical(
    _ member: KernelGroup.Member, _ rows: Range<Int>, _ loads: [Range<Int>], _ constants: KernelStrip.Constants
  ) -> KernelStrip {
    func image(_ rows: Range<Int>, _ size: Int) -> ImageRows {
      ImageRows(first: rows.lowerBound, starts: rows.map { ($0 - rows.lowerBound) * (size + 1) })
    }
    var strip = member.blankStrip(constants)
    strip.rows = rows
    strip.loads = member.kernel.contraction?.input.map { loads[$0] } ?? 0..<0
    strip.identityLoads = member.kernel.identities.map { loads[$0.input] }
    strip.spills = rows.clamped(to: member.spilledRows)
    strip.groupRows = time.target.scratchpadRows
    if let input = member.kernel.contraction?.input, strip.input != nil {
      strip.input = image(member.reads(input, for: rows), member.rowSize(ofInput: input, dim: dim))
    }
    for (term, identity) in member.kernel.identities.enumerated() where strip.identities[term] != nil {
      strip.identities[term] = image(
        member.reads(identity.input, for: rows), member.rowSize(ofInput: identity.input, dim: dim))
    }
    if strip.output != nil { strip.output = image(rows, member.rowSize(dim: dim)) }
    return strip
  }
}
