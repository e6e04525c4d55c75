/// Puts orders of blocks together to one of the whole.
struct BlockAssembly {
  /// Operators of each block; the first one of all but the first block ends the block before.
  let blocks: [[Int]]
  let parts: [ScheduleCore]
  private let indexOfOriginal: [Int: Int]

  /// - Parameter whole: the core whose numbers of tensors the drops get; those of a block carry the problem's.
  init(blocks: [[Int]], parts: [ScheduleCore], whole: ScheduleCore) {
    self.blocks = blocks
    self.parts = parts
    indexOfOriginal = Dictionary(uniqueKeysWithValues: whole.tensors.enumerated().map { ($1.original, $0) })
  }

  func whole(of residencies: [BlockScheduler.Residency]) -> BlockScheduler.Residency {
    var result = BlockScheduler.Residency(order: [], drops: [], cost: 0)
    for (number, residency) in residencies.enumerated() {
      let overlap = number > 0 ? 1 : 0
      let offset = result.order.count - overlap
      result.drops += residency.drops.map { gap in
        ResidencyModel.Gap(
          tensor: indexOfOriginal[parts[number].tensors[gap.tensor].original] ?? 0, first: gap.first + offset,
          last: gap.last + offset)
      }
      result.order += residency.order.dropFirst(overlap).map { blocks[number][$0] }
      result.cost += residency.cost
    }
    return result
  }
}
