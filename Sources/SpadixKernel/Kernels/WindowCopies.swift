extension TileKernel {
  /// Whether the window can have a copy for each column of taps, so that computes go past the ends of image rows: what lies
  /// there between the pixels that a tap reads are columns that it must not read, or pixels are gathered. Pooling must see
  /// all columns: without those that it leaves out, accumulator rows would be shorter than those of a copy.
  public var allowsWindowCopies: Bool {
    guard let window = contraction?.window else { return false }
    return window.kernelColumns > 1 && window.inputRows > 1 && window.columnPixels == 1
      && (window.isStrided || window.inputColumns == columns)
      && accumulatorColumns(0..<store.columns) == 0..<columns
  }
}

/// With strides, a copy of the window gathers what the output pixels see through a column of taps: a pixel for each of them,
/// in their order, and image rows that follow one another for a row of taps one behind the other.
extension InputWindow {
  /// Whether neighbouring output pixels see pixels that are no neighbours.
  public var isStrided: Bool { strideRows > 1 || strideColumns > 1 }

  /// Whether a plane is such a copy.
  public func gathers(_ plane: PlaneLayout) -> Bool { plane.hasZeroEdges && isStrided }

  /// Local rows from the pixel that an output pixel sees to that of the next one.
  public func sourceStride(_ plane: PlaneLayout) -> Int { gathers(plane) ? 1 : strideColumns }

  /// Where an image row lies among those of a copy: behind those with a smaller remainder by the stride.
  func gatheredRow(_ row: Int) -> Int {
    let (index, phase) = row.quotientAndRemainder(dividingBy: strideRows)
    return phase * (inputRows / strideRows) + min(phase, inputRows % strideRows) + index
  }
}
