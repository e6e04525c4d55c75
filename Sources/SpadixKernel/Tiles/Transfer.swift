import SpadixSupport

/// A blocked move between DRAM and a buffer, the same for loads and stores.
///
/// In DRAM there are `lines` x `rows` rows of `columns` elements; locally a row holds `dim` elements, so that the columns
/// fall into blocks of `dim`, and each block into planes of rows:
///
///     for line in firstLine ..< firstLine + lines, row in 0 ..< rows, block of columns
///       DRAM   offset + (line - firstLine) * lineStride + row * rowStride + block * dim
///       local  row + block * blockStride + (line mod ring) * linePitch + row
///
/// Of a ring in parts, lines of the next part are `partStride` rows further.
public struct Transfer: Hashable, Sendable {
  /// Whose bytes they are.
  public var operand: TileOperand
  /// Bytes from the start of the operand to the first row.
  public var offset: Int
  /// Rows of a line.
  public var rows: Int
  /// Bytes from row to row; 0 repeats one row.
  public var rowStride: Int
  /// Each of `rows` rows.
  public var lines: Int
  /// Bytes from line to line.
  public var lineStride: Int
  /// Elements of a row, and bytes: all that cross DRAM in transfers are int8.
  public var columns: Int
  /// Where line 0 begins.
  public var local: LocalPlace
  /// Local rows from one block of columns to the next.
  public var blockStride: Int
  /// Local rows from line to line.
  public var linePitch: Int
  /// Number of the first line, which the ring goes by.
  public var firstLine: Int
  /// Lines that the buffer keeps; nil for all.
  public var ring: Int?
  /// Of a ring in parts, the lines of each; 0 where it is in one.
  public var partLines: Int
  /// Of a ring in parts, local rows from one to the next; 0 where it is in one.
  public var partStride: Int

  public init(
    _ operand: TileOperand, offset: Int = 0, rows: Int, rowStride: Int, lines: Int = 1, lineStride: Int = 0,
    columns: Int,
    local: LocalPlace, blockStride: Int, linePitch: Int = 0, firstLine: Int = 0, ring: Int? = nil, partLines: Int = 0,
    partStride: Int = 0
  ) {
    self.partLines = partLines
    self.partStride = partStride
    self.operand = operand
    self.offset = offset
    self.rows = rows
    self.rowStride = rowStride
    self.lines = lines
    self.lineStride = lineStride
    self.columns = columns
    self.local = local
    self.blockStride = blockStride
    self.linePitch = linePitch
    self.firstLine = firstLine
    self.ring = ring
  }

  /// Where a line begins, from the first row of a block of columns.
  func row(ofLine index: Int) -> Int {
    let line = ring.map { (firstLine + index) % $0 } ?? firstLine + index
    if partLines > 0 { return line / partLines * partStride + line % partLines * linePitch }
    return line * linePitch
  }

  /// Whether a line begins a part of the ring: it lies apart from the one before.
  private func beginsPart(_ index: Int) -> Bool {
    guard partLines > 0, let ring else { return false }
    return (firstLine + index) % ring % partLines == 0
  }

  /// Rows that are evenly spaced in DRAM and follow one another in the buffer.
  public struct Span: Hashable, Sendable {
    /// Bytes from the start of the operand.
    public var offset: Int
    /// Row from the start of the slot, of the first block of columns.
    public var row: Int
    /// Rows.
    public var count: Int
  }

  /// The fewest spans that cover the lines, in order.
  public var spans: [Span] {
    var spans: [Span] = []
    for index in 0..<lines {
      let offset = offset + index * lineStride
      let row = local.row + row(ofLine: index)
      if let last = spans.last, !beginsPart(index), last.row + last.count == row,
        last.offset + last.count * rowStride == offset
      {
        spans[spans.count - 1].count += rows
      } else {
        spans.append(Span(offset: offset, row: row, count: rows))
      }
    }
    return spans
  }

  /// Bytes through DRAM. A repeated row crosses it once for every command, each of `dim` rows.
  public func bytes(dim: Int) -> Int {
    lines * (rowStride == 0 ? ceilDivide(rows, dim) : rows) * columns
  }
}
