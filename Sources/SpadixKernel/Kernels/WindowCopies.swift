extension TileKernel {
  /// Whether the window can have a copy for each column of taps: the pixel right of a pixel of the input is the one
  /// right of its result, so that in image rows behind one another only what a tap must not read comes between what it
  /// reads.
  public var allowsWindowCopies: Bool {
    guard let window = contraction?.window else { return false }
    return window.kernelColumns > 1 && window.strideRows == 1 && window.strideColumns == 1 && window.inputRows > 1
      && window.inputColumns == columns && window.columnPixels == 1
  }
}
