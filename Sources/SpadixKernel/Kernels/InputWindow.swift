import SpadixSupport

/// How output pixels see input pixels: output row y reads input row `y * strideRows + tapRow * dilationRows - paddingTop`
/// through each row of taps, and columns likewise; what lies outside the image adds nothing.
public struct InputWindow: Hashable, Sendable {
  /// The input image.
  public var inputRows: Int
  /// Of the input image.
  public var inputColumns: Int
  /// Of the input image, all of them.
  public var inputChannels: Int
  /// Taps.
  public var kernelRows: Int
  /// Columns of taps.
  public var kernelColumns: Int
  /// Input rows from one output row to the next.
  public var strideRows: Int
  /// Input columns from one output column to the next.
  public var strideColumns: Int
  /// Input rows from one row of taps to the next.
  public var dilationRows: Int
  /// Input columns from one column of taps to the next.
  public var dilationColumns: Int
  /// Rows outside the image above it.
  public var paddingTop: Int
  /// Columns outside the image before it.
  public var paddingLeft: Int

  public init(
    inputRows: Int, inputColumns: Int, inputChannels: Int, kernelRows: Int = 1, kernelColumns: Int = 1,
    strideRows: Int = 1, strideColumns: Int = 1, dilationRows: Int = 1, dilationColumns: Int = 1, paddingTop: Int = 0,
    paddingLeft: Int = 0
  ) {
    self.inputRows = inputRows
    self.inputColumns = inputColumns
    self.inputChannels = inputChannels
    self.kernelRows = kernelRows
    self.kernelColumns = kernelColumns
    self.strideRows = strideRows
    self.strideColumns = strideColumns
    self.dilationRows = dilationRows
    self.dilationColumns = dilationColumns
    self.paddingTop = paddingTop
    self.paddingLeft = paddingLeft
  }

  /// Each output pixel sees the input pixel of its own place, once for every pass: taps without displacement.
  public static func identity(rows: Int, columns: Int, channels: Int, passes: Int) -> InputWindow {
    InputWindow(
      inputRows: rows, inputColumns: columns, inputChannels: channels, kernelColumns: passes, dilationColumns: 0)
  }

  /// Of all rows and columns; tap t is in row t / kernelColumns.
  public var taps: Int { kernelRows * kernelColumns }

  /// The input row that an output row reads through a row of taps; may lie outside the image.
  public func inputRow(_ row: Int, tapRow: Int) -> Int { row * strideRows + tapRow * dilationRows - paddingTop }
  /// The input column that an output column reads through a column of taps; may lie outside the image.
  public func inputColumn(_ column: Int, tapColumn: Int) -> Int {
    column * strideColumns + tapColumn * dilationColumns - paddingLeft
  }

  /// The output rows of `range` for which the input row through `tapRow` lies inside the image.
  public func validRows(_ range: Range<Int>, tapRow: Int) -> Range<Int> {
    Self.valid(range, stride: strideRows, offset: tapRow * dilationRows - paddingTop, limit: inputRows)
  }
  /// The output columns of `range` for which the input column through `tapColumn` lies inside the image.
  public func validColumns(_ range: Range<Int>, tapColumn: Int) -> Range<Int> {
    Self.valid(range, stride: strideColumns, offset: tapColumn * dilationColumns - paddingLeft, limit: inputColumns)
  }

  private static func valid(_ range: Range<Int>, stride: Int, offset: Int, limit: Int) -> Range<Int> {
    // 0 <= position * stride + offset < limit
    let low = max(range.lowerBound, offset >= 0 ? 0 : ceilDivide(-offset, stride))
    let high = min(range.upperBound, limit - offset <= 0 ? 0 : (limit - offset - 1) / stride + 1)
    return low < high ? low..<high : low..<low
  }

  /// Whether every pixel of a tile sees a pixel of the image through a tap.
  public func covers(rows: Range<Int>, columns: Range<Int>, tap: Int) -> Bool {
    validRows(rows, tapRow: tap / kernelColumns) == rows
      && validColumns(columns, tapColumn: tap % kernelColumns) == columns
  }

  /// Valid channels of a block of `dim`.
  public func channels(of block: Int, dim: Int) -> Int { min(dim, inputChannels - block * dim) }
}
