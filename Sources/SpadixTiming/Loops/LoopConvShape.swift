import SpadixISA
import SpadixSupport

/// Sizes of one hardware convolution that follow from its configuration, and where its tiles lie.
struct LoopConvShape {
  var batches = 0
  var outRows = 0
  var outCols = 0
  var channels = 0
  var kernelRows = 0
  var kernelCols = 0
  var kernelChannels = 0
  var stride = 0
  var dilation = 0
  /// Pixels of the input in one local row.
  var pixels = 1
  /// Padding of the input as loaded: halved when the input is dilated.
  var up = 0
  var down = 0
  var left = 0
  var right = 0
  var upPad = 0
  var leftPad = 0
  var inRowsUnpadded = 0
  var inColsUnpadded = 0
  var inRows = 0
  var inCols = 0
  var isDilated = false
  var isDownsampled = false
  var transposesInput = false
  var transposesWeights = false
  var dim = 1

  init() {}

  init(_ loop: LoopConvUnroller.Loop, dim: Int) {
    self.dim = dim
    let padding = loop.padding
    isDilated = loop.run.inputDilated
    isDownsampled = loop.run.downsample
    transposesInput = loop.run.transposeInput3120
    transposesWeights = loop.run.transposeWeights0132
    batches = loop.pooling.tileBatches
    outRows = loop.tile.outRows
    outCols = loop.tile.outCols
    channels = loop.pooling.tileChannels
    kernelRows = padding.kernelRows
    kernelCols = padding.kernelCols
    kernelChannels = padding.kernelChannels
    stride = loop.sizes.stride
    dilation = loop.tile.kernelDilation
    pixels = max(loop.run.maxPixelsPerRow, 1)
    upPad = padding.upPad
    leftPad = padding.leftPad
    let allRows = outRows * stride + kernelRows + (dilation - 1) * (kernelRows - 1) - 1
    let allCols = outCols * stride + kernelCols + (dilation - 1) * (kernelCols - 1) - 1
    (up, down) = (halved(padding.upPad), halved(padding.downPad))
    (left, right) = (halved(padding.leftPad), halved(padding.rightPad))
    inRowsUnpadded = halved(allRows - padding.upPad - padding.downPad)
    inColsUnpadded = halved(allCols - padding.leftPad - padding.rightPad)
    inRows = isDilated ? inRowsUnpadded + up + down : allRows
    inCols = isDilated ? inColsUnpadded + left + right : allCols
  }

  var isEmpty: Bool {
    batches <= 0 || outRows <= 0 || outCols <= 0 || channels <= 0 || kernelRows <= 0 || kernelCols <= 0
      || kernelChannels <= 0 || inRowsUnpadded <= 0 || inColsUnpadded <= 0
  }

  func halved(_ value: Int) -> Int { isDilated ? (value + 1) >> 1 : value }
  private func sampled(_ value: Int) -> Int { isDownsampled ? value >> 1 : value }
  private func ceiling(_ value: Int) -> Int { ceilDivide(value, dim) }

  /// Output columns of one compute.
  func columnReach(_ dim: Int) -> Int { isDilated ? 2 * dim : dim }

  var weightRows: Int {
    transposesWeights
      ? ceiling(kernelChannels) * kernelCols * kernelRows * channels
      : ceiling(channels) * kernelCols * kernelRows * kernelChannels
  }

  /// Rows between blocks of channels of the input.
  var inputStride: Int { (transposesInput ? kernelChannels : batches) * sampled(inRows) * sampled(inCols) }

  func input(_ batch: Int, _ channel: Int, _ row: Int, _ col: Int) -> Int {
    let plane = sampled(inRows) * sampled(inCols)
    let (block, image) = transposesInput ? (batch / dim, channel) : (channel / dim, batch)
    return block * inputStride + image * plane + sampled(row) * sampled(inCols) + sampled(col)
  }

  func weight(_ out: Int, _ row: Int, _ col: Int, _ channel: Int) -> Int {
    let (block, width, inner) =
      transposesWeights ? (channel / dim, channels, out) : (out / dim, kernelChannels, channel)
    return ((block * kernelRows + row) * kernelCols + col) * width + inner
  }

  /// Accumulator row of a pixel, from the first row of the tile.
  func pixel(_ batch: Int, _ row: Int, _ col: Int, _ channel: Int) -> Int {
    (((channel / dim) * batches + batch) * outRows + row) * outCols + col
  }

  /// Positions that meet the zeros between the pixels of a dilated input.
  func skips(_ kernelRow: Int, _ kernelCol: Int, _ row: Int, _ col: Int) -> Bool {
    isDilated
      && ((kernelRow * dilation + row - upPad) & 1 != 0 || (kernelCol * dilation + col - leftPad) & 1 != 0)
  }
}
