import SpadixISA
import SpadixKernel

/// Gives what a group's operators need during a strip, slots of weights first of all, rows by themselves: in other banks of
/// the scratchpad than each other and than the image rows that the array reads.
///
/// Free for that is, beside the operator's end of the block for a strip, what no image takes in any of its strips. So images
/// lie as they do without, and operators next to each other keep apart: the weights of one are loaded while the other runs.
struct GroupParts {
  private let target: Target
  private let kernelGroup: KernelGroup
  private let constants: [NestConstants]
  private let layout: GroupLayout
  /// Rows of tensors in the scratchpad, per member and operand.
  private let tensors: [[TileOperand: Range<Int>]]
  /// The first row of the group's block.
  private let row: Int

  /// - Parameter row: the first row of the group's block.
  init(
    _ kernelGroup: KernelGroup, _ layout: GroupLayout, constants: [NestConstants],
    tensors: [[TileOperand: Range<Int>]], row: Int, _ target: Target
  ) {
    self.target = target
    self.kernelGroup = kernelGroup
    self.constants = constants
    self.layout = layout
    self.tensors = tensors
    self.row = row
  }

  /// Per member, the first rows of its parts, slot by slot; nil for one whose parts are best where they are.
  ///
  /// - Parameter isWorthIt: whether an operator's banks are worth a line of the plan.
  func run(_ isWorthIt: (_ member: Int) -> Bool) -> [[Int]?] {
    var found = [[Range<Int>]?](repeating: nil, count: kernelGroup.members.count)
    for member in kernelGroup.members.indices where !kernelGroup.members[member].keepsConstants && isWorthIt(member) {
      found[member] = parts(of: member, beside: neighbours(of: member).flatMap { found[$0] ?? [] })
    }
    return found.map { $0?.map(\.lowerBound) }
  }

  /// Operators that run directly before or behind an operator.
  private func neighbours(of member: Int) -> [Int] {
    let pairs = zip(layout.sections, layout.sections.dropFirst()).map { ($0.member, $1.member) }
    return kernelGroup.members.indices.filter { other in
      other != member && pairs.contains { $0 == (member, other) || $0 == (other, member) }
    }
  }

  private func parts(of member: Int, beside taken: [Range<Int>]) -> [Range<Int>]? {
    let sections = layout.sections.filter { $0.member == member }
    guard let section = sections.max(by: { $0.strip.rows.count < $1.strip.rows.count }) else { return nil }
    let nest = KernelNest(
      kernelGroup.members[member], section.strip, constants: constants[member], dim: target.dim,
      accumulatorRows: target.accumulatorRows)
    let traffic = BankTraffic(nest)
    var parts: [BankPlacement.Part] = []
    for (number, buffer) in nest.stripBuffers {
      for slot in 0..<buffer.slots {
        guard let place = buffer.place(ofSlot: slot) else { return nil }
        parts.append(BankPlacement.Part(buffer: number, slot: slot, rows: moved(place), isFixed: false))
      }
    }
    if parts.isEmpty { return nil }
    let needed = parts.reduce(0) { $0 + $1.rows.count }
    parts += images(of: member, section.strip, nest, traffic)
    parts += residents(of: member, nest)
    var free = [0..<target.scratchpadRows]
    for section in sections {
      let block = section.strip.workingStart..<section.strip.workingStart + needed
      free = Self.common(free, (section.free + [block]).map(moved))
    }
    for range in taken { free = free.flatMap { Self.without(range, $0) } }
    var occupied: [Range<Int>] = []
    var end = 0
    for range in free.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      occupied.append(end..<max(end, range.lowerBound))
      end = max(end, range.upperBound)
    }
    occupied.append(end..<target.scratchpadRows)
    var placement = BankPlacement(parts, traffic, occupied: occupied, before: [], target)
    return placement.run()?.filter { !$0.isFixed }.map(\.rows)
  }

  private func moved(_ rows: Range<Int>) -> Range<Int> { rows.lowerBound + row..<rows.upperBound + row }

  /// The image rows that the operator reads and makes in a strip.
  private func images(
    of member: Int, _ strip: KernelStrip, _ nest: KernelNest, _ traffic: BankTraffic
  ) -> [BankPlacement.Part] {
    guard let buffer = nest.imageBuffer else { return [] }
    let it = kernelGroup.members[member]
    var parts: [BankPlacement.Part] = []
    func add(_ starts: [Int], _ size: Int, slot: Int) {
      let images = starts.map { moved($0..<$0 + size) }
      guard let first = images.first else { return }
      parts.append(
        BankPlacement.Part(buffer: buffer.index, slot: slot, rows: first, isFixed: true, images: images))
    }
    func add(_ rows: ImageRows?, ofInput input: Int, term: Int?) {
      guard let rows else { return }
      let size = it.rowSize(ofInput: input, dim: target.dim)
      add(rows.starts, size, slot: traffic.imageSlot(ofTerm: term))
      add(
        it.lastRows(ofInput: input, in: strip, rows).map(rows.start), size, slot: traffic.lastImageSlot(ofTerm: term))
    }
    if let input = it.kernel.contraction?.input { add(strip.input, ofInput: input, term: nil) }
    for (term, identity) in it.kernel.identities.enumerated() {
      add(strip.identities[term], ofInput: identity.input, term: term)
    }
    add(strip.output?.starts ?? [], it.rowSize(dim: target.dim), slot: traffic.imageSlotOfResult)
    return parts
  }

  /// Tensors that are in the scratchpad as a whole.
  private func residents(of member: Int, _ nest: KernelNest) -> [BankPlacement.Part] {
    nest.localBuffers.enumerated().compactMap { number, buffer in
      guard let operand = buffer.tensor, let rows = tensors[member][operand] else { return nil }
      return BankPlacement.Part(buffer: number, slot: 0, rows: rows, isFixed: true)
    }
  }

  /// What is in one of some ranges and in one of others.
  private static func common(_ some: [Range<Int>], _ others: [Range<Int>]) -> [Range<Int>] {
    some.flatMap { range in
      others.filter { $0.overlaps(range) }.map { $0.clamped(to: range) }.filter { !$0.isEmpty }
    }
  }

  private static func without(_ taken: Range<Int>, _ range: Range<Int>) -> [Range<Int>] {
    if !taken.overlaps(range) { return [range] }
    return [
      range.lowerBound..<max(range.lowerBound, taken.lowerBound),
      min(range.upperBound, taken.upperBound)..<range.upperBound,
    ].filter { !$0.isEmpty }
  }
}
