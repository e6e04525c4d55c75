import SpadixIR

/// The window of a convolution or pooling, always as one over height and width.
struct ImportedWindow {
  var size: [Int]
  var strides: [Int]
  /// [top, left, bottom, right]
  var padding: [Int]
  var dilations: [Int]
  /// Further padding at the end, [bottom, right], that `ceil_mode` needs for its last window: no elements of the image
  /// and none of the padding.
  var overhang: [Int]
}

enum WindowReader {
  private static let bounds = 0...65_535

  /// Reads strides, dilations, padding and `auto_pad`.
  ///
  /// - Parameters:
  ///   - kernel: the window's size, [height, width] or [length].
  ///   - size: that of the image.
  ///   - isPooling: whether `ceil_mode` is an attribute.
  static func read(_ node: NodeReader, kernel: [Int], size: [Int], isPooling: Bool = false) throws -> ImportedWindow {
    let lines = try lines(node, kernel: kernel, size: size, isPooling: isPooling)
    let strides = lines.map(\.stride)
    let dilations = lines.map(\.dilation)
    let pads = lines.map(\.begin) + lines.map(\.end)
    let overhang = lines.map(\.overhang)
    let rank = kernel.count
    if rank == 1 {
      return ImportedWindow(
        size: [1] + kernel, strides: [1] + strides, padding: [0, pads[0], 0, pads[1]], dilations: [1] + dilations,
        overhang: [0] + overhang)
    }
    return ImportedWindow(size: kernel, strides: strides, padding: pads, dilations: dilations, overhang: overhang)
  }

  /// The window along one axis.
  struct Line {
    var stride: Int
    var dilation: Int
    var begin: Int
    var end: Int
    var overhang: Int
    /// How many windows there are.
    var count: Int
  }

  /// The window along each of any number of axes.
  static func lines(_ node: NodeReader, kernel: [Int], size: [Int], isPooling: Bool) throws -> [Line] {
    let rank = kernel.count
    let strides = try list(node, "strides", count: rank, default: 1, minimum: 1)
    let dilations = try list(node, "dilations", count: rank, default: 1, minimum: 1)
    guard kernel.allSatisfy({ (1...65_535).contains($0) }) else {
      throw Refusal("onnx.attribute", "the kernel is \(kernel); expected 1 to 65535")
    }
    var pads = try list(node, "pads", count: 2 * rank, default: 0, minimum: 0)
    let automatic = try node.text("auto_pad") ?? "NOTSET"
    let extent = (0..<rank).map { (kernel[$0] - 1) * dilations[$0] + 1 }
    switch automatic {
    case "NOTSET", "": break
    case "VALID": pads = [Int](repeating: 0, count: 2 * rank)
    case "SAME_UPPER", "SAME_LOWER":
      for axis in 0..<rank {
        let outputs = (size[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (outputs - 1) * strides[axis] + extent[axis] - size[axis])
        // An odd element goes to the end, or to the beginning.
        pads[axis] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2
        pads[axis + rank] = total - pads[axis]
      }
    default:
      throw Refusal(
        "onnx.attribute", "auto_pad = \(automatic): expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    }
    var overhang = [Int](repeating: 0, count: rank)
    if isPooling, try node.flag("ceil_mode"), !automatic.hasPrefix("SAME") {
      for axis in 0..<rank {
        let room = size[axis] + pads[axis] + pads[axis + rank] - extent[axis]
        guard room >= 0 else { continue }
        var outputs = (room + strides[axis] - 1) / strides[axis] + 1
        // A window that would start behind the image is dropped.
        if (outputs - 1) * strides[axis] >= size[axis] + pads[axis] { outputs -= 1 }
        overhang[axis] = max(0, (outputs - 1) * strides[axis] - room)
      }
    }
    return (0..<rank).map { axis in
      let room = size[axis] + pads[axis] + pads[axis + rank] + overhang[axis] - extent[axis]
      return Line(
        stride: strides[axis], dilation: dilations[axis], begin: pads[axis], end: pads[axis + rank],
        overhang: overhang[axis], count: room < 0 ? 0 : room / strides[axis] + 1)
    }
  }

  private static func list(
    _ node: NodeReader, _ name: String, count: Int, default standard: Int, minimum: Int
  ) throws -> [Int] {
    guard let values = try node.integers(name), !values.isEmpty else { return [Int](repeating: standard, count: count) }
    guard values.count == count, values.allSatisfy({ (minimum...65_535).contains($0) }) else {
      throw Refusal("onnx.attribute", "\(name) = \(values): expected \(count) integers in \(minimum)...65535")
    }
    return values
  }
}
