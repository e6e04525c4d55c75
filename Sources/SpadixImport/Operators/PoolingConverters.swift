import SpadixIR
import SpadixTensor

enum PoolingConverters {
  static let table: [String: Converter] = [
    "MaxPool": maximum, "AveragePool": average,
    "GlobalAveragePool": { importer, node in
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try importer.reduced(x, Array(spatial(x)), .mean))]
    },
    "GlobalMaxPool": { importer, node in
      guard case .computed(let x) = try importer.computed(node.input(0)) else { return [.refused] }
      return [.computed(try importer.reduced(x, Array(spatial(x)), .maximum))]
    },
  ]

  private static func spatial(_ x: PlacedValue) -> Range<Int> { min(2, x.shape.count)..<x.shape.count }

  private static func read(
    _ importer: inout ModelImporter, _ node: NodeReader
  ) throws -> (PlacedValue, ImportedWindow)? {
    guard case .computed(let x) = try importer.computed(node.input(0)) else { return nil }
    guard (3...4).contains(x.shape.count) else {
      throw Refusal.form("the input has shape \(x.shape); expected [N, C, H, W] or [N, C, L]")
    }
    guard let kernel = try node.integers("kernel_shape"), kernel.count == x.shape.count - 2 else {
      throw Refusal("onnx.attribute", "expected kernel_shape with \(x.shape.count - 2) integers")
    }
    let window = try WindowReader.read(node, kernel: kernel, size: Array(x.shape[2...]), isPooling: true)
    return (x, window)
  }

  private static let maximum: Converter = { importer, node in
    guard let (x, window) = try read(&importer, node) else { return [.refused] }
    let image = try importer.image(x)
    let padding = zip(window.padding, [0, 0] + window.overhang).map { $0 + $1 }
    guard window.dilations == [1, 1] || window.size == [1, 1] else {
      throw Refusal.form("dilations = \(window.dilations): the language pools windows without gaps")
    }
    let result = try importer.emitter.emit(
      .maxPool2d(MaxPool2D(window: window.size, strides: window.strides, padding: padding)), [image])
    return [.computed(importer.placedImage(result, rank: x.shape.count))]
  }

  private static let average: Converter = { importer, node in
    guard let (x, window) = try read(&importer, node) else { return [.refused] }
    let countsPadding = try node.flag("count_include_pad")
    var image = try importer.image(x)
    let isPadded = window.padding.contains { $0 > 0 }
    let hasOverhang = window.overhang.contains { $0 > 0 }
    if window.dilations != [1, 1], window.size != [1, 1] {
      guard !hasOverhang, countsPadding || !isPadded else {
        throw Refusal.form(
          "dilations = \(window.dilations) with a divisor that changes at the border; expected count_include_pad = 1 "
            + "and no overhang of ceil_mode")
      }
      // A mean of elements with gaps between them is a convolution of each channel.
      let channels = importer.emitter.shape(image)[3]
      let taps = window.size[0] * window.size[1]
      try GraphEmitter.checkSize(window.size + [1, channels])
      let weights = importer.emitter.graph.addConstant(
        Tensor(
          .f32(window.size + [1, channels]), .f32([Float](repeating: 1 / Float(taps), count: taps * channels))),
        name: importer.emitter.name + ".mean")
      let result = try importer.emitter.emit(
        .conv2d(
          Conv2D(strides: window.strides, padding: window.padding, dilations: window.dilations, groups: channels)),
        [image, weights])
      return [.computed(importer.placedImage(result, rank: x.shape.count))]
    }
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
