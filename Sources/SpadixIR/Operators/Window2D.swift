/// A window that slides over the height and width of an image, as convolutions and poolings do.
public struct Window2D: Hashable, Sendable {
  /// Largest size, stride, padding and dilation that the operators' rules allow.
  public static let maximumExtent = 65_535

  /// [height, width]
  public var size: [Int]
  /// [vertical, horizontal]
  public var strides: [Int]
  /// [top, left, bottom, right]
  public var padding: [Int]
  /// [vertical, horizontal]
  public var dilations: [Int]

  public init(size: [Int], strides: [Int], padding: [Int], dilations: [Int] = [1, 1]) {
    self.size = size
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
  }

  /// Elements from the window's first to its last along an axis: (size - 1) * dilation + 1.
  func extent(_ axis: Int) -> Int { (size[axis] - 1) * dilations[axis] + 1 }

  /// [height, width] of the result: floor((input + padding - extent) / stride) + 1, less than 1 when nothing fits.
  public func outputSize(of input: [Int]) -> [Int] {
    (0..<2).map { axis in
      let room = input[axis] + padding[axis] + padding[axis + 2] - extent(axis)
      return room < 0 ? 0 : room / strides[axis] + 1
    }
  }
}
