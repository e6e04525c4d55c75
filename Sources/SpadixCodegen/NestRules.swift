import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// What a plan breaks, and where it says so.
public struct PlanViolation: Error, Sendable, Equatable {
  enum Place: Sendable, Equatable {
    case plan
    /// A step, and the field that is wrong; nil for the step as a whole.
    case step(Int, String?)
    /// A group by its first step, and the field that is wrong; nil for the group as a whole.
    case group(Int, String?)
    case piece(Int)
  }

  /// Stable: `plan.tile`.
  public var rule: String
  /// Lower case: what was expected and what was found.
  public var message: String
  var place: Place

  init(_ rule: String, _ message: String, at place: Place) {
    self.rule = rule
    self.message = message
    self.place = place
  }
}

/// The rules of a tile kernel's loop nest: which tilings can run at all. They know nothing of the search for good ones.
struct NestRules {
  let kernel: TileKernel
  let places: KernelPlaces
  let target: Target
  /// For messages.
  let step: Int
  /// Whether the kernel runs in strips of a group: its input is there in rows.
  var isInGroup = false

  private var blocks: Int { ceilDivide(kernel.channels, target.dim) }

  func check(_ tiling: Tiling) throws(PlanViolation) {
    try range(tiling.tileRows, 1...kernel.store.rows, "tile", "rows of a tile", "rows of the result")
    try range(tiling.tileColumns, 1...kernel.store.columns, "tile", "columns of a tile", "columns of the result")
    try range(tiling.blocks, 1...blocks, "tile", "blocks of a tile", "blocks of \(target.dim) channels of the result")
    let chunks = ceilDivide(blocks, tiling.blocks)
    try range(tiling.chunksPerGroup, 1...chunks, "group", "chunks of a group", "chunks of \(tiling.blocks) blocks")
    try range(
      tiling.pinnedChunks, 0...tiling.chunksPerGroup, "group", "chunks with a place of their own", "chunks of a group")
    let isStreamed = kernel.contraction != nil && !places.weightsAreResident
    try range(
      tiling.sparePlaces, 0...(isStreamed ? chunks : 0), "spare", "spare places for weights",
      isStreamed ? "chunks" : "for an operator that loads none")
    try checkAccumulator(tiling)
    if let contraction = kernel.contraction {
      try checkContraction(contraction, tiling)
    } else {
      try range(tiling.windowRows, 1...1, "window", "rows of the window", "for an operator that has none")
      try range(tiling.sliceBlocks, 1...1, "slice", "blocks of a slice", "for an operator that sums nothing")
      try range(tiling.sliceTaps, 1...1, "slice", "taps of a slice", "for an operator that sums nothing")
    }
    if tiling.multipliesPadding {
      let taps = kernel.contraction.map { $0.window.kernelRows * $0.window.kernelColumns } ?? 0
      if kernel.bias?.paddingTaps == nil || tiling.sliceTaps < taps {
        throw PlanViolation(
          "plan.padding",
          "expected a depthwise convolution of pixels with a zero point, all taps of it in one slice, on a target whose "
            + "store adds biases", at: .step(step, "padding"))
      }
    }
    try checkCopies(tiling)
    try checkParts(tiling)
    let usesMatrices = kernel.identities.indices.contains {
      places.identityIsResident[$0] || kernel.identities[$0].multipliers.contains { $0 != 1 }
    }
    if tiling.streamsMatrices && !usesMatrices {
      throw PlanViolation(
        "plan.matrices", "the operator multiplies with no diagonal matrix that could be streamed",
        at: .step(step, "matrices"))
    }
  }

  /// Sums never leave the accumulator before they are complete; a pooled store reads a region that its fields can name.
  private func checkAccumulator(_ tiling: Tiling) throws(PlanViolation) {
    var rows = tiling.tileRows
    var columns = tiling.tileColumns
    if let pooling = kernel.store.pooling {
      rows = (rows - 1) * pooling.stride + pooling.window
      columns = (columns - 1) * pooling.stride + pooling.window
      let sides = [rows, columns] + (tiling.tileRows > 1 ? [kernel.store.columns] : [])
      if let side = sides.first(where: { $0 > Pooling.maximumExtent }) {
        throw PlanViolation(
          "plan.pooling",
          "the pooling store of a tile covers \(side) pixels in one direction; expected at most "
            + "\(Pooling.maximumExtent)",
          at: .step(step, "tile"))
      }
      rows = min(rows, kernel.rows)
      columns = min(columns, kernel.columns)
    }
    let needed = rows * columns * tiling.blocks
    if needed > target.accumulatorRows {
      throw PlanViolation(
        "plan.accumulator",
        "a tile of \(rows) x \(columns) sums in \(tiling.blocks) blocks needs \(needed) accumulator rows; "
          + "'\(target.name)' has \(target.accumulatorRows)", at: .step(step, "tile"))
    }
  }

  private func checkContraction(_ contraction: TileKernel.Contraction, _ tiling: Tiling) throws(PlanViolation) {
    let taps = contraction.window.kernelRows * contraction.window.kernelColumns
    try range(tiling.sliceTaps, 1...taps, "slice", "taps of a slice", "taps")
    let inputBlocks = max(1, NestAccount.inputBlocks(of: kernel, dim: target.dim).map(\.count).max() ?? 1)
    let all = max(inputBlocks, ceilDivide(contraction.window.inputChannels, target.dim))
    try range(tiling.sliceBlocks, 1...all, "slice", "blocks of a slice", "blocks of input channels")
    if isInGroup {
      try range(tiling.windowRows, 1...1, "window", "rows of the window", "for an operator of a group")
      return
    }
    // Of one row of pixels, those of two tiles.
    let isFlat = contraction.window.inputRows == 1 && !places.inputIsResident
    let limit = isFlat ? 2 : max(1, contraction.window.inputRows)
    if places.inputIsResident {
      try range(tiling.windowRows, 1...limit, "window", "rows of the window", "rows of the input")
      return
    }
    // All rows that the taps of a slice read for one tile.
    let tileRows =
      kernel.store.pooling.map { min(kernel.rows, (tiling.tileRows - 1) * $0.stride + $0.window) }
      ?? tiling.tileRows
    var tapRows = 1
    for first in stride(from: 0, to: taps, by: tiling.sliceTaps) {
      let last = min(taps, first + tiling.sliceTaps) - 1
      tapRows = max(tapRows, last / contraction.window.kernelColumns - first / contraction.window.kernelColumns + 1)
    }
    let reach = (tileRows - 1) * contraction.window.strideRows + (tapRows - 1) * contraction.window.dilationRows + 1
    let least = max(1, min(contraction.window.inputRows, reach))
    if tiling.windowRows < least {
      throw PlanViolation(
        "plan.window", "a tile reads \(least) rows of the input; the window keeps \(tiling.windowRows)",
        at: .step(step, "window"))
    }
    try range(
      tiling.windowRows, 1...limit, "window", isFlat ? "tiles of the window" : "rows of the window",
      isFlat ? "for an input of one row" : "rows of the input")
  }

  /// Copies of the window: whole images in full rows, of which each tap reads all columns but those beside the border.
  private func checkCopies(_ tiling: Tiling) throws(PlanViolation) {
    if tiling.windowCopies == 1 { return }
    guard let window = kernel.contraction?.window, !isInGroup, !places.inputIsResident else {
      try range(tiling.windowCopies, 1...1, "copies", "copies of the window", "for an operator that has none")
      return
    }
    let inputBlocks = max(1, NestAccount.inputBlocks(of: kernel, dim: target.dim).map(\.count).max() ?? 1)
    let isWhole =
      tiling.windowRows == window.inputRows && tiling.tileColumns == kernel.store.columns
      && tiling.sliceTaps % window.kernelColumns == 0 && tiling.sliceBlocks >= inputBlocks
    if tiling.windowCopies != window.kernelColumns || !isWhole || !kernel.allowsWindowCopies || tiling.multipliesPadding
    {
      throw PlanViolation(
        "plan.copies",
        "expected 1 copy of the window, or one for each of \(window.kernelColumns) columns of taps where there are strides or "
          + "rows of input and result have the same length, rows of taps have more than one, pooling sees all columns, and "
          + "neither the window nor a tile or slice is a part of the image or of a row of taps; found \(tiling.windowCopies)",
        at: .step(step, "copies"))
    }
  }

  /// Parts of the window: of a ring of image rows, as many rows each.
  private func checkParts(_ tiling: Tiling) throws(PlanViolation) {
    if tiling.windowParts == 1 { return }
    guard let window = kernel.contraction?.window, !isInGroup, !places.inputIsResident, window.inputRows > 1,
      tiling.windowCopies == 1
    else {
      try range(tiling.windowParts, 1...1, "parts", "parts of the window", "for an operator without a ring of rows")
      return
    }
    if tiling.windowParts < 1 || tiling.windowRows % tiling.windowParts != 0 {
      throw PlanViolation(
        "plan.parts",
        "expected parts of as many rows each: \(tiling.windowRows) rows of the window are no multiple of "
          + "\(tiling.windowParts)", at: .step(step, "parts"))
    }
  }

  private func range(
    _ value: Int, _ range: ClosedRange<Int>, _ field: String, _ noun: String, _ owner: String
  ) throws(PlanViolation) {
    if range.contains(value) { return }
    throw PlanViolation(
      "plan.\(field)", "expected \(range.lowerBound) to \(range.upperBound) \(noun) (\(owner)), found \(value)",
      at: .step(step, field))
  }
}
