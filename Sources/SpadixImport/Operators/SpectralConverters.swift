import Foundation
import SpadixIR
import SpadixTensor

/// Transforms to frequencies, of a known length: products with the waves.
enum SpectralConverters {
  static let table: [String: Converter] = ["DFT": transform, "STFT": frames]

  /// The most elements of a matrix of waves.
  private static let largestMatrix = 1 << 24

  /// Waves as a matrix [length x parts, bins x 2]: real and imaginary part of what each element adds to each frequency.
  ///
  /// - Parameter parts: 2 where elements are complex numbers, else 1.
  private static func waves(
    length: Int, parts: Int, bins: Int, isInverse: Bool = false, window: [Float]? = nil
  ) throws -> [Float] {
    guard length * parts * bins * 2 <= largestMatrix else {
      throw Refusal("onnx.limit", "a transform of \(length) elements to \(bins) frequencies is too large")
    }
    var result: [Float] = []
    result.reserveCapacity(length * parts * bins * 2)
    let sign = isInverse ? 1.0 : -1.0
    for place in 0..<length {
      let weight = Double(window?[place] ?? 1) / (isInverse ? Double(length) : 1)
      for part in 0..<parts {
        for bin in 0..<bins {
          let angle = sign * 2 * Double.pi * Double(place * bin % length) / Double(length)
          let (real, imaginary) = (cos(angle) * weight, sin(angle) * weight)
          result += part == 0 ? [Float(real), Float(imaginary)] : [Float(-imaginary), Float(real)]
        }
      }
    }
    return result
  }

  /// Inputs x [..., N, 1 or 2], the length or none, and since operator set 20 the axis.
  private static let transform: Converter = { importer, node in
    guard case .computed(var x) = try importer.computed(node.input(0)) else { return [.refused] }
    let rank = x.shape.count
    let (isInverse, isOneSided) = (try node.flag("inverse"), try node.flag("onesided"))
    let given =
      try node.opset < 20 ? node.integer("axis", default: 1) : Int(node.constant(2, "axis")?.scalar("axis") ?? -2)
    guard rank >= 2, let parts = x.shape.last, (1...2).contains(parts) else {
      throw Refusal("onnx.shape", "the input has shape \(x.shape); expected [..., 1] or [..., 2]")
    }
    let axis = try NodeReader.axis(given, rank: rank)
    guard axis < rank - 1, !(isOneSided && (isInverse || parts == 2)) else {
      throw Refusal.form("axis = \(given), inverse = \(isInverse), onesided = \(isOneSided) of \(x.shape)")
    }
    if let asked = try node.constant(1, "length")?.scalar("length"), Int(asked) != x.shape[axis] {
      guard Int(asked) > 0, Int(asked) < x.shape[axis] else {
        throw Refusal.form("a length of \(Int(asked)) for an axis of \(x.shape[axis]); expected no padding")
      }
      x = try importer.selected(x, axis, Array(0..<Int(asked)))
    }
    let length = x.shape[axis]
    let bins = isOneSided ? length / 2 + 1 : length
    let others = (0..<rank - 1).filter { $0 != axis }
    x.placement = x.placement.transposed(others + [axis, rank - 1])
    let outer = others.map { x.shape[others.firstIndex(of: $0) ?? 0] }
    let rows = try importer.reshaped(x, outer + [length * parts])
    let matrix = ConstantTensor(
      .float, shape: [length * parts, bins * 2],
      .real(try waves(length: length, parts: parts, bins: bins, isInverse: isInverse)))
    let product = try importer.product(.computed(rows), .constant(importer.identified(matrix)))
    var result = try importer.reshaped(product, outer + [bins, 2])
    var order = Array(0..<others.count)
    order.insert(others.count, at: axis)
    result.placement = result.placement.transposed(order + [rank - 1])
    return [.computed(result)]
  }

  /// Inputs x [B, L] or [B, L, 1], the step, the window or none, and the length of a frame or none: a convolution with the
  /// waves in each frame.
  private static let frames: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    guard x.shape.count == 2 || (x.shape.count == 3 && x.shape[2] == 1) else {
      throw Refusal.form("the input has shape \(x.shape); expected a real signal, [B, L] or [B, L, 1]")
    }
    let isOneSided = try node.flag("onesided", default: true)
    let window = try node.constant(2, "window")?.requireReals()
    guard let step = try node.constant(1, "step")?.scalar("step"), step >= 1, step <= Float(1 << 20) else {
      throw Refusal("onnx.inputs", "expected a step of at least 1")
    }
    let asked = try node.constant(3, "frame length")?.scalar("frame length").map { Int($0) }
    guard let length = asked ?? window?.count, length > 0, length <= x.shape[1], window?.count ?? length == length
    else {
      throw Refusal("onnx.shape", "frames of \(asked ?? window?.count ?? 0) with a window of \(window?.count ?? 0)")
    }
    let bins = isOneSided ? length / 2 + 1 : length
    let signal = try importer.emitter.arrange(importer.reshaped(x, [x.shape[0], 1, x.shape[1], 1]))
    let weights = importer.emitter.graph.addConstant(
      Tensor(
        .f32([1, length, 1, bins * 2]),
        .f32(try waves(length: length, parts: 1, bins: bins, window: window))), name: importer.emitter.name + ".waves")
    var convolution = Conv2D()
    convolution.strides = [1, Int(step)]
    let result = try importer.emitter.emit(.conv2d(convolution), [signal, weights])
    let shape = [x.shape[0], (x.shape[1] - length) / Int(step) + 1, bins, 2]
    return [
      .computed(
        try importer.reshaped(
          PlacedValue(value: result, placement: Placement([shape[0], 1, shape[1], bins * 2])), shape))
    ]
  }
}
