import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// Finds the tilings of operators in groups, and what these need and cost.
struct GroupTilings: Sendable {
  /// A tiling, and whether constants stay with it.
  struct Option: Hashable {
    var tiling: Tiling
    var keepsConstants: Bool
  }

  private struct Key: Hashable {
    var shape: Int
    var form: Int
    var inputs: [KernelGroup.Place]
    var output: KernelGroup.Place
    var isStored: Bool
    var height: Int
    var sliceRows: Int?
  }

  private let target: Target
  private let objective: Objective
  private var time: GroupTime
  private var sizes: [KernelGroup.Member.Key: GroupSizes.Member] = [:]
  private var options: [Key: [Option]] = [:]

  init(_ target: Target, _ objective: Objective) {
    self.target = target
    self.objective = objective
    time = GroupTime(KernelTime(target))
  }

  /// What an operator costs in all strips.
  ///
  /// - Parameter strips: rows of its result by strip.
  mutating func cost(of member: KernelGroup.Member, _ strips: [Range<Int>]) -> Cost { time.cost(of: member, strips) }

  /// Rows that an operator needs beside image rows.
  mutating func size(_ member: KernelGroup.Member) -> GroupSizes.Member {
    if let known = sizes[member.key] { return known }
    let size = GroupSizes.Member(member, dim: target.dim, accumulatorRows: target.accumulatorRows)
    sizes[member.key] = size
    return size
  }

  /// The best tiling by the objective with weights for a tile, for a strip, and for all strips; one where these are the
  /// same.
  ///
  /// - Parameter sliceRows: rows of slices in which weights are loaded for each tile, two in turn; only that tiling then.
  mutating func options(of member: KernelGroup.Member, form: Int, height: Int, sliceRows: Int? = nil) -> [Option] {
    let key = Key(
      shape: member.shape, form: form, inputs: member.inputs.map(\.place), output: member.output,
      isStored: member.isStored, height: height, sliceRows: sliceRows)
    if let known = options[key] { return known }
    var found: [Option] = []
    let hasConstants: Bool
    switch member.kernel.contraction?.weights {
    case .none, .ones: hasConstants = false
    case .dense, .activation, .packed, .diagonal, .expanded: hasConstants = true
    }
    let paddings = member.kernel.bias?.paddingTaps == nil ? [false] : [false, true]
    let uses = sliceRows == nil ? [(false, false), (false, true), (true, true)] : [(false, false)]
    for (keeps, holds) in hasConstants ? uses : [(true, true)] {
      var best: (tiling: Tiling, cost: Cost, rows: Int)?
      for (shape, padding) in shapes(member, height).flatMap({ shape in paddings.map { (shape, $0) } }) {
        var it = member
        it.keepsConstants = keeps
        it.tiling = shape
        it.tiling.multipliesPadding = padding
        let chunks = KernelGeometry(kernel: it.kernel, tiling: shape, dim: target.dim, withSlices: false).chunkCount
        it.tiling.chunksPerGroup = chunks
        it.tiling.pinnedChunks = holds ? chunks : 0
        if chunks == 1 && !holds { it.tiling.pinnedChunks = 1 }
        if let sliceRows { slice(&it, rows: sliceRows) }
        let size = size(it)
        if size.constants + size.first > target.scratchpadRows { continue }
        let cost = time.cost(of: it, height: height, constants: keeps ? .kept : .loaded)
        if best.map({ isBetter((cost, size.first), than: ($0.cost, $0.rows)) }) ?? true {
          best = (it.tiling, cost, size.first)
        }
      }
      if let best { found.append(Option(tiling: best.tiling, keepsConstants: keeps)) }
    }
    options[key] = found
    return found
  }

  /// A form in which an operator can run, and the operator in it.
  struct Form {
    /// Index into the operator's forms.
    var number: Int
    /// Of which only the tiling is still to be chosen.
    var member: KernelGroup.Member
  }

  /// The form that is best by the objective, each with its best tiling; the first one of equals.
  mutating func best(_ forms: [Form], height: Int) -> Form? {
    if forms.count < 2 { return forms.first }
    var best: (form: Form, value: (Int, Int))?
    for form in forms {
      for option in options(of: form.member, form: form.number, height: height) {
        var it = form.member
        it.tiling = option.tiling
        it.keepsConstants = option.keepsConstants
        func value(_ constants: KernelStrip.Constants) -> Int {
          objective.value(time.cost(of: it, height: height, constants: constants))
        }
        // Of forms that run alike once their constants are there, the one in which these come sooner.
        let value = option.keepsConstants ? (value(.kept), value(.begin)) : (value(.loaded), 0)
        if best.map({ value < $0.value }) ?? true { best = (form, value) }
      }
    }
    return best?.form ?? forms.first
  }

  /// Weights in slices of so many rows, of which two take turns, where a tile's are more.
  private func slice(_ member: inout KernelGroup.Member, rows: Int) {
    guard let contraction = member.kernel.contraction, case .dense = contraction.weights else { return }
    let blocks = max(1, rows / (member.tiling.blocks * target.dim))
    var tiling = member.tiling
    tiling.sliceBlocks = min(tiling.sliceBlocks, blocks)
    let channels = min(contraction.window.inputChannels, tiling.sliceBlocks * target.dim)
    tiling.sliceTaps = min(contraction.window.taps, max(1, rows / (tiling.blocks * channels)))
    if tiling == member.tiling { return }
    tiling.pinnedChunks = 0
    tiling.sparePlaces = 1
    member.tiling = tiling
  }

  private func isBetter(_ one: (cost: Cost, rows: Int), than other: (cost: Cost, rows: Int)) -> Bool {
    let (first, second) = (objective.value(one.cost), objective.value(other.cost))
    return (first, one.cost.time, one.cost.bytes, one.rows) < (second, other.cost.time, other.cost.bytes, other.rows)
  }

  /// Tiles of the full width where one row of it fits.
  private func shapes(_ member: KernelGroup.Member, _ height: Int) -> [Tiling] {
    let kernel = member.kernel
    let blockCount = ceilDivide(kernel.channels, target.dim)
    let input = kernel.contraction.map { ceilDivide($0.window.inputChannels, target.dim) } ?? 1
    var shapes: [Tiling] = []
    var tiling = Tiling.one
    tiling.sliceTaps = kernel.contraction?.window.taps ?? 1
    tiling.sliceBlocks = max(1, input)
    func pixels(_ rows: Int, _ columns: Int) -> Int {
      var probe = tiling
      probe.tileRows = rows
      probe.tileColumns = columns
      let geometry = KernelGeometry(kernel: kernel, tiling: probe, dim: target.dim, withSlices: false)
      if let pooling = kernel.store.pooling {
        let sides = [(rows - 1) * pooling.stride + pooling.window, (columns - 1) * pooling.stride + pooling.window]
        if sides.contains(where: { $0 > Pooling.maximumExtent })
          || (rows > 1 && kernel.store.columns > Pooling.maximumExtent)
        {
          return Int.max / 256
        }
      }
      return geometry.accumulatorPixelsPerTile
    }
    var columns = kernel.store.columns
    while columns > 1 && pixels(1, columns) > target.accumulatorRows { columns = (columns + 1) / 2 }
    if pixels(1, columns) > target.accumulatorRows { return [] }
    let highest = kernel.store.pooling != nil && member.output == .rows ? 1 : height
    var blocks = 1
    while true {
      let blocksHere = min(blocks, blockCount)
      // Whole tiles take turns in the halves of the accumulator; larger ones need weights less often.
      for room in [target.accumulatorRows / 2, target.accumulatorRows] {
        var rows = 1
        while rows < highest && pixels(rows + 1, columns) * blocksHere <= room { rows += 1 }
        if pixels(rows, columns) * blocksHere > room { continue }
        let tiles = ceilDivide(height, rows)
        tiling.tileRows = ceilDivide(height, tiles)
        tiling.tileColumns = columns
        tiling.blocks = blocksHere
        if shapes.last != tiling { shapes.append(tiling) }
        if tiles == 1 { break }
      }
      if blocks >= blockCount { break }
      blocks *= 2
    }
    return shapes
  }
}

extension Tiling {
  static let one = Tiling(
    tileRows: 1, tileColumns: 1, blocks: 1, chunksPerGroup: 1, pinnedChunks: 0, windowRows: 1, sliceBlocks: 1,
    sliceTaps: 1)
}
