/// What a user says about a model: the dimensions that it leaves open.
public struct ImportOptions: Sendable {
  /// Shapes of inputs by name.
  var shapes: [(input: String, shape: [Int])]
  /// Sizes of named dimensions.
  var dimensions: [(name: String, size: Int)]

  public init(shapes: [(input: String, shape: [Int])] = [], dimensions: [(name: String, size: Int)] = []) {
    self.shapes = shapes
    self.dimensions = dimensions
  }
}
