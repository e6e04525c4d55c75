import SpadixSupport

/// How output pixels see input pixels: output row y reads input row `y * strideRows + tapRow * dilationRows - paddingTop`
/// through each row of taps, and columns likewise; what lies outside the image adds nothing.
///
/// An input column can also hold what several neighbouring output pixels see, side by side in its channels: then each of
/// them has a column of taps of its own, and x is the output column divided by their number.
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
  /// Output pixels that share an input column. Beyond 1, there is a column of taps for each of them, and none has strides,
  /// dilation or padding.
  public var columnPixels: Int
  /// Of output pixels that share a column, the channels from where one begins to see to where the next one does.
  public var pixelChannels: Int

  public init(
    inputRows: Int, inputColumns: Int, inputChannels: Int, kernelRows: Int = 1, kernelColumns: Int = 1,
    strideRows: Int = 1, strideColumns: Int = 1, dilationRows: Int = 1, dilationColumns: Int = 1, paddingTop: Int = 0,
    paddingLeft: Int = 0, columnPixels: Int = 1, pixelChannels: Int = 0
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
    self.columnPixels = columnPixels
    self.pixelChannels = pixelChannels
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
    column / columnPixels * strideColumns + tapColumn * dilationColumns - paddingLeft
  }

  /// The output rows of `range` for which the input row through `tapRow` lies inside the image.
  public func validRows(_ range: Range<Int>, tapRow: Int) -> Range<Int> {
    Self.valid(range, stride: strideRows, offset: tapRow * dilationRows - paddingTop, limit: inputRows)
  }
  /// The output columns of `range` that see an input column inside the image through `tapColumn`: how many, from the first
  /// one on `columnPixels` apart.
  public func validColumns(_ range: Range<Int>, tapColumn: Int) -> (first: Int, count: Int) {
    if columnPixels > 1 {
      let first = range.lowerBound + Self.remainder(tapColumn - range.lowerBound, columnPixels)
      return (first, max(0, ceilDivide(min(range.upperBound, inputColumns * columnPixels) - first, columnPixels)))
    }
    let valid = Self.valid(
      range, stride: strideColumns, offset: tapColumn * dilationColumns - paddingLeft, limit: inputColumns)
    return (valid.lowerBound, valid.count)
  }

  private static func remainder(_ value: Int, _ divisor: Int) -> Int {
    let rest = value % divisor
    return rest < 0 ? rest + divisor : rest
  }

  private static func valid(_ range: Range<Int>, stride: Int, offset: Int, limit: Int) -> Range<Int> {
    // 0 <= position * stride + offset < limit
    let low = max(range.lowerBound, offset >= 0 ? 0 : ceilDivide(-offset, stride))
    let high = min(range.upperBound, limit - offset <= 0 ? 0 : (limit - offset - 1) / stride + 1)
    return low < high ? low..<high : low..<low
  }

  /// Whether every pixel of a tile sees a pixel of the image through a tap, or through one of the `columnPixels` from it on.
  public func covers(rows: Range<Int>, columns: Range<Int>, tap: Int) -> Bool {
    if validRows(rows, tapRow: tap / kernelColumns) != rows { return false }
    if columnPixels > 1 { return tap % columnPixels == 0 && columns.upperBound <= inputColumns * columnPixels }
    return validColumns(columns, tapColumn: tap % kernelColumns).count == columns.count
  }

  /// Channels that an output pixel sees.
  public var seenChannels: Int { inputChannels - (columnPixels - 1) * pixelChannels }

  /// Valid channels of a block of `dim`.
  public func channels(of block: Int, dim: Int) -> Int { min(dim, inputChannels - block * dim) }
}
