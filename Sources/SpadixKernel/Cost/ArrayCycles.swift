/// Array cycles that a kernel will take, for the choice of tilings; the emitted commands are counted by `ArrayOccupancy`. A
/// compute takes as many as it has rows, at least four (less in an array smaller than that),
/// and `dim` when new weights follow (gemmini-isa, cost facts).
///
/// They depend on the tiles' shapes and not on the order of the loops; the sums over tiles are kept for the next tiling.
struct ArrayCycles {
  private struct Key: Hashable {
    var tileRows: Int
    var tileColumns: Int
    var windowRows: Int
    var taps: Range<Int>
  }

  let places: KernelPlaces
  private var contractionSums: [Key: Int] = [:]
  private var identitySums: [Key: Int] = [:]

  init(places: KernelPlaces) { self.places = places }

  mutating func count(_ nest: KernelNest) -> Int {
    let geometry = nest.geometry
    let kernel = geometry.kernel
    let dim = geometry.dim
    var cycles = 0
    if let contraction = kernel.contraction {
      for slice in geometry.slices {
        let weightTiles = (0..<geometry.blockCount).reduce(0) { $0 + geometry.inputBlocks(of: $1, in: slice).count }
        cycles += kernel.images * weightTiles * contractionSum(geometry, slice)
      }
      if case .diagonal = contraction.weights {
        // Diagonals are made once per load of the taps; groups hold their chunks, so once in all, or once per tile.
        let perLoad = (0..<geometry.chunkCount).reduce(0) { sum, chunk in
          let blocks = geometry.chunkBlocks(chunk)
          let rows = contraction.window.taps * blocks.count
          return sum + geometry.channels(of: blocks.lowerBound) * KernelGeometry.ceilDivide(rows, dim) * dim
        }
        cycles += perLoad * diagonalLoads(geometry)
      }
    }
    for identity in nest.buffers.identities where identity.usesArray {
      cycles += kernel.images * geometry.blockCount * identity.passes * identitySum(geometry)
    }
    return cycles
  }

  private func diagonalLoads(_ geometry: KernelGeometry) -> Int {
    let chunks = min(geometry.tiling.chunksPerGroup, geometry.chunkCount)
    if geometry.weightSlots == chunks && !geometry.isSliced {
      return geometry.chunkCount > chunks ? geometry.kernel.images : 1
    }
    let tiles =
      KernelGeometry.ceilDivide(geometry.kernel.store.rows, geometry.tiling.tileRows)
      * KernelGeometry.ceilDivide(geometry.kernel.store.columns, geometry.tiling.tileColumns)
    return geometry.kernel.images * tiles
  }

  private mutating func contractionSum(_ geometry: KernelGeometry, _ slice: ContractionSlice) -> Int {
    let key = Key(
      tileRows: geometry.tiling.tileRows, tileColumns: geometry.tiling.tileColumns,
      windowRows: geometry.tiling.windowRows, taps: slice.taps)
    if let sum = contractionSums[key] { return sum }
    let contraction = geometry.kernel.contraction!
    var sum = 0
    for tile in geometry.tilesOfImage() {
      let plane = geometry.inputPlane(tile, slice, resident: places.inputIsResident)
      for tap in slice.taps {
        let runs = contraction.window.runs(
          rows: tile.rows, columns: tile.columns, tap: tap, plane: plane, dim: geometry.dim)
        sum += cycles(runs, dim: geometry.dim, newWeightsFollow: !contraction.weights.isShared)
      }
    }
    contractionSums[key] = sum
    return sum
  }

  private mutating func identitySum(_ geometry: KernelGeometry) -> Int {
    let key = Key(
      tileRows: geometry.tiling.tileRows, tileColumns: geometry.tiling.tileColumns, windowRows: 0, taps: 0..<0)
    if let sum = identitySums[key] { return sum }
    var sum = 0
    let kernel = geometry.kernel
    let window = InputWindow.identity(rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, passes: 1)
    let plane = PlaneLayout(pitch: kernel.columns)
    for tile in geometry.tilesOfImage() {
      let runs = window.runs(rows: tile.rows, columns: tile.columns, tap: 0, plane: plane, dim: geometry.dim)
      sum += cycles(runs, dim: geometry.dim, newWeightsFollow: true)
    }
    identitySums[key] = sum
    return sum
  }

  private func cycles(_ runs: [PixelRun], dim: Int, newWeightsFollow: Bool) -> Int {
    guard let last = runs.last else { return 0 }
    let least = min(4, dim)
    let sum = runs.reduce(0) { $0 + max($1.count, least) }
    return newWeightsFollow ? sum - max(last.count, least) + dim : sum
  }
}

extension TileKernel.Weights {
  /// Whether all taps use one matrix, so that it stays in the array.
  var isShared: Bool {
    if case .ones = self { return true }
    return false
  }
}
