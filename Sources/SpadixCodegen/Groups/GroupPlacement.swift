import SpadixISA
import SpadixKernel
import SpadixSupport

/// Arranges the rows of a group so that its operators lose few cycles in the banks of the scratchpad.
///
/// A bank has one port: the array loses a cycle where it reads pixels from the bank that it takes weights from, or that
/// loads and stores write to. Weights of large operators come during the whole strip; so what counts is in which bank
/// the block for a strip lies, and at which end image rows do.
struct GroupPlacement {
  private let target: Target
  private let kernelGroup: KernelGroup
  /// What each section does, whatever lies where; sections are the same for every arrangement.
  private let traffic: [GroupTraffic]
  /// Rows of tensors in the scratchpad, per member and operand.
  private let tensors: [[TileOperand: Range<Int>]]
  /// The rows that the group may have.
  private let room: Range<Int>

  /// Where things lie: what a plan says of a group.
  struct Arrangement {
    /// With its rows.
    var group: Plan.Group
    /// Per member.
    var isFromTop: [Bool]
  }

  /// How often everything is moved again.
  private static let rounds = 4
  /// Of the cycles of a group, what another arrangement has to be better by.
  private static let leastGain = 1.0 / 1024

  /// Nil where the group does not fit as it is.
  init?(
    _ group: Plan.Group, _ kernelGroup: KernelGroup, constants: [NestConstants],
    tensors: [[TileOperand: Range<Int>]], room: Range<Int>, _ kernels: PreparedKernels
  ) {
    guard let layout = kernels.layout(group, kernelGroup) else { return nil }
    target = kernels.target
    self.kernelGroup = kernelGroup
    self.tensors = tensors
    self.room = room
    traffic = GroupTraffic.all(kernelGroup, layout, constants: constants, target)
  }

  /// The best arrangement that was found; nil where none is better than the group's own.
  func run(_ group: Plan.Group) -> Arrangement? {
    let own = Arrangement(group: group, isFromTop: kernelGroup.members.map(\.isFromTop))
    guard let before = lost(own)?.cycles else { return nil }
    let workingRows = workingRows(group)
    var best = (arrangement: own, cycles: before)
    func take(_ arrangement: Arrangement) {
      guard let (cycles, rows) = lost(arrangement), cycles < best.cycles else { return }
      best = (arrangement, cycles)
      best.arrangement.group.rows = rows
    }
    for _ in 0..<Self.rounds {
      let before = best.cycles
      for row in workingRows {
        for isFlipped in [false, true] where !isFlipped || group.room == nil {
          var other = best.arrangement
          other.group.workingRow = row
          if isFlipped { for member in other.isFromTop.indices { other.isFromTop[member].toggle() } }
          take(other)
        }
      }
      // In turn, rows lie where the last ones end.
      if group.room == nil {
        for first in own.isFromTop.indices {
          for last in [first, own.isFromTop.count - 1] {
            var other = best.arrangement
            for member in first...last { other.isFromTop[member].toggle() }
            take(other)
          }
        }
      }
      if best.cycles == before { break }
    }
    let all = traffic.reduce(0) { $0 + $1.cycles }
    return before - best.cycles > Double(all) * Self.leastGain ? best.arrangement : nil
  }

  /// Rows at which the block for a strip may begin: behind the constants, and at both ends of each bank. What does not
  /// fit there is found out later.
  private func workingRows(_ group: Plan.Group) -> [Int?] {
    guard let layout = layout(Arrangement(group: group, isFromTop: kernelGroup.members.map(\.isFromTop))) else {
      return []
    }
    let end = group.row + layout.rows
    var rows: [Int?] = [nil, end - layout.workingRows]
    for bank in 0...target.scratchpadBanks {
      let border = bank * target.scratchpadRowsPerBank
      rows += [border, border - layout.workingRows]
    }
    return rows.filter { row in
      row.map { $0 >= room.lowerBound && $0 + layout.workingRows <= room.upperBound } ?? true
    }
  }

  private func layout(_ arrangement: Arrangement) -> GroupLayout? {
    var group = kernelGroup
    for index in group.members.indices { group.members[index].isFromTop = arrangement.isFromTop[index] }
    let it = arrangement.group
    return GroupLayout(
      group, dim: target.dim, accumulatorRows: target.accumulatorRows, limit: room.upperBound - it.row, room: it.room,
      workingStart: it.workingRow.map { $0 - it.row })
  }

  /// The cycles that the array loses, and the group's rows; nil for an arrangement that does not fit.
  private func lost(_ arrangement: Arrangement) -> (cycles: Double, rows: Int)? {
    guard let layout = layout(arrangement), layout.sections.count == traffic.count else { return nil }
    var cycles = 0.0
    for (section, traffic) in zip(layout.sections, traffic) {
      cycles += lost(section, traffic, arrangement.group.row)
    }
    return (cycles, layout.rows)
  }

  private func lost(_ section: GroupLayout.Section, _ traffic: GroupTraffic, _ row: Int) -> Double {
    if traffic.cycles == 0 { return 0 }
    let member = kernelGroup.members[section.member]
    var banks = BankUses(target)
    for (buffer, use) in traffic.blocks {
      let start = row + buffer.offset + (buffer.stays ? section.strip.constantsStart : section.strip.workingStart)
      banks.add(use, start..<start + buffer.rows)
    }
    for (operand, use) in traffic.tensors {
      if let rows = tensors[section.member][operand] { banks.add(use, rows) }
    }
    func add(_ use: RowUse, _ image: ImageRows?, ofInput input: Int? = nil) {
      guard let image, !image.starts.isEmpty else { return }
      let size = input.map { member.rowSize(ofInput: $0, dim: target.dim) } ?? member.rowSize(dim: target.dim)
      var evenly = use
      evenly.meetings = 0
      for start in image.starts { banks.add(evenly, row + start..<row + start + size, of: image.starts.count) }
      guard let input, use.meetings > 0 else { return }
      let last = member.lastRows(ofInput: input, in: section.strip, image).map { row + image.start(of: $0) }
      for start in last { banks.add(RowUse(meetings: use.meetings), start..<start + size, of: last.count) }
    }
    if let input = member.kernel.contraction?.input { add(traffic.input, section.strip.input, ofInput: input) }
    for (term, use) in traffic.identities.enumerated() {
      add(use, section.strip.identities[term], ofInput: member.kernel.identities[term].input)
    }
    add(traffic.output, section.strip.output)
    return banks.lost(in: traffic.cycles)
  }
}

/// Uses by bank of the scratchpad, evenly spread over the rows that they are of.
private struct BankUses {
  private let bankRows: Int
  private var pixels: [Double]
  private var written: [Double]
  private var matrices: [Double]
  private var meetings: [Double]

  init(_ target: Target) {
    bankRows = target.scratchpadRowsPerBank
    pixels = [Double](repeating: 0, count: target.scratchpadBanks)
    (written, matrices, meetings) = (pixels, pixels, pixels)
  }

  /// - Parameter parts: how many of the kind share the use.
  mutating func add(_ use: RowUse, _ rows: Range<Int>, of parts: Int = 1) {
    var start = rows.lowerBound
    while start < rows.upperBound {
      let bank = start / bankRows
      let end = min(rows.upperBound, (bank + 1) * bankRows)
      let share = Double(end - start) / Double(rows.count * parts)
      pixels[bank] += Double(use.pixels) * share
      written[bank] += Double(use.written) * share
      matrices[bank] += Double(use.matrices) * share
      meetings[bank] += Double(use.meetings) * share
      start = end
    }
  }

  /// Where pixels are read and rows written at any time in so many cycles, as many of them meet; weights come beside the
  /// last pixels of a tile.
  func lost(in cycles: Int) -> Double {
    let all = max(1, matrices.reduce(0, +))
    return pixels.indices.reduce(0) { sum, bank in
      sum + pixels[bank] * written[bank] / Double(cycles) + meetings[bank] * matrices[bank] / all
    }
  }
}
