import SpadixIR
import SpadixTensor

enum PoolingConverters {
  static let table: [String: Converter] = [
    "MaxPool": maximum, "AveragePool": average, "MaxUnpool": unpool,
    "GlobalAveragePool": { importer, node in
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try importer.reduced(x, Array(spatial(x)), .mean))]
    },
    "LpPool": lengths,
    "GlobalLpPool": { importer, node in
      let power = try power(node)
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      let sums = try importer.reduced(powers(&importer, x, power), Array(spatial(x)), .sum)
      return [.computed(try root(&importer, sums, power))]
    },
    "GlobalMaxPool": { importer, node in
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try importer.reduced(x, Array(spatial(x)), .maximum))]
    },
  ]

  /// Maxima put back at the places that they were taken from, which count over the whole result.
  private static let unpool: Converter = { importer, node in
    let kernel = try node.integers("kernel_shape") ?? []
    let strides = try node.integers("strides") ?? [Int](repeating: 1, count: kernel.count)
    let pads = try node.integers("pads") ?? [Int](repeating: 0, count: 2 * kernel.count)
    guard case .computed(let x) = try importer.computed(node.input(0)),
      case .computed(let places) = try importer.computed(node.input(1))
    else { return [.refused] }
    let sizes = Array(x.shape.dropFirst(2))
    guard !sizes.isEmpty, [kernel.count, strides.count, pads.count / 2].allSatisfy({ $0 == sizes.count }) else {
      throw Refusal("onnx.shape", "a kernel of shape \(kernel) for an input of shape \(x.shape)")
    }
    guard (kernel + strides + pads).allSatisfy({ (0...1 << 24).contains($0) }) else {
      throw Refusal("onnx.attribute", "a kernel of \(kernel) with strides \(strides) and pads \(pads)")
    }
    let spatial = sizes.indices.map { axis in
      (sizes[axis] - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + sizes.count]
    }
    let shape = x.shape[..<2] + spatial
    if let asked = try node.constant(2, "output shape")?.indices(), asked != Array(shape) {
      throw Refusal.form(
        "an output of shape \(asked), which is not what pooling was done over: expected \(Array(shape))")
    }
    let operands = [try importer.emitter.arrange(x), try importer.emitter.arrange(places)]
    try GraphEmitter.checkSize(Array(shape))
    let result = try importer.emitter.emit(.computing(Scatter(shape: Array(shape))), operands)
    return [.computed(PlacedValue(value: result, placement: Placement(Array(shape))))]
  }

  private static func power(_ node: NodeReader) throws -> Int {
    let power = try node.integer("p", default: 2)
    guard power >= 1 else { throw Refusal("onnx.attribute", "p = \(power): expected at least 1") }
    return power
  }

  private static func powers(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ power: Int
  ) throws -> PlacedValue {
    switch power {
    case 1: try importer.unary(.abs, x)
    case 2: try importer.unary(.square, x)
    default: try importer.unary(.pow, alpha: Float(power), importer.unary(.abs, x))
    }
  }

  private static func root(_ importer: inout ModelImporter, _ x: PlacedValue, _ power: Int) throws -> PlacedValue {
    switch power {
    case 1: x
    case 2: try importer.unary(.sqrt, x)
    default: try importer.unary(.pow, alpha: 1 / Float(power), x)
    }
  }

  /// The length of each window: means of powers, times how many they are of.
  private static let lengths: Converter = { importer, node in
    let power = try power(node)
    guard case .computed(let x) = try importer.computed(node.input(0)), x.shape.count >= 3 else { return [.refused] }
    let windows = try VolumeConverters.Windows(node, Array(x.shape[2...]))
    let sums = try VolumeConverters.sum(&importer, powers(&importer, x, power), windows)
    return [.computed(try root(&importer, sums, power))]
  }

  private static func spatial(_ x: PlacedValue) -> Range<Int> { min(2, x.shape.count)..<x.shape.count }

  private static func read(_ node: NodeReader, _ x: PlacedValue) throws -> ImportedWindow {
    guard x.shape.count >= 3 else {
      throw Refusal("onnx.shape", "the input has shape \(x.shape); expected [N, C, ...]")
    }
    guard let kernel = try node.integers("kernel_shape"), kernel.count == x.shape.count - 2 else {
      throw Refusal("onnx.attribute", "expected kernel_shape with \(x.shape.count - 2) integers")
    }
    return try WindowReader.read(node, kernel: kernel, size: Array(x.shape[2...]), isPooling: true)
  }

  private static let maximum: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let isColumnMajor = try node.flag("storage_order")
    if node.outputCount > 1 {
      let windows = try VolumeConverters.Windows(node, Array(x.shape.dropFirst(2)))
      return try VolumeConverters.maximumWithPlace(&importer, x, windows, isColumnMajor: isColumnMajor)
        .map { .computed($0) }
    }
    let dilations = try node.integers("dilations") ?? []
    if x.shape.count > 4 || dilations.contains(where: { $0 > 1 }) {
      let windows = try VolumeConverters.Windows(node, Array(x.shape.dropFirst(2)))
      return [.computed(try VolumeConverters.maximum(&importer, x, windows))]
    }
    let window = try read(node, x)
    let image = try importer.image(x)
    let padding = zip(window.padding, [0, 0] + window.overhang).map { $0 + $1 }
    let result = try importer.emitter.emit(
      .maxPool2d(MaxPool2D(window: window.size, strides: window.strides, padding: padding)), [image])
    return [.computed(importer.placedImage(result, rank: x.shape.count))]
  }

  private static let average: Converter = { importer, node in
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
    let countsPadding = try node.flag("count_include_pad")
    let dilations = try node.integers("dilations") ?? []
    if x.shape.count > 4 || dilations.contains(where: { $0 > 1 }) {
      let windows = try VolumeConverters.Windows(node, Array(x.shape.dropFirst(2)))
      return [.computed(try VolumeConverters.average(&importer, x, windows, countsPadding: countsPadding))]
    }
    let window = try read(node, x)
    var image = try importer.image(x)
    let isPadded = window.padding.contains { $0 > 0 }
    let hasOverhang = window.overhang.contains { $0 > 0 }
    var padding = window.padding
    if countsPadding, isPadded, hasOverhang {
      // The divisor counts the padding, but never what lies behind it: so the padding becomes part of the image.
      let pad = Pad(low: [0, padding[0], padding[1], 0], high: [0, padding[2], padding[3], 0])
      image = try importer.emitter.emit(.pad(pad), [image], name: importer.emitter.name + ".padded")
      padding = [0, 0, 0, 0]
    }
    let pool = AvgPool2D(
      window: window.size, strides: window.strides, padding: zip(padding, [0, 0] + window.overhang).map { $0 + $1 },
      countIncludePad: countsPadding && !hasOverhang && isPadded)
    let result = try importer.emitter.emit(.avgPool2d(pool), [image])
    return [.computed(importer.placedImage(result, rank: x.shape.count))]
  }
}
