import SpadixKernel

/// Rows and bytes of a tile kernel's loop nest, added up loop by loop: the validator's own account, which shares
/// nothing with the geometry, layout and cost that the search and the emitter use.
struct NestAccount {
  /// Rows of the parts of the nest's own block, slot by slot of its buffers; those that constants of a group stay in apart.
  private(set) var parts: [Int] = []
  private(set) var constantParts: [Int] = []
  private(set) var readBytes = 0
  private(set) var writtenBytes = 0

  /// What a nest does of its kernel in one strip of a group.
  struct Part {
    /// Of the stored image.
    var rows: Range<Int>
    /// Image rows of the contraction's input that come from DRAM.
    var loads: Int
    /// Per identity term.
    var identityIsInRows: [Bool]
    /// Per identity term, image rows of the addend that come from DRAM.
    var identityLoads: [Int]
    /// Image rows of the result that go from the scratchpad to DRAM.
    var spills: Int
    var stores: Bool
    /// Whether the result goes to rows in the scratchpad, perhaps as well.
    var isInRows: Bool
    /// Whether weights and small matrices stay for all strips, and whether they were loaded before.
    var constantsStay: Bool
    var constantsAreThere: Bool
  }

  private let part: Part?
  private let kernel: TileKernel
  private let tiling: Tiling
  private let places: KernelPlaces
  private let dim: Int
  /// Per block of output channels, the blocks of input channels that it sums over.
  private let inputs: [Range<Int>]
  private var slices: [(taps: Range<Int>, blocks: Range<Int>)] = []
  private var chunks: [Range<Int>] = []

  init(_ kernel: TileKernel, _ tiling: Tiling, _ places: KernelPlaces, dim: Int, part: Part? = nil) {
    self.part = part
    self.kernel = kernel
    self.tiling = tiling
    self.places = places
    self.dim = dim
    inputs = Self.inputBlocks(of: kernel, dim: dim)
    let blocks = Self.divide(kernel.channels, dim)
    for first in stride(from: 0, to: blocks, by: tiling.blocks) {
      chunks.append(first..<min(blocks, first + tiling.blocks))
    }
    if let contraction = kernel.contraction {
      let widest = max(1, inputs.map(\.count).max() ?? 1)
      let taps = contraction.window.kernelRows * contraction.window.kernelColumns
      for block in stride(from: 0, to: widest, by: tiling.sliceBlocks) {
        for tap in stride(from: 0, to: taps, by: tiling.sliceTaps) {
          slices.append((tap..<min(taps, tap + tiling.sliceTaps), block..<min(widest, block + tiling.sliceBlocks)))
        }
      }
    }
    if let part, let contraction = kernel.contraction {
      readBytes += part.loads * contraction.window.inputColumns * contraction.window.inputChannels
    }
    if let part {
      readBytes += part.identityLoads.reduce(0, +) * kernel.columns * kernel.channels
      writtenBytes += part.spills * kernel.store.columns * kernel.channels
    }
    countRows()
    if part?.constantsAreThere != true { countConstants() }
    // Other operators of a group may have put another one into the store.
    if kernel.store.tableConstant != nil { readBytes += 256 }
    for image in 0..<kernel.images { walk(image) }
  }

  var rows: Int { parts.reduce(0, +) }

  static func inputBlocks(of kernel: TileKernel, dim: Int) -> [Range<Int>] {
    let blocks = divide(kernel.channels, dim)
    guard let contraction = kernel.contraction else { return Array(repeating: 0..<0, count: blocks) }
    return (0..<blocks).map { block in
      switch contraction.weights {
      case .dense, .activation: return 0..<divide(contraction.window.inputChannels, dim)
      case .packed(let packed):
        let first = packed.firstChannel[block]
        return first / dim..<divide(first + packed.channelCount[block], dim)
      case .diagonal, .expanded, .ones: return block..<block + 1
      }
    }
  }

  private static func divide(_ value: Int, _ divisor: Int) -> Int { (value + divisor - 1) / divisor }

  // MARK: Sizes

  private func channels(_ blocks: Range<Int>) -> Int {
    min(kernel.channels, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  /// Input blocks of an output block that belong to a slice.
  private func part(_ block: Int, _ slice: Range<Int>) -> Range<Int> {
    let all = inputs[block]
    return min(
      all.upperBound, all.lowerBound + slice.lowerBound)..<min(all.upperBound, all.lowerBound + slice.upperBound)
  }

  /// Input channels of an output block that belong to a slice.
  private func contracted(_ block: Int, _ slice: Range<Int>) -> Int {
    guard let contraction = kernel.contraction else { return 0 }
    let blocks = part(block, slice)
    if blocks.isEmpty { return 0 }
    var end = contraction.window.inputChannels
    if case .packed(let packed) = contraction.weights { end = packed.firstChannel[block] + packed.channelCount[block] }
    return min(end, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  /// The region of sums behind some stored pixels of one direction.
  private func sums(_ stored: Range<Int>, _ limit: Int, pad: (TileKernel.Pooling) -> Int) -> Range<Int> {
    guard let pooling = kernel.store.pooling else { return stored }
    let first = stored.lowerBound * pooling.stride - pad(pooling)
    let last = (stored.upperBound - 1) * pooling.stride - pad(pooling) + pooling.window
    return max(0, first)..<min(limit, last)
  }

  /// Whether the addends of a term are in the scratchpad before.
  private func isThere(_ index: Int) -> Bool {
    places.identityIsResident[index] || part?.identityIsInRows[index] == true
  }

  /// Whether addends of a term go through the array, and its matrices.
  private func passes(_ index: Int) -> Int? {
    let multipliers = kernel.identities[index].multipliers
    if !isThere(index), !multipliers.contains(where: { $0 != 1 }) { return nil }
    return max(1, multipliers.map { Self.divide(abs($0), 127) }.max() ?? 1)
  }

  // MARK: Rows

  private mutating func countRows() {
    let blocks = chunks.map(\.count).max() ?? 0
    var tileRows = tiling.tileRows
    var tileColumns = tiling.tileColumns
    if let pooling = kernel.store.pooling {
      tileRows = min(kernel.rows, (tileRows - 1) * pooling.stride + pooling.window)
      tileColumns = min(kernel.columns, (tileColumns - 1) * pooling.stride + pooling.window)
    }
    let pixels = tileRows * tileColumns
    if let contraction = kernel.contraction {
      switch contraction.weights {
      // One-hot rows with zeros between them, and the taps of a chunk.
      case .diagonal where part?.constantsAreThere == true: break
      case .diagonal:
        parts.append(dim * dim + dim - 1)
        if !tiling.multipliesPadding {
          parts.append(contraction.window.kernelRows * contraction.window.kernelColumns * blocks)
        }
      case .ones: countConstantRows(dim)
      case .dense, .activation, .packed, .expanded: break
      }
    }
    let terms = kernel.identities.indices.filter { passes($0) != nil }
    if tiling.streamsMatrices, !terms.isEmpty {
      // One place for all matrices and one for all addends.
      countConstantRows(dim)
      if kernel.identities.indices.contains(where: { !isThere($0) }) { parts.append(pixels * blocks) }
    } else {
      for index in terms {
        let sets = kernel.identities[index].multipliers.count > 1 ? blocks : 1
        countConstantRows((passes(index) ?? 0) * sets * dim)
        if !isThere(index) { parts.append(pixels * blocks) }
      }
    }
    if tiling.multipliesPadding, let window = kernel.contraction?.window {
      let taps = window.kernelRows * window.kernelColumns
      countConstantRows(Self.divide(taps, dim) * ((kernel.bias?.rowClass.max() ?? 0) + 1) * kernel.columns)
    }
    if let contraction = kernel.contraction { countOperandRows(contraction, tileColumns) }
  }

  private mutating func countConstantRows(_ rows: Int) {
    if part?.constantsStay == true { constantParts.append(rows) } else { parts.append(rows) }
  }

  private mutating func countOperandRows(_ contraction: TileKernel.Contraction, _ tileColumns: Int) {
    if !places.weightsAreResident {
      var slot = 0
      for chunk in chunks { for slice in slices { slot = max(slot, weightRows(chunk, slice)) } }
      if slot > 0 { for _ in 0..<placeCount { countConstantRows(slot) } }
    }
    if places.inputIsResident || part != nil { return }
    var tapColumns = 1
    for slice in slices {
      let (first, last) = (slice.taps.lowerBound, slice.taps.upperBound - 1)
      let isOneRow = first / contraction.window.kernelColumns == last / contraction.window.kernelColumns
      tapColumns = max(tapColumns, isOneRow ? last - first + 1 : contraction.window.kernelColumns)
    }
    // Pixels that share a column of the input: a tile may begin and end in the middle of one.
    let across = Self.divide(tileColumns - 1, contraction.window.columnPixels)
    let reach = across * contraction.window.strideColumns + (tapColumns - 1) * contraction.window.dilationColumns + 1
    var widest = 0
    if slices.count > 1 {
      for chunk in chunks { for slice in slices { widest = max(widest, span(chunk, slice.blocks).count) } }
    } else {
      for group in groups { widest = max(widest, span(group.blocks, slices[0].blocks).count) }
    }
    // Copies with strides have a place for each output pixel.
    let gathers =
      tiling.windowCopies > 1 && (contraction.window.strideRows > 1 || contraction.window.strideColumns > 1)
    let row = (gathers ? kernel.columns : min(contraction.window.inputColumns, reach)) * widest
    // Of an input of one row, places for the pixels of so many tiles; otherwise copies, in parts that lie each by itself.
    let isFlat = contraction.window.inputRows == 1
    let slots = isFlat ? tiling.windowRows : tiling.windowCopies * tiling.windowParts
    let lines = isFlat ? 1 : tiling.windowRows / tiling.windowParts
    for _ in 0..<slots { parts.append(row * lines) }
  }

  private func weightRows(_ chunk: Range<Int>, _ slice: (taps: Range<Int>, blocks: Range<Int>)) -> Int {
    switch kernel.contraction?.weights {
    case .none, .ones: return 0
    case .diagonal, .expanded: return chunk.count * slice.taps.count * (dim + (tiling.multipliesPadding ? 1 : 0))
    case .activation(_, true):
      return part(chunk.lowerBound, slice.blocks).count * channels(chunk)
    case .dense, .activation, .packed:
      return chunk.reduce(0) { $0 + slice.taps.count * contracted($1, slice.blocks) }
    }
  }

  /// All input blocks that some output blocks see in a slice.
  private func span(_ blocks: Range<Int>, _ slice: Range<Int>) -> Range<Int> {
    let parts = blocks.map { part($0, slice) }.filter { !$0.isEmpty }
    guard let first = parts.map(\.lowerBound).min(), let last = parts.map(\.upperBound).max() else { return 0..<0 }
    return first..<last
  }

  private var groups: [(chunks: Range<Int>, blocks: Range<Int>)] {
    stride(from: 0, to: chunks.count, by: tiling.chunksPerGroup).map { first in
      let last = min(chunks.count, first + tiling.chunksPerGroup)
      return (first..<last, chunks[first].lowerBound..<chunks[last - 1].upperBound)
    }
  }

  // MARK: Bytes

  private mutating func countConstants() {
    switch kernel.contraction?.weights {
    case .diagonal, .ones: readBytes += dim * dim
    case .none, .dense, .activation, .packed, .expanded: break
    }
    if tiling.multipliesPadding { countPadding() }
    if tiling.streamsMatrices { return }
    for index in kernel.identities.indices where kernel.identities[index].multipliers.count == 1 {
      readBytes += (passes(index) ?? 0) * dim * dim
    }
  }

  /// One row for as many pixels of a class as a move has.
  private mutating func countPadding() {
    guard let bias = kernel.bias, let window = kernel.contraction?.window else { return }
    for rowClass in 0..<(bias.rowClass.max() ?? 0) + 1 {
      var length = 0
      for column in 0..<kernel.columns {
        length += 1
        if column + 1 < kernel.columns, bias.columnClass[column + 1] == bias.columnClass[column] { continue }
        if bias.zeroClass != [rowClass, bias.columnClass[column]] {
          readBytes += Self.divide(length, dim) * window.kernelRows * window.kernelColumns
        }
        length = 0
      }
    }
  }

  /// What the slots of weights and the window hold; the window by image, blocks, columns and rows.
  private var slots: [Int: [Int]] = [:]
  private var turns: [[Int]] = []
  private var held: (key: [Int], rows: Range<Int>)?
  private var matrices: Range<Int>?

  private mutating func walk(_ image: Int) {
    let store = kernel.store
    let all = part?.rows ?? 0..<store.rows
    for group in groups {
      for column in stride(from: 0, to: store.columns, by: tiling.tileColumns) {
        for row in stride(from: all.lowerBound, to: all.upperBound, by: tiling.tileRows) {
          let storedRows = row..<min(all.upperBound, row + tiling.tileRows)
          let storedColumns = column..<min(store.columns, column + tiling.tileColumns)
          let rows = sums(storedRows, kernel.rows) { $0.top }
          let columns = sums(storedColumns, kernel.columns) { $0.left }
          for chunk in group.chunks {
            begin(chunks[chunk], rows, columns)
            for (index, slice) in slices.enumerated() {
              loadWeights(image, chunk, chunk - group.chunks.lowerBound, index, slice)
              let blocks = slices.count > 1 ? chunks[chunk] : group.blocks
              loadWindow(image, slice, span(blocks, slice.blocks), rows, columns)
            }
            finish(chunks[chunk], rows.count * columns.count, storedRows.count * storedColumns.count)
          }
        }
      }
    }
  }

  private mutating func begin(_ chunk: Range<Int>, _ rows: Range<Int>, _ columns: Range<Int>) {
    guard let bias = kernel.bias, !tiling.multipliesPadding else { return }
    var runs = 0
    if bias.isUniform {
      runs = Self.divide(rows.count * columns.count, dim)
    } else {
      // Pixels of a row that start from the same bias; zeros are not read.
      for row in rows {
        var length = 0
        for column in columns {
          length += 1
          let isLast = column == columns.upperBound - 1
          if isLast || bias.columnClass[column] != bias.columnClass[column + 1] {
            if bias.zeroClass != [bias.rowClass[row], bias.columnClass[column]] { runs += Self.divide(length, dim) }
            length = 0
          }
        }
      }
    }
    readBytes += 4 * runs * channels(chunk)
  }

  private var placeCount: Int {
    min(tiling.chunksPerGroup, chunks.count, tiling.pinnedChunks + 1) + tiling.sparePlaces
  }

  private mutating func loadWeights(
    _ image: Int, _ chunk: Int, _ position: Int, _ index: Int, _ slice: (taps: Range<Int>, blocks: Range<Int>)
  ) {
    guard let contraction = kernel.contraction, !places.weightsAreResident, part?.constantsAreThere != true
    else { return }
    var key = [0, chunk, index]
    if case .activation = contraction.weights { key[0] = image }
    // Chunks beyond those with a place of their own, or all where each has one, replace the oldest.
    let isAlone = tiling.pinnedChunks < min(tiling.chunksPerGroup, chunks.count) && position < tiling.pinnedChunks
    if isAlone {
      if slots[position] == key { return }
      slots[position] = key
    } else {
      if turns.contains(key) { return }
      let pinned = tiling.pinnedChunks < min(tiling.chunksPerGroup, chunks.count) ? tiling.pinnedChunks : 0
      turns.append(key)
      if turns.count > placeCount - pinned { turns.removeFirst() }
    }
    switch contraction.weights {
    case .ones: break
    case .diagonal: readBytes += slice.taps.count * channels(chunks[chunk])
    case .expanded: readBytes += weightRows(chunks[chunk], slice) * dim
    case .dense, .activation:
      readBytes += slice.taps.count * contracted(chunks[chunk].lowerBound, slice.blocks) * channels(chunks[chunk])
    case .packed:
      for block in chunks[chunk] {
        readBytes += slice.taps.count * contracted(block, slice.blocks) * channels(block..<block + 1)
      }
    }
  }

  private mutating func loadWindow(
    _ image: Int, _ slice: (taps: Range<Int>, blocks: Range<Int>), _ blocks: Range<Int>, _ rows: Range<Int>,
    _ columns: Range<Int>
  ) {
    guard let contraction = kernel.contraction, !places.inputIsResident, part == nil else { return }
    let width = contraction.window.kernelColumns
    let tapRows = slice.taps.lowerBound / width...(slice.taps.upperBound - 1) / width
    let tapColumns =
      tapRows.count > 1 ? 0...width - 1 : slice.taps.lowerBound % width...(slice.taps.upperBound - 1) % width
    func clipped(_ first: Int, _ last: Int, _ limit: Int) -> Range<Int> {
      let low = min(max(first, 0), limit)
      return low..<max(low, min(last + 1, limit))
    }
    let needed = clipped(
      rows.lowerBound * contraction.window.strideRows + tapRows.lowerBound * contraction.window.dilationRows
        - contraction.window.paddingTop,
      (rows.upperBound - 1) * contraction.window.strideRows + tapRows.upperBound * contraction.window.dilationRows
        - contraction.window.paddingTop, contraction.window.inputRows)
    let pixels = contraction.window.columnPixels
    let across = clipped(
      columns.lowerBound / pixels * contraction.window.strideColumns
        + tapColumns.lowerBound * contraction.window.dilationColumns - contraction.window.paddingLeft,
      (columns.upperBound - 1) / pixels * contraction.window.strideColumns + tapColumns.upperBound
        * contraction.window.dilationColumns
        - contraction.window.paddingLeft, contraction.window.inputColumns)
    let key = [image, blocks.lowerBound, blocks.upperBound, across.lowerBound, across.upperBound]
    var loaded = needed.count
    if let window = held, window.key == key,
      window.rows.contains(needed.lowerBound) || window.rows.upperBound == needed.lowerBound
    {
      // Rows that are there stay, as many as the ring keeps.
      let end = max(window.rows.upperBound, needed.upperBound)
      loaded = max(0, needed.upperBound - window.rows.upperBound)
      held = (key, max(window.rows.lowerBound, end - tiling.windowRows)..<end)
    } else {
      held = (key, needed)
    }
    let bytes = min(contraction.window.inputChannels, blocks.upperBound * dim) - blocks.lowerBound * dim
    var columnsRead = across.count
    if tiling.windowCopies > 1 {
      // Each copy without the columns beside the border that its taps do not read.
      columnsRead = (0..<width).reduce(0) { sum, tap in
        let shift = tap * contraction.window.dilationColumns - contraction.window.paddingLeft
        let seen = (0..<kernel.columns).filter {
          (0..<contraction.window.inputColumns).contains($0 * contraction.window.strideColumns + shift)
        }
        return sum + seen.count
      }
    }
    readBytes += loaded * columnsRead * max(0, bytes)
  }

  private mutating func finish(_ chunk: Range<Int>, _ pixels: Int, _ stored: Int) {
    for (index, identity) in kernel.identities.enumerated() {
      if !places.identityIsResident[index], part?.identityIsInRows[index] != true {
        // One row for as many pixels as a move has, where it is repeated.
        readBytes += (identity.view.pixel == 0 ? Self.divide(pixels, dim) : pixels) * channels(chunk)
      }
      guard let passes = passes(index) else { continue }
      let sets = identity.multipliers.count > 1 ? chunk.count : 1
      if tiling.streamsMatrices {
        readBytes += passes * sets * dim * dim
      } else if identity.multipliers.count > 1, matrices != chunk {
        matrices = chunk
        readBytes += passes * sets * dim * dim
      }
    }
    // Scales are loaded for each destination.
    let destinations = part?.isInRows == true && part?.stores == true ? 2 : 1
    if kernel.store.scaleConstant != nil {
      readBytes += (kernel.store.hasBiases ? 8 : 4) * channels(chunk) * destinations
    }
    if part?.stores ?? !places.outputIsResident { writtenBytes += stored * channels(chunk) }
  }
}
