/// The DRAM bytes of a kernel with a tiling, by what they are for, counted by walking its loop nest.
struct KernelCost: Sendable {
  var weightBytes = 0
  var inputBytes = 0
  /// Per identity term.
  var addendBytes: [Int] = []
  var constantBytes = 0
  var writtenBytes = 0

  var readBytes: Int { weightBytes + inputBytes + addendBytes.reduce(0, +) + constantBytes }

  static func of(_ geometry: KernelGeometry, places: KernelPlaces) -> KernelCost {
    var visitor = CostVisitor(geometry: geometry, places: places)
    visitor.prologue()
    KernelWalk(
      geometry: geometry, inputIsResident: places.inputIsResident, weightsAreResident: places.weightsAreResident
    ).run(&visitor)
    return visitor.cost
  }
}

private struct CostVisitor: KernelVisitor {
  let geometry: KernelGeometry
  let places: KernelPlaces
  let layout: KernelLayout
  var cost = KernelCost()
  private var diagonalsHeld: Range<Int>?
  private var lastBias: (rows: Range<Int>, columns: Range<Int>, pieces: Int)?

  private var dim: Int { geometry.dim }
  private var kernel: TileKernel { geometry.kernel }

  init(geometry: KernelGeometry, places: KernelPlaces) {
    self.geometry = geometry
    self.places = places
    layout = KernelLayout(geometry, places: places)
    cost.addendBytes = Array(repeating: 0, count: geometry.kernel.identities.count)
  }

  mutating func prologue() {
    if let contraction = kernel.contraction {
      switch contraction.weights {
      case .diagonal, .ones: cost.constantBytes += dim * dim
      case .dense, .activation, .packed: break
      }
    }
    for (index, identity) in kernel.identities.enumerated() where identity.multipliers.count == 1 {
      if layout.identities[index].usesArray && !geometry.tiling.streamsMatrices {
        cost.constantBytes += layout.identities[index].passes * dim * dim
      }
    }
  }

  private func channels(_ blocks: Range<Int>) -> Int {
    min(kernel.channels, blocks.upperBound * dim) - blocks.lowerBound * dim
  }

  mutating func begin(_ tile: OutputTile, _ blocks: Range<Int>) {
    guard let bias = kernel.bias else { return }
    let pieces: Int
    if let last = lastBias, last.rows == tile.rows, last.columns == tile.columns {
      pieces = last.pieces
    } else {
      pieces = geometry.biasRuns(tile, bias).count
      lastBias = (tile.rows, tile.columns, pieces)
    }
    cost.constantBytes += pieces * 4 * channels(blocks)
  }

  mutating func loadWeights(_ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, image: Int) {
    switch kernel.contraction!.weights {
    case .ones: break
    case .diagonal: cost.weightBytes += slice.taps.count * channels(blocks)
    case .dense, .activation:
      cost.weightBytes +=
        slice.taps.count * geometry.contractedChannels(blocks.lowerBound, slice) * channels(blocks)
    case .packed:
      for block in blocks {
        cost.weightBytes += geometry.weightRows(block: block, slice) * geometry.channels(of: block)
      }
    }
  }

  mutating func loadWindow(image: Int, rows: Range<Int>, columns: Range<Int>, blocks: Range<Int>) {
    let channels = min(kernel.contraction!.inputChannels, blocks.upperBound * dim) - blocks.lowerBound * dim
    cost.inputBytes += rows.count * columns.count * channels
  }

  mutating func accumulate(
    _ tile: OutputTile, _ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, windowBlocks: Range<Int>
  ) {
  }

  mutating func finish(_ tile: OutputTile, _ blocks: Range<Int>) {
    for (index, identity) in kernel.identities.enumerated() {
      let identityLayout = layout.identities[index]
      if !places.identityIsResident[index] { cost.addendBytes[index] += tile.pixels * channels(blocks) }
      if identityLayout.usesArray {
        if geometry.tiling.streamsMatrices {
          cost.constantBytes += identityLayout.passes * (identity.multipliers.count > 1 ? blocks.count : 1) * dim * dim
        } else if identity.multipliers.count > 1 && diagonalsHeld != blocks {
          diagonalsHeld = blocks
          cost.constantBytes += identityLayout.passes * blocks.count * dim * dim
        }
      }
    }
    if kernel.store.scaleConstant != nil { cost.constantBytes += 4 * channels(blocks) }
    if !places.outputIsResident {
      cost.writtenBytes += tile.storedRows.count * tile.storedColumns.count * channels(blocks)
    }
  }
}

extension KernelGeometry {
  /// A run of accumulator rows that start from the same bias, at most `dim` of them.
  struct BiasRun: Sendable {
    var rowClass: Int
    var columnClass: Int
    var result: Int
    var count: Int
  }

  func biasRuns(_ tile: OutputTile, _ bias: TileKernel.Bias) -> [BiasRun] {
    var runs: [BiasRun] = []
    func append(_ rowClass: Int, _ columnClass: Int, _ result: Int, _ count: Int) {
      for done in stride(from: 0, to: count, by: dim) {
        runs.append(
          BiasRun(
            rowClass: rowClass, columnClass: columnClass, result: result + done, count: min(dim, count - done)))
      }
    }
    if bias.isUniform {
      append(0, 0, 0, tile.pixels)
      return runs
    }
    for row in tile.rows {
      var column = tile.columns.lowerBound
      while column < tile.columns.upperBound {
        var next = column + 1
        while next < tile.columns.upperBound && bias.columnClass[next] == bias.columnClass[column] { next += 1 }
        let result = (row - tile.rows.lowerBound) * tile.columns.count + column - tile.columns.lowerBound
        append(bias.rowClass[row], bias.columnClass[column], result, next - column)
        column = next
      }
    }
    return runs
  }
}
