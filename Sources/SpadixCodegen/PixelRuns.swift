/// Pixels that lie one after the other both in the scratchpad (at the array's row stride) and in the accumulator, at most
/// `dim` of them: the rows of one compute.
struct PixelRun: Sendable {
  /// Row of the first pixel, from the start of a plane of one channel block.
  var source: Int
  /// Row of the first pixel, from the start of a block of the accumulator tile.
  var result: Int
  var count: Int
}

/// How a plane of pixels lies in the scratchpad: rows of `pitch` pixels, in a ring where only some rows are kept.
struct PlaneLayout: Sendable {
  var pitch: Int
  /// Rows kept, or nil for a whole plane.
  var ring: Int?
  /// The first column kept.
  var firstColumn: Int

  func row(_ y: Int, _ x: Int) -> Int { (ring.map { y % $0 } ?? y) * pitch + x - firstColumn }
}

extension KernelGeometry {
  /// The runs of a tile for one tap: only pixels whose input lies inside the image, so padding costs nothing.
  ///
  /// The last run is a full one where there is any: the array needs `dim` cycles to take new weights, and hides them
  /// behind a full run.
  func runs(_ tile: OutputTile, tapRow: Int, tapColumn: Int, plane: PlaneLayout) -> [PixelRun] {
    let contraction = kernel.contraction!
    let rows = contraction.validRows(tile.rows, tapRow: tapRow)
    let columns = contraction.validColumns(tile.columns, tapColumn: tapColumn)
    if rows.isEmpty || columns.isEmpty { return [] }
    let pitch = tile.columns.count
    let x = contraction.inputColumn(columns.lowerBound, tapColumn: tapColumn)
    var runs: [PixelRun] = []
    var row = rows.lowerBound
    while row < rows.upperBound {
      let source = plane.row(contraction.inputRow(row, tapRow: tapRow), x)
      var count = columns.count
      var next = row + 1
      if columns.count == pitch {
        while next < rows.upperBound,
          plane.row(contraction.inputRow(next, tapRow: tapRow), x)
            == source + (next - row) * pitch * contraction.strideColumns
        {
          count += pitch
          next += 1
        }
      }
      let result = (row - tile.rows.lowerBound) * pitch + columns.lowerBound - tile.columns.lowerBound
      append(count, source: source, sourceStride: contraction.strideColumns, result: result, to: &runs)
      row = next
    }
    moveFullRunLast(&runs)
    return runs
  }

  /// The runs of a tile over a tensor of the accumulator image's own shape.
  func identityRuns(_ tile: OutputTile, plane: PlaneLayout) -> [PixelRun] {
    var runs: [PixelRun] = []
    for (source, result, count) in spans(tile, plane: plane) {
      append(count, source: source, sourceStride: 1, result: result, to: &runs)
    }
    moveFullRunLast(&runs)
    return runs
  }

  /// Spans of pixels of a tile that are contiguous in a plane of the accumulator image's shape.
  func spans(_ tile: OutputTile, plane: PlaneLayout) -> [(source: Int, result: Int, count: Int)] {
    spans(rows: tile.rows, columns: tile.columns, plane: plane)
  }

  func spans(rows: Range<Int>, columns: Range<Int>, plane: PlaneLayout) -> [(source: Int, result: Int, count: Int)] {
    if plane.pitch == columns.count && plane.ring == nil {
      return [(plane.row(rows.lowerBound, columns.lowerBound), 0, rows.count * columns.count)]
    }
    return rows.map { row in
      (plane.row(row, columns.lowerBound), (row - rows.lowerBound) * columns.count, columns.count)
    }
  }

  private func append(_ count: Int, source: Int, sourceStride: Int, result: Int, to runs: inout [PixelRun]) {
    // The remainder first, so that a span ends with a full run; a remainder shorter than the array's least takes rows from
    // the run after it.
    let least = min(4, dim)
    var remainder = count % dim
    var done = 0
    while done < count {
      var piece = remainder == 0 ? dim : remainder
      if piece < least && count - done > dim { piece = least }
      remainder = (count - done - piece) % dim
      runs.append(PixelRun(source: source + done * sourceStride, result: result + done, count: piece))
      done += piece
    }
  }

  private func moveFullRunLast(_ runs: inout [PixelRun]) {
    guard let last = runs.last, last.count < dim, let full = runs.lastIndex(where: { $0.count == dim }) else { return }
    runs.swapAt(full, runs.count - 1)
  }
}
