import Foundation
import SpadixIR
import SpadixTensor

/// Images of another size: elements that are picked, or a product with the weights of the interpolation along each
/// axis.
enum ResizeConverters {
  static let table: [String: Converter] = ["Resize": resize, "Upsample": upsample]

  private static let upsample: Converter = { importer, node in
    let mode = try node.text("mode") ?? "nearest"
    let shape = try node.shape(0)
    let scales = try node.opset >= 9 ? node.constant(1, "scales")?.requireReals() : node.reals("scales")
    guard let scales, scales.count == shape.count else {
      throw Refusal("onnx.inputs", "expected a scale for each of \(shape.count) axes")
    }
    var sampling = Sampling()
    sampling.mode = mode == "bilinear" || mode == "trilinear" ? "linear" : mode
    sampling.coordinates = "asymmetric"
    sampling.rounding = "floor"
    let axes = try zip(shape, scales).map { try Sampling.Axis(size: $0, scale: Double($1)) }
    return try apply(&importer, node, sampling, axes)
  }

  private static let resize: Converter = { importer, node in
    let shape = try node.shape(0)
    var sampling = Sampling()
    sampling.mode = try node.text("mode") ?? "nearest"
    // Operator set 10 has no attributes of this kind.
    sampling.coordinates =
      try node.text("coordinate_transformation_mode") ?? (node.opset < 11 ? "asymmetric" : "half_pixel")
    sampling.rounding = try node.text("nearest_mode") ?? (node.opset < 11 ? "floor" : "round_prefer_floor")
    sampling.cubic = Double(try node.real("cubic_coeff_a", default: -0.75))
    sampling.excludesOutside = try node.flag("exclude_outside")
    sampling.extrapolation = try node.real("extrapolation_value", default: 0)
    sampling.smooths = try node.flag("antialias")
    let policy = try node.text("keep_aspect_ratio_policy") ?? "stretch"
    let chosen = try node.integers("axes")?.map { try NodeReader.axis($0, rank: shape.count) } ?? Array(shape.indices)
    var axes = try shape.map { try Sampling.Axis(size: $0, scale: 1) }
    if let given = try node.constant(node.opset < 11 ? 1 : 2, "scales"), !given.isEmpty {
      let values = try given.requireReals()
      guard values.count == chosen.count else {
        throw Refusal("onnx.shape", "\(values.count) scales are given; expected \(chosen.count)")
      }
      for (axis, value) in zip(chosen, values) {
        axes[axis] = try Sampling.Axis(size: shape[axis], scale: Double(value))
      }
    } else if let sizes = try node.constant(3, "sizes")?.indices(), !sizes.isEmpty {
      guard sizes.count == chosen.count, sizes.allSatisfy({ (1...65_535).contains($0) }) else {
        throw Refusal("onnx.shape", "sizes = \(sizes): expected \(chosen.count) sizes of at least 1")
      }
      let ratios = zip(chosen, sizes).map { Double($1) / Double(shape[$0]) }
      let common = policy == "not_larger" ? ratios.min() : policy == "not_smaller" ? ratios.max() : nil
      for (position, axis) in chosen.enumerated() {
        axes[axis] = try Sampling.Axis(size: shape[axis], scale: common ?? ratios[position])
        axes[axis].result =
          common.map { Int(($0 * Double(shape[axis])).rounded(.toNearestOrAwayFromZero)) } ?? sizes[position]
      }
    } else {
      throw Refusal("onnx.inputs", "neither scales nor sizes are given")
    }
    if sampling.coordinates == "tf_crop_and_resize" {
      guard let region = try node.constant(1, "region")?.requireReals(), region.count == 2 * chosen.count else {
        throw Refusal("onnx.inputs", "tf_crop_and_resize needs a region with two numbers for each axis")
      }
      for (position, axis) in chosen.enumerated() {
        axes[axis].region = (Double(region[position]), Double(region[position + chosen.count]))
      }
    }
    return try apply(&importer, node, sampling, axes)
  }

  private static func apply(
    _ importer: inout ModelImporter, _ node: NodeReader, _ sampling: Sampling, _ axes: [Sampling.Axis]
  ) throws -> [ImportedValue] {
    try sampling.check()
    guard case .computed(var x) = try importer.computed(node.input(0)) else { return [.refused] }
    try GraphEmitter.checkSize(axes.map(\.result))
    let name = importer.emitter.name
    defer { importer.emitter.name = name }
    var isInside = axes.map { [Bool](repeating: true, count: $0.result) }
    for (index, axis) in axes.enumerated() where !axis.isUnchanged(sampling) {
      importer.emitter.name = "\(name).axis\(index)"
      if sampling.coordinates == "tf_crop_and_resize" {
        isInside[index] = (0..<axis.result).map { axis.isInside(axis.source($0, sampling)) }
      }
      if sampling.mode == "nearest" {
        let places = (0..<axis.result).map { sampling.nearest(axis.source($0, sampling), axis.size) }
        let factor = axis.result / axis.size
        if factor * axis.size == axis.result, factor <= 64, places == (0..<axis.result).map({ $0 / factor }) {
          x = try importer.repeated(x, index, factor)
        } else {
          x = try importer.selected(x, index, places)
        }
      } else {
        var budget = FoldingBudget()
        try budget.take([axis.result, axis.size])
        let matrix = (0..<axis.result).map { sampling.weights($0, axis) }
        x = try importer.product(x, index, matrix)
      }
    }
    importer.emitter.name = name
    if isInside.contains(where: { $0.contains(false) }) { x = try extrapolated(&importer, x, isInside, sampling) }
    return [.computed(x)]
  }

  /// What lies outside in any axis has a value of its own.
  private static func extrapolated(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ isInside: [[Bool]], _ sampling: Sampling
  ) throws -> PlacedValue {
    var mask: [Float] = [1]
    for axis in isInside { mask = mask.flatMap { outer in axis.map { $0 ? outer : 0 } } }
    let condition = ConstantTensor(.bool, shape: isInside.map(\.count), .real(mask))
    let value = ConstantTensor(.float, shape: [], .real([sampling.extrapolation]))
    return try importer.broadcastFunction(
      .computing(Select()), [.constant(condition), .computed(x), .constant(value)])
  }
}

/// How pixels of the result are made of pixels of the image, along each axis.
private struct Sampling {
  struct Axis {
    var size: Int
    var scale: Double
    var result: Int
    /// The part of the axis that is enlarged, for `tf_crop_and_resize`.
    var region = (0.0, 1.0)

    init(size: Int, scale: Double) throws {
      guard scale > 0, Double(size) * scale < 65_536, Double(size) * scale >= 1 else {
        throw Refusal("onnx.shape", "an axis of \(size) is resized by \(scale); expected 1 to 65535 elements")
      }
      self.size = size
      self.scale = scale
      result = Int(Double(size) * scale)
    }

    func isUnchanged(_ sampling: Sampling) -> Bool {
      size == result && scale == 1 && (sampling.coordinates != "tf_crop_and_resize" || region == (0, 1))
    }

    /// The place in the image, in pixels, of a pixel of the result.
    func source(_ place: Int, _ sampling: Sampling) -> Double {
      let x = Double(place)
      switch sampling.coordinates {
      case "asymmetric": return x / scale
      case "align_corners": return result == 1 ? 0 : x * Double(size - 1) / Double(result - 1)
      case "pytorch_half_pixel": return result > 1 ? (x + 0.5) / scale - 0.5 : 0
      case "half_pixel_symmetric":
        let adjustment = Double(result) / (scale * Double(size))
        let center = Double(size) / 2
        return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
      case "tf_half_pixel_for_nn": return (x + 0.5) / scale
      case "tf_crop_and_resize":
        let (start, end) = region
        if result > 1 { return start * Double(size - 1) + x * (end - start) * Double(size - 1) / Double(result - 1) }
        return 0.5 * (start + end) * Double(size - 1)
      default: return (x + 0.5) / scale - 0.5
      }
    }

    func isInside(_ source: Double) -> Bool { source >= 0 && source <= Double(size - 1) }
  }

  var mode = "nearest"
  var coordinates = "half_pixel"
  var rounding = "round_prefer_floor"
  var cubic = -0.75
  var excludesOutside = false
  var extrapolation: Float = 0
  var smooths = false

  func check() throws {
    func require(_ name: String, _ value: String, _ known: [String]) throws {
      guard known.contains(value) else {
        throw Refusal("onnx.attribute", "\(name) = \(value): expected \(known.joined(separator: ", "))")
      }
    }
    try require("mode", mode, ["nearest", "linear", "cubic"])
    try require("nearest_mode", rounding, ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    try require(
      "coordinate_transformation_mode", coordinates,
      [
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
        "tf_half_pixel_for_nn", "tf_crop_and_resize",
      ])
  }

  func nearest(_ source: Double, _ size: Int) -> Int {
    let place: Double
    switch rounding {
    case "floor": place = source.rounded(.down)
    case "ceil": place = source.rounded(.up)
    case "round_prefer_ceil": place = (source + 0.5).rounded(.down)
    default: place = (source - 0.5).rounded(.up)
    }
    return min(max(Int(place), 0), size - 1)
  }

  /// What each pixel of the image counts for a pixel of the result.
  func weights(_ place: Int, _ axis: Axis) -> [Float] {
    let source = axis.source(place, self)
    // A kernel that is wider than a pixel smoothes what becomes smaller.
    let stretch = smooths ? min(axis.scale, 1) : 1
    let reach = (mode == "cubic" ? 2 : 1) / stretch
    var weights = [Double](repeating: 0, count: axis.size)
    var sum = 0.0
    for tap in Int((source - reach).rounded(.down))...Int((source + reach).rounded(.up)) {
      let weight = kernel(abs(Double(tap) - source) * stretch)
      let isInside = (0..<axis.size).contains(tap)
      if excludesOutside, !isInside { continue }
      weights[min(max(tap, 0), axis.size - 1)] += weight
      sum += weight
    }
    return weights.map { Float($0 / (sum == 0 ? 1 : sum)) }
  }

  private func kernel(_ distance: Double) -> Double {
    if mode == "linear" { return max(0, 1 - distance) }
    let (a, x) = (cubic, distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
  }
}
