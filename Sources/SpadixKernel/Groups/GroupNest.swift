/// Generates the tile programs of a group: one for each operator and strip, in the order in which they run.
public struct GroupNest {
  private let group: KernelGroup
  private let layout: GroupLayout
  /// Per operator.
  private let constants: [NestConstants]
  private let dim: Int
  private let accumulatorRows: Int

  public init(
    _ group: KernelGroup, _ layout: GroupLayout, constants: [NestConstants], dim: Int, accumulatorRows: Int
  ) {
    self.group = group
    self.layout = layout
    self.constants = constants
    self.dim = dim
    self.accumulatorRows = accumulatorRows
  }

  /// - Parameter body: takes the position of an operator in the group, and its program for the next strip.
  public func forEach(_ body: (_ member: Int, _ program: TileProgram) throws -> Void) rethrows {
    var slot = 0
    for section in layout.sections {
      var strip = section.strip
      // Sums take the halves of the accumulator in turn, also from one operator to the next.
      strip.firstSlot = slot
      let program = KernelNest(
        group.members[section.member], strip, constants: constants[section.member], dim: dim,
        accumulatorRows: accumulatorRows
      ).program()
      for case .begin(let tile) in program.operations { slot = tile.slot }
      try body(section.member, program)
    }
  }
}

extension KernelNest {
  /// What an operator of a group does in a strip.
  public init(
    _ member: KernelGroup.Member, _ strip: KernelStrip, constants: NestConstants, dim: Int, accumulatorRows: Int
  ) {
    self.init(
      KernelGeometry(kernel: member.kernel, tiling: member.tiling, dim: dim), places: member.places,
      constants: constants, accumulatorRows: accumulatorRows, strip: strip)
  }
}
