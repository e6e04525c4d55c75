/// Pixels that lie one after the other both in the scratchpad (at the array's row stride) and in the accumulator, at
/// most `dim` of them: the rows of one compute. Where pixels share the columns of the input, those of a run are as many
/// rows of the accumulator apart.
public struct PixelRun: Sendable {
  /// Row of the first pixel, from the start of a plane of one channel block.
  public var source: Int
  /// Row of the first pixel, from the start of a block of the accumulator tile.
  public var result: Int
  /// Pixels, 1...`dim`.
  public var count: Int
}

/// How a plane of pixels lies in the scratchpad: rows of `pitch` pixels, in a ring where only some rows are kept; or
/// rows of which each is by itself.
public struct PlaneLayout: Hashable, Sendable {
  /// Local rows from one image row to the next.
  public var pitch: Int
  /// Rows kept, or nil for a whole plane.
  public var ring: Int?
  /// The first row and column kept.
  public var firstRow: Int
  /// The first column kept.
  public var firstColumn: Int
  /// Where the rows from the first on begin, when each is by itself.
  public var starts: [Int]
  /// Whether columns that a tap does not read are zeros, so that its runs go on past the ends of image rows. Where the window
  /// has strides, rows and columns are then those of a copy that gathers.
  public var hasZeroEdges: Bool
  /// Rows of the ring before row 0 of the image.
  public var shift: Int
  /// Of a ring that lies in parts, the image rows of each; 0 where it does not.
  public var partLines: Int
  /// Of a ring that lies in parts, the local rows from one to the next; 0 where it does not.
  public var partStride: Int

  public init(
    pitch: Int, ring: Int? = nil, firstRow: Int = 0, firstColumn: Int = 0, starts: [Int] = [],
    hasZeroEdges: Bool = false, shift: Int = 0, partLines: Int = 0, partStride: Int = 0
  ) {
    self.shift = shift
    self.partLines = partLines
    self.partStride = partStride
    self.hasZeroEdges = hasZeroEdges
    self.pitch = pitch
    self.ring = ring
    self.firstRow = firstRow
    self.firstColumn = firstColumn
    self.starts = starts
  }

  /// Local row of a pixel, from the start of the plane; far outside for a row that is not kept.
  public func row(_ y: Int, _ x: Int) -> Int {
    if !starts.isEmpty {
      // A row that is not there is far outside of any buffer.
      return starts.indices.contains(y - firstRow) ? starts[y - firstRow] + x - firstColumn : -1 << 32
    }
    let line = ring.map { (y + shift) % $0 } ?? y
    if partLines > 0 {
      return line / partLines * partStride + (line % partLines - firstRow) * pitch + x - firstColumn
    }
    return (line - firstRow) * pitch + x - firstColumn
  }

  /// Whether two image rows are in one part of the ring.
  func isJoined(_ left: Int, _ right: Int) -> Bool {
    guard partLines > 0, let ring else { return true }
    return (left + shift) % ring / partLines == (right + shift) % ring / partLines
  }
}

extension InputWindow {
  /// The runs of a tile for one tap: only pixels whose input lies inside the image, so padding costs nothing. Where the
  /// ends of image rows are zeros, rows are one run with what lies between them.
  ///
  /// The last run is a full one where there is any: the array needs `dim` cycles to take new weights, and hides them
  /// behind a full run.
  ///
  /// - Parameters:
  ///   - tileRows: rows of the tile, as `tileColumns` are its columns.
  ///   - plane: how the input lies in the scratchpad.
  ///   - least: pixels that the array takes in the cycles of a shorter run.
  public func runs(
    rows tileRows: Range<Int>, columns tileColumns: Range<Int>, tap: Int, plane: PlaneLayout, dim: Int, least: Int
  ) -> [PixelRun] {
    let (tapRow, tapColumn) = (tap / kernelColumns, tap % kernelColumns)
    let rows = validRows(tileRows, tapRow: tapRow)
    let columns = validColumns(tileColumns, tapColumn: tapColumn)
    if rows.isEmpty || columns.count == 0 { return [] }
    let pitch = tileColumns.count
    let gathers = gathers(plane)
    let stride = sourceStride(plane)
    let x = gathers ? columns.first : inputColumn(columns.first, tapColumn: tapColumn)
    func start(of row: Int) -> Int {
      let y = inputRow(row, tapRow: tapRow)
      return plane.row(gathers ? gatheredRow(y) : y, x)
    }
    var runs: [PixelRun] = []
    let isJoined = columns.count * columnPixels == pitch || plane.hasZeroEdges
    let joined = pitch / columnPixels
    var row = rows.lowerBound
    while row < rows.upperBound {
      let source = start(of: row)
      var count = columns.count
      var next = row + 1
      if isJoined {
        while next < rows.upperBound,
          plane.isJoined(inputRow(row, tapRow: tapRow), inputRow(next, tapRow: tapRow)),
          start(of: next) == source + (next - row) * joined * stride
        {
          count += joined
          next += 1
        }
      }
      let result = (row - tileRows.lowerBound) * pitch + columns.first - tileColumns.lowerBound
      append(count, source: source, stride: stride, result: result, dim: dim, least: least, to: &runs)
      row = next
    }
    if let last = runs.last, last.count < dim, let full = runs.lastIndex(where: { $0.count == dim }) {
      runs.swapAt(full, runs.count - 1)
    }
    return runs
  }

  private func append(
    _ count: Int, source: Int, stride: Int, result: Int, dim: Int, least: Int, to runs: inout [PixelRun]
  ) {
    // The remainder first, so that a span ends with a full run; a remainder shorter than the array's least takes rows
    // from the run after it.
    var remainder = count % dim
    var done = 0
    while done < count {
      var piece = remainder == 0 ? dim : remainder
      if piece < least && count - done > dim { piece = least }
      remainder = (count - done - piece) % dim
      runs.append(PixelRun(source: source + done * stride, result: result + done * columnPixels, count: piece))
      done += piece
    }
  }
}
