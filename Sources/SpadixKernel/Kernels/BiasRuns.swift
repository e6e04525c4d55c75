import SpadixSupport

extension TileKernel.Bias {
  /// A run of accumulator rows that start from the same bias, at most `dim` of them.
  public struct Run: Sendable {
    /// First index into the bias.
    public var rowClass: Int
    /// Second index into the bias.
    public var columnClass: Int
    /// The first row, from the start of a block of the tile.
    public var result: Int
    /// Rows, 1...`dim`.
    public var count: Int
    /// Whether the start values are zeros.
    public var isZero = false
  }

  /// The runs of a tile, row by row of its image.
  public func runs(rows: Range<Int>, columns: Range<Int>, dim: Int) -> [Run] {
    var runs: [Run] = []
    func append(_ rowClass: Int, _ columnClass: Int, _ result: Int, _ count: Int) {
      for done in stride(from: 0, to: count, by: dim) {
        runs.append(
          Run(
            rowClass: rowClass, columnClass: columnClass, result: result + done, count: min(dim, count - done),
            isZero: isZero(rowClass: rowClass, columnClass: columnClass)))
      }
    }
    if isUniform {
      append(0, 0, 0, rows.count * columns.count)
      return runs
    }
    for row in rows {
      var column = columns.lowerBound
      while column < columns.upperBound {
        var next = column + 1
        while next < columns.upperBound && self.columnClass[next] == self.columnClass[column] { next += 1 }
        let result = (row - rows.lowerBound) * columns.count + column - columns.lowerBound
        append(self.rowClass[row], self.columnClass[column], result, next - column)
        column = next
      }
    }
    return runs
  }

  /// Loads that a row of pixels needs: in rows of the class with zeros, and in others.
  func moves(columns: Range<Int>, dim: Int) -> (columns: Range<Int>, some: Int, all: Int) {
    var moves = (columns: columns, some: 0, all: 0)
    var column = columns.lowerBound
    while column < columns.upperBound {
      let end = columns[column...].first { columnClass[$0] != columnClass[column] } ?? columns.upperBound
      let count = ceilDivide(end - column, dim)
      moves.all += count
      if zeroClass.last != columnClass[column] { moves.some += count }
      column = end
    }
    return moves
  }
}
