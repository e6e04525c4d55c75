import SpadixIR
import SpadixTensor

/// Windows of more than two axes, or with gaps, one axis after the other; convolutions of volumes as sums of images.
enum VolumeConverters {
  /// For each window along an axis, the elements that stand at its taps; nil where a tap lies outside.
  private static func taps(
    size: Int, kernel: Int, stride: Int, dilation: Int, begin: Int, count: Int
  ) -> [[Int?]] {
    (0..<count).map { window in
      (0..<kernel).map { tap in
        let place = window * stride + tap * dilation - begin
        return (0..<size).contains(place) ? place : nil
      }
    }
  }

  /// The geometry of a pooling along each axis.
  struct Windows {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    /// Begin and end of each axis.
    var padding: [Int]
    var counts: [Int]
    var size: [Int]

    init(_ node: NodeReader, _ size: [Int]) throws {
      guard let kernel = try node.integers("kernel_shape"), kernel.count == size.count else {
        throw Refusal("onnx.attribute", "expected kernel_shape with \(size.count) integers")
      }
      let lines = try WindowReader.lines(node, kernel: kernel, size: size, isPooling: true)
      self.kernel = kernel
      self.size = size
      strides = lines.map(\.stride)
      dilations = lines.map(\.dilation)
      padding = lines.map(\.begin) + lines.map(\.end)
      counts = lines.map(\.count)
      guard counts.allSatisfy({ $0 > 0 }) else {
        throw Refusal("onnx.shape", "the window \(kernel) is larger than the padded image \(size)")
      }
    }

    func taps(_ axis: Int) -> [[Int?]] {
      VolumeConverters.taps(
        size: size[axis], kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis], begin: padding[axis],
        count: counts[axis])
    }
  }

  /// The largest element of each window, one axis after the other: a tap that lies outside is another one of its
  /// window.
  static func maximum(_ importer: inout ModelImporter, _ x: PlacedValue, _ windows: Windows) throws -> PlacedValue {
    var result = x
    for axis in windows.size.indices {
      let taps = try inside(windows.taps(axis))
      var greatest: PlacedValue?
      for tap in 0..<windows.kernel[axis] {
        let elements = try importer.selected(result, axis + 2, taps.map { $0[tap] })
        greatest = try greatest.map { try importer.greatest([$0, elements]) } ?? elements
      }
      result = greatest ?? result
    }
    return result
  }

  private static func inside(_ taps: [[Int?]]) throws -> [[Int]] {
    try taps.map { window in
      guard let first = window.compactMap({ $0 }).first else {
        throw Refusal("onnx.shape", "a window lies outside of the image")
      }
      return window.map { $0 ?? first }
    }
  }

  /// The largest element of each window and its place in the whole tensor, tap after tap: the first one of several.
  static func maximumWithPlace(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ windows: Windows, isColumnMajor: Bool
  ) throws -> [PlacedValue] {
    let axes = windows.size.indices
    let taps = try axes.map { try inside(windows.taps($0)) }
    let combinations = windows.kernel.reduce(1, *)
    guard combinations <= 256 else { throw Refusal.form("places of the maximum over \(combinations) elements") }
    // Strides of the image's axes in the place that is asked for.
    var strides = [Int](repeating: 1, count: axes.count)
    for axis in isColumnMajor ? Array(axes) : axes.reversed() {
      let before = isColumnMajor ? axis - 1 : axis + 1
      if axes.contains(before) { strides[axis] = strides[before] * windows.size[before] }
    }
    let image = windows.size.reduce(1, *)
    let planes = x.shape[0] * x.shape[1]
    var best: (value: PlacedValue, place: PlacedValue)?
    var budget = FoldingBudget()
    try budget.take([combinations, planes] + windows.counts)
    for combination in 0..<combinations {
      var rest = combination
      var chosen = [Int](repeating: 0, count: axes.count)
      for axis in axes.reversed() {
        chosen[axis] = rest % windows.kernel[axis]
        rest /= windows.kernel[axis]
      }
      var elements = x
      var places: [Int] = (0..<planes).map { $0 * image }
      for axis in axes {
        let indices = taps[axis].map { $0[chosen[axis]] }
        elements = try importer.selected(elements, axis + 2, indices)
        places = places.flatMap { start in indices.map { start + $0 * strides[axis] } }
      }
      let constant = ConstantTensor(
        .int64, shape: Array(x.shape[..<2]) + windows.counts, .integers(places.map(Int64.init)))
      guard let (value, place) = best else {
        guard case .computed(let placed) = try importer.computed(.constant(constant)) else { continue }
        best = (elements, placed)
        continue
      }
      let isGreater = try importer.binary(.greater, elements, value)
      best = (
        try importer.greatest([value, elements]),
        try importer.broadcastFunction(
          .computing(Select()), [.computed(isGreater), .constant(constant), .computed(place)])
      )
    }
    guard let best else { return [] }
    return [best.value, best.place]
  }

  /// The sum of each window, as a product along each axis.
  static func sum(_ importer: inout ModelImporter, _ x: PlacedValue, _ windows: Windows) throws -> PlacedValue {
    var result = x
    var budget = FoldingBudget()
    for axis in windows.size.indices {
      try budget.take([windows.taps(axis).count, windows.size[axis]])
      let matrix = windows.taps(axis).map { taps -> [Float] in
        var row = [Float](repeating: 0, count: windows.size[axis])
        for place in taps.compactMap({ $0 }) { row[place] = 1 }
        return row
      }
      result = try importer.product(result, axis + 2, matrix)
    }
    return result
  }

  /// The mean of each window, as a product along each axis.
  static func average(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ windows: Windows, countsPadding: Bool
  ) throws -> PlacedValue {
    var result = x
    var budget = FoldingBudget()
    for axis in windows.size.indices {
      let size = windows.size[axis]
      let limit = size + windows.padding[axis + windows.size.count]
      try budget.take([windows.taps(axis).count, size])
      let matrix = windows.taps(axis).enumerated().map { window, taps -> [Float] in
        // The divisor counts the padding where that is asked for, but never what lies behind it.
        let start = window * windows.strides[axis] - windows.padding[axis]
        let padded = (0..<taps.count).filter { start + $0 * windows.dilations[axis] < limit }.count
        let count = countsPadding ? padded : taps.compactMap { $0 }.count
        var row = [Float](repeating: 0, count: size)
        for place in taps.compactMap({ $0 }) { row[place] = 1 / Float(max(1, count)) }
        return row
      }
      result = try importer.product(result, axis + 2, matrix)
    }
    return result
  }
}
