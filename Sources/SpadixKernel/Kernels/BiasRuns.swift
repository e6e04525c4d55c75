import SpadixSupport

extension TileKernel.Bias {
  /// A run of accumulator rows that one load starts, at most `dim` of them: from the same bias, or each from another one
  /// at equal distances. So the pixels at the end of an image row and those at the beginning of the next share a load.
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
    /// How many biases further on that of each next row is; 0 for the same one.
    public var distance = 0

    fileprivate func index(_ bias: TileKernel.Bias) -> Int { rowClass * bias.columnClasses + columnClass }

    /// Takes a single row behind this run, where it starts from a bias at the same distance.
    fileprivate mutating func extend(by next: Run, _ bias: TileKernel.Bias, dim: Int) -> Bool {
      if isZero || next.isZero || next.count > 1 || count == dim { return false }
      let between = next.index(bias) - index(bias)
      if between <= 0 || (count > 1 && between != count * distance) { return false }
      if count == 1 { distance = between }
      count += 1
      return true
    }
  }

  /// The runs of a tile, row by row of its image.
  public func runs(rows: Range<Int>, columns: Range<Int>, dim: Int) -> [Run] {
    var runs: [Run] = []
    func append(_ rowClass: Int, _ columnClass: Int, _ result: Int, _ count: Int) {
      for done in stride(from: 0, to: count, by: dim) {
        let run = Run(
          rowClass: rowClass, columnClass: columnClass, result: result + done, count: min(dim, count - done),
          isZero: isZero(rowClass: rowClass, columnClass: columnClass))
        if let last = runs.indices.last, runs[last].extend(by: run, self, dim: dim) { continue }
        runs.append(run)
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

  /// Biases that a row of pixels needs, each brought once for at most `dim` pixels: in rows of the class with zeros, and
  /// in others.
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
