/// What is likely to have happened to an array whose shape is not the expected one, and the line that mends it.
public enum ShapeHint {
  /// - Parameters:
  ///   - array: a Python expression for the array.
  ///   - isWeights: whether the array is weights or activations; nil for either.
  ///
  /// Nil when the elements of the two shapes are not as many, apart from a longer axis 0 of activations.
  public static func text(found: [Int], expected: [Int], array: String, isWeights: Bool?) -> String? {
    func matches(_ shape: [Int]) -> Bool {
      if shape == expected { return true }
      guard isWeights == false, shape.count == expected.count, let batch = expected.first, batch > 0,
        let first = shape.first,
        first > 0
      else { return false }
      return shape.dropFirst() == expected.dropFirst() && first % batch == 0
    }
    for layout in layouts where layout.axes.count == found.count && layout.isWeights == isWeights ?? layout.isWeights {
      if matches(layout.axes.map { found[$0] }) {
        return "this looks like \(layout.found), expected is \(layout.expected): \(array)\(transpose(layout.axes))"
      }
    }
    if matches([1] + found) { return "the axis of the batch is missing: \(array)[numpy.newaxis]" }
    if found.count == 3, matches([1, found[1], found[2], found[0]]) {
      return "this looks like CHW without a batch, expected is NHWC: \(array).transpose(1, 2, 0)[numpy.newaxis]"
    }
    if matches(found + [1]) { return "the axis of the channels is missing: \(array)[..., numpy.newaxis]" }
    if matches([1] + found + [1]) {
      return "the axes of batch and channels are missing: \(array)[numpy.newaxis, ..., numpy.newaxis]"
    }
    if found.count == expected.count, found.count <= 5, let axes = permutation(of: found, matches) {
      return "the axes are in another order: \(array)\(transpose(axes))"
    }
    let squeezed = found.filter { $0 != 1 }
    if squeezed == expected.filter({ $0 != 1 }) {
      return "axes of length 1 are others: \(array).reshape(\(tuple(expected)))"
    }
    return nil
  }

  /// Conventions of other frameworks.
  private static let layouts: [(found: String, expected: String, axes: [Int], isWeights: Bool)] = [
    ("NCHW", "NHWC", [0, 2, 3, 1], false), ("OIHW, as torch has it", "HWIO", [2, 3, 1, 0], true),
    ("OHWI, as TensorFlow Lite has it", "HWIO", [1, 2, 3, 0], true),
    ("[outputs, inputs], as torch has it", "[inputs, outputs]", [1, 0], true),
  ]

  private static func transpose(_ axes: [Int]) -> String {
    axes == [1, 0] ? ".T" : ".transpose(\(axes.map(String.init).joined(separator: ", ")))"
  }

  private static func tuple(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: ", ") }

  /// The first order of the axes, in lexicographic order, that gives a shape that matches.
  private static func permutation(of shape: [Int], _ matches: ([Int]) -> Bool) -> [Int]? {
    func search(_ chosen: [Int]) -> [Int]? {
      if chosen.count == shape.count { return matches(chosen.map { shape[$0] }) ? chosen : nil }
      for axis in shape.indices where !chosen.contains(axis) {
        if let found = search(chosen + [axis]) { return found }
      }
      return nil
    }
    return search([])
  }
}
