import SpadixISA
import SpadixSupport

/// Finds the tilings of a kernel worth choosing from: those that no other beats in scratchpad rows, time and bytes.
public struct TilingSearch {
  /// A tiling with what it needs and costs.
  public struct Candidate: Sendable {
    /// Legal for the kernel and its places.
    public var tiling: Tiling
    /// Scratchpad rows of its working block.
    public var rows: Int
    /// By `KernelTime`.
    public var cost: Cost
  }

  let kernel: TileKernel
  let places: KernelPlaces
  let target: Target
  private var time: KernelTime
  /// Work of the array by what it depends on of a tiling.
  private var works: [Tiling: ArrayWork] = [:]
  /// Of the candidates so far, those that no other beats.
  private var found: [Candidate] = []

  public init(kernel: TileKernel, places: KernelPlaces, time: KernelTime) {
    self.kernel = kernel
    self.places = places
    self.time = time
    target = time.target
  }

  private var dim: Int { target.dim }
  private var scratchpadRows: Int { target.scratchpadRows }
  private var accumulatorRows: Int { target.accumulatorRows }

  /// Candidates by increasing rows; empty when not even one pixel fits.
  public mutating func run() -> [Candidate] {
    // Strips of part of the width compute fewer rows twice where windows of a pooling overlap.
    let isPooled = kernel.store.pooling != nil
    search(shapes: shapes(narrow: isPooled), sliced: false)
    if slicesAreFew { search(shapes: shapes(narrow: true), sliced: true) }
    if hasLongColumns { search(shapes: shapes(narrow: false), sliced: true) }
    let compulsory = compulsoryBytes
    if leastBytes > compulsory + compulsory / 2 {
      search(shapes: shapes(narrow: true), sliced: false)
      // Slicing reads weights and input again for every tile: only where whole columns of weights leave no room.
      if kernel.contraction != nil, !slicesAreFew, leastBytes > compulsory + compulsory / 2 {
        search(shapes: shapes(narrow: true), sliced: true)
      }
    }
    // Multipliers beyond int8 need a matrix for each 127.
    if found.isEmpty, !kernel.identities.isEmpty {
      search(shapes: shapes(narrow: true), sliced: false, streamsMatrices: true)
      if kernel.contraction != nil {
        search(shapes: shapes(narrow: true), sliced: true, streamsMatrices: true)
      }
    }
    return frontier(found)
  }

  private var leastBytes: Int { found.map(\.cost.bytes).min() ?? Int.max }

  private func geometry(_ tiling: Tiling) -> KernelGeometry { KernelGeometry(kernel: kernel, tiling: tiling, dim: dim) }

  private var blockCount: Int { ceilDivide(kernel.channels, dim) }

  private var compulsoryBytes: Int {
    var bytes = places.outputIsResident ? 0 : kernel.images * kernel.store.rows * kernel.store.columns * kernel.channels
    // A row of biases starts up to `dim` sums.
    if let bias = kernel.bias, bias.zeroClass.isEmpty {
      let pixels = kernel.images * ceilDivide(kernel.rows * kernel.columns, dim)
      bytes += ElementWidth.accumulator * pixels * kernel.channels
    }
    for index in kernel.identities.indices where !places.identityIsResident[index] {
      // A row of a repeated addend is read for `dim` pixels at once.
      let columns =
        kernel.identities[index].isRepeated ? ceilDivide(kernel.columns, dim) : kernel.columns
      bytes += kernel.images * kernel.rows * columns * kernel.channels
    }
    if let contraction = kernel.contraction {
      if !places.inputIsResident {
        bytes +=
          kernel.images * contraction.window.inputRows * contraction.window.inputColumns
          * contraction.window.inputChannels
      }
      switch contraction.weights {
      case .dense: bytes += contraction.window.taps * contraction.window.inputChannels * kernel.channels
      case .activation:
        if !places.weightsAreResident { bytes += kernel.images * contraction.window.inputChannels * kernel.channels }
      case .packed(let packed): bytes += packed.channelCount.reduce(0, +) * contraction.window.taps * dim
      case .diagonal: bytes += contraction.window.taps * kernel.channels
      case .expanded: bytes += contraction.window.taps * kernel.channels * dim
      case .ones: break
      }
    }
    return bytes
  }

  // MARK: Candidates

  private struct Shape {
    var rows: Int
    var columns: Int
    var blocks: Int
  }

  /// Kernels of which all tiles are tried.
  private var isSmall: Bool { kernel.store.rows * kernel.store.columns * blockCount <= 128 }

  /// Of small kernels with short sums all slices are tried, even where they are not needed: one that is loaded ahead of
  /// the others lets the first product start earlier.
  private var slicesAreFew: Bool {
    guard let contraction = kernel.contraction, isSmall else { return false }
    return blockCount * ceilDivide(contraction.window.inputChannels, dim) * contraction.window.taps <= 96
  }

  /// Whether weights for `dim` channels take more than half a bank, so that loads of the next ones get in their way.
  private var hasLongColumns: Bool {
    guard let contraction = kernel.contraction, case .dense = contraction.weights else { return false }
    let rows = contraction.window.taps * contraction.window.inputChannels
    return contraction.window.kernelRows > 1 && !slicesAreFew && 2 * rows > target.scratchpadRowsPerBank
  }

  /// Accumulator tiles: full-width strips, and when `narrow` strips of part of the width as well.
  private func shapes(narrow: Bool) -> [Shape] {
    var shapes: [Shape] = []
    var blocks = 1
    var blockCandidates: [Int] = []
    while blocks < blockCount {
      blockCandidates.append(blocks)
      blocks *= 2
    }
    blockCandidates.append(blockCount)
    let probe = Tiling(
      tileRows: 1, tileColumns: 1, blocks: 1, chunksPerGroup: 1, pinnedChunks: 0, windowRows: 1,
      sliceBlocks: 1, sliceTaps: 1)
    func pixels(_ rows: Int, _ columns: Int) -> Int {
      var tiling = probe
      tiling.tileRows = rows
      tiling.tileColumns = columns
      let geometry = KernelGeometry(kernel: kernel, tiling: tiling, dim: dim, withSlices: false)
      return geometry.accumulatorPixelsPerTile
    }
    if isSmall {
      for blocks in 1...blockCount {
        for columns in 1...kernel.store.columns where poolingFits(1, columns) {
          for rows in 1...kernel.store.rows where poolingFits(rows, columns) {
            if pixels(rows, columns) * blocks > accumulatorRows { break }
            shapes.append(Shape(rows: rows, columns: columns, blocks: blocks))
          }
        }
      }
      return shapes
    }
    for blocks in blockCandidates {
      let room = accumulatorRows / blocks
      if room < 1 { continue }
      for columns in columnCandidates(room: room, narrow: narrow) {
        if pixels(1, columns) > room || !poolingFits(1, columns) { continue }
        var most = 1
        while most < kernel.store.rows && pixels(most + 1, columns) <= room && poolingFits(most + 1, columns) {
          most += 1
        }
        // As many rows as fit, and as fit half of the accumulator, then half of them and so on.
        var half = most
        while half > 1 && pixels(half, columns) > room / 2 { half -= 1 }
        var heights: [Int] = []
        for first in [most, half] {
          var rows = Self.balanced(kernel.store.rows, first)
          while true {
            if !heights.contains(rows) { heights.append(rows) }
            if rows == 1 { break }
            rows = (rows + 1) / 2
          }
        }
        heights.sort(by: >)
        shapes += heights.map { Shape(rows: $0, columns: columns, blocks: blocks) }
      }
    }
    return shapes
  }

  private func columnCandidates(room: Int, narrow: Bool) -> [Int] {
    let width = kernel.store.columns
    var candidates: [Int] = []
    // One row of pixels: any number of them can be a tile, best a multiple of the array.
    let isFlat = kernel.store.rows == 1
    let wide = min(width, max(1, room >= dim ? room / dim * dim : room))
    var columns = width <= room ? width : roundUp(Self.balanced(width, wide), toMultipleOf: wide >= dim ? dim : 1)
    if columns > wide && columns != width { columns = wide }
    if !isFlat && !narrow { return width <= room ? [width] : [columns] }
    while true {
      candidates.append(columns)
      if columns == 1 || (isFlat && !narrow && columns <= dim) { break }
      columns = columns > dim ? roundUp((columns + 1) / 2, toMultipleOf: dim) : (columns + 1) / 2
      if columns >= candidates.last! { columns = candidates.last! / 2 }
    }
    return candidates
  }

  /// Field widths of a pooling store: sizes up to 255, the pitch of the stored image among them (config_st).
  private func poolingFits(_ rows: Int, _ columns: Int) -> Bool {
    guard let pooling = kernel.store.pooling else { return true }
    if rows > 1 && kernel.store.columns > Pooling.maximumExtent { return false }
    return (rows - 1) * pooling.stride + pooling.window <= Pooling.maximumExtent
      && (columns - 1) * pooling.stride + pooling.window <= Pooling.maximumExtent
  }

  private static func balanced(_ total: Int, _ most: Int) -> Int {
    let parts = ceilDivide(total, most)
    return ceilDivide(total, parts)
  }

  private mutating func search(shapes: [Shape], sliced: Bool, streamsMatrices: Bool = false) {
    let constants = NestConstants(for: kernel)
    let blocks = max(1, ceilDivide(kernel.contraction?.window.inputChannels ?? 1, dim))
    let kernelColumns = kernel.contraction?.window.kernelColumns ?? 1
    var nests: [KernelNest] = []
    // Lower tiles need fewer rows and more time: of so few rows that they hardly count, the highest will do.
    var last: Shape?
    var lower = 0
    for shape in shapes {
      if let last, last.columns == shape.columns, last.blocks == shape.blocks {
        if lower > 2 && !isSmall { continue }
      } else {
        lower = 0
      }
      last = shape
      var isLow = false
      defer { if isLow { lower += 1 } }
      for slice in sliceCandidates(sliced) {
        var loadsAhead = false
        let groups = groupCandidates(shape, sliced)
        let mostSpare = groups.map(\.spare).max() ?? 0
        for (group, pinned, spare) in groups {
          var tiling = Tiling(
            tileRows: shape.rows, tileColumns: shape.columns, blocks: shape.blocks, chunksPerGroup: group,
            pinnedChunks: pinned, sparePlaces: spare, windowRows: 1, sliceBlocks: slice.blocks, sliceTaps: slice.taps,
            streamsMatrices: streamsMatrices)
          let least = geometry(tiling).minimumWindowRows
          let whole = kernel.contraction?.window.inputRows ?? 1
          var windowRows = [max(1, least)]
          if (!sliced || slicesAreFew || slice.blocks == blocks) && !places.inputIsResident && whole > least {
            // With room for the rows of the next tile, these are loaded while this one is computed.
            if isSmall && whole <= 8 { windowRows += least + 1..<whole }
            let next =
              least + shape.rows * (kernel.store.pooling?.stride ?? 1) * (kernel.contraction?.window.strideRows ?? 1)
            if next < whole && !windowRows.contains(next) { windowRows.append(next) }
            windowRows.append(whole)
          } else if !places.inputIsResident, kernel.contraction?.window.inputRows == 1 {
            // Pixels of the next tile likewise.
            windowRows.append(2)
          }
          var forms = windowRows.flatMap { rows in
            windowCopies(rows, shape, readsAll: slice.blocks == blocks && slice.taps % kernelColumns == 0)
              .map { WindowForm(rows: rows, copies: $0) }
          }
          forms += windowParts(shape, sliced, least: least, whole: whole)
          // What goes past the ends of image rows has no padding to multiply.
          if !sliced && kernel.bias?.paddingTaps != nil {
            forms += forms.filter { $0.copies == 1 }.map { form in
              var form = form
              form.multipliesPadding = true
              return form
            }
          }
          for form in forms {
            tiling.windowRows = form.rows
            tiling.windowCopies = form.copies
            tiling.windowParts = form.parts
            tiling.multipliesPadding = form.multipliesPadding
            let nest = KernelNest(
              geometry(tiling), places: places, constants: constants, accumulatorRows: accumulatorRows)
            let workingRows = nest.workingRows
            if workingRows > scratchpadRows { continue }
            loadsAhead = loadsAhead || spare == mostSpare && form.rows == windowRows.last
            isLow = isLow || workingRows <= scratchpadRows / 16
            nests.append(nest)
          }
        }
        // Coarser slices read less; finer ones are tried only while not all that comes next fits beside what is used.
        if loadsAhead && !slicesAreFew { break }
      }
    }
    addCosts(of: nests)
  }

  /// Costs of nests, but for those that another one beats. By ascending rows, what beats a nest comes before it; its
  /// time need then be known only as far as it takes to see that it is beaten.
  private mutating func addCosts(of nests: [KernelNest]) {
    let rows = nests.map(\.workingRows)
    for index in nests.indices.sorted(by: { (rows[$0], $0) < (rows[$1], $1) }) {
      let nest = nests[index]
      var limit: (time: Int, work: ArrayWork)?
      let smaller = found.filter { $0.rows <= rows[index] }.map(\.cost)
      if let fastest = smaller.min(by: { ($0.time, $0.bytes) < ($1.time, $1.bytes) }) {
        // What moves more than the fastest need not be counted to the end.
        let bytes = TileCost(nest, upTo: fastest.bytes).bytes
        let least = bytes >= fastest.bytes ? fastest.time : smaller.filter { $0.bytes <= bytes }.map(\.time).min()
        if let least { limit = (least, work(of: nest)) }
      }
      if let cost = time.cost(of: nest, limit: limit) {
        found.append(Candidate(tiling: nest.geometry.tiling, rows: rows[index], cost: cost))
      }
    }
  }

  private mutating func work(of nest: KernelNest) -> ArrayWork {
    var key = nest.geometry.tiling
    (key.chunksPerGroup, key.pinnedChunks, key.sparePlaces) = (0, 0, 0)
    if let known = works[key] { return known }
    let work = time.work(of: nest)
    works[key] = work
    return work
  }

  /// How the input is kept.
  private struct WindowForm {
    var rows: Int
    var copies = 1
    var parts = 1
    var multipliesPadding = false
  }

  /// Rings in parts: one for the rows that are new for a tile, one or more for those that it shares with tiles before,
  /// and one that is loaded meanwhile. Of small kernels all numbers of such parts, and the fewest rows each by itself.
  private func windowParts(_ shape: Shape, _ sliced: Bool, least: Int, whole: Int) -> [WindowForm] {
    guard let window = kernel.contraction?.window, !places.inputIsResident, whole > 1 else { return [] }
    let new = shape.rows * (kernel.store.pooling?.stride ?? 1) * window.strideRows
    if isSmall && whole <= 8 && (!sliced || slicesAreFew) {
      let single = min(whole, max(2, least))
      let parts = max(2, ceilDivide(least, new))
      var forms = [WindowForm(rows: single, parts: single)]
      for parts in parts..<max(parts, whole / new + 1) where new > 1 || parts != single {
        forms.append(WindowForm(rows: parts * new, parts: parts))
      }
      return forms
    }
    if sliced || whole <= least { return [] }
    let parts = ceilDivide(max(1, least - new), new) + 2
    return parts <= target.scratchpadBanks && parts * new < whole ? [WindowForm(rows: parts * new, parts: parts)] : []
  }

  /// Copies of a window, where that makes long runs of short ones: a whole image with narrow rows of results, of which a
  /// slice reads all channels and columns of taps.
  private func windowCopies(_ rows: Int, _ shape: Shape, readsAll: Bool) -> [Int] {
    guard let window = kernel.contraction?.window, !places.inputIsResident, readsAll, rows == window.inputRows,
      isSmall || kernel.columns <= dim / 2, shape.columns == kernel.store.columns, kernel.allowsWindowCopies
    else { return [1] }
    return [1, window.kernelColumns]
  }

  private func sliceCandidates(_ sliced: Bool) -> [(blocks: Int, taps: Int)] {
    guard let contraction = kernel.contraction else { return [(1, 1)] }
    let blocks = max(1, ceilDivide(contraction.window.inputChannels, dim))
    if !sliced { return [(blocks, contraction.window.taps)] }
    if slicesAreFew {
      return (1...blocks).flatMap { blocks in (1...contraction.window.taps).map { (blocks, $0) } }.dropLast()
    }
    var candidates: [(blocks: Int, taps: Int)] = []
    // Rows of taps all read the same input, which stays.
    if hasLongColumns { candidates.append((blocks, contraction.window.kernelColumns)) }
    var part = (blocks + 1) / 2
    while blocks > 1 {
      candidates.append((part, contraction.window.taps))
      if part == 1 { break }
      part = (part + 1) / 2
    }
    var taps = contraction.window.kernelColumns
    if contraction.window.kernelRows > 1 { candidates.append((1, taps)) }
    while taps > 1 {
      taps = (taps + 1) / 2
      candidates.append((1, taps))
    }
    return candidates
  }

  private func groupCandidates(_ shape: Shape, _ sliced: Bool) -> [(group: Int, pinned: Int, spare: Int)] {
    let chunks = ceilDivide(blockCount, shape.blocks)
    let isMade: Bool
    switch kernel.contraction?.weights {
    // Nothing is gained by making matrices early: the array makes them.
    case .diagonal, .ones, nil: isMade = true
    case .dense, .activation, .packed, .expanded: isMade = places.weightsAreResident
    }
    return groups(shape, sliced).flatMap { group, pinned in
      let comesOnce = group == chunks && pinned == chunks && !sliced
      return (isMade || comesOnce ? [0] : [0, 1]).map { (group, pinned, $0) }
    }
  }

  private func groups(_ shape: Shape, _ sliced: Bool) -> [(group: Int, pinned: Int)] {
    let chunks = ceilDivide(blockCount, shape.blocks)
    guard let contraction = kernel.contraction, !places.weightsAreResident else { return [(chunks, chunks)] }
    if sliced { return [(chunks, 0)] }
    if isSmall && chunks <= 4 { return (1...chunks).flatMap { group in (0...group).map { (group, $0) } } }
    var candidates: [(Int, Int)] = [(chunks, chunks), (chunks, 0)]
    for part in [chunks / 4, chunks / 2, chunks * 3 / 4] where part > 0 && part < chunks - 1 {
      candidates.append((chunks, part))
    }
    var groups = [1, 2, 4, (chunks + 3) / 4, (chunks + 2) / 3, (chunks + 1) / 2]
    switch contraction.weights {
    case .dense, .activation, .packed, .expanded: break
    case .diagonal, .ones: groups = [1, 2, 4, 8]
    }
    for group in Set(groups).sorted() where group < chunks { candidates.append((group, group)) }
    return candidates
  }

  /// The candidates that no other beats in rows, time and bytes together.
  private func frontier(_ candidates: [Candidate]) -> [Candidate] {
    let sorted = candidates.enumerated().sorted {
      ($0.element.rows, $0.element.cost.time, $0.element.cost.bytes, $0.offset)
        < ($1.element.rows, $1.element.cost.time, $1.element.cost.bytes, $1.offset)
    }
    var kept: [Candidate] = []
    for (_, candidate) in sorted
    where !kept.contains(where: { $0.cost.time <= candidate.cost.time && $0.cost.bytes <= candidate.cost.bytes }) {
      kept.append(candidate)
    }
    return kept
  }
}
