/// How the elements of a tensor of the model lie in a value of the graph.
///
/// Every axis of the model's tensor is a product of factors, and the value holds the factors in an order of its own.
/// An image [N, C, H, W] that lies as [N, H, W, C] has one factor an axis and the order N, H, W, C. Transposing,
/// flattening and splitting axes only change what is said here and move no element: a flattened image is one axis with
/// the factors C, H, W, which still lie in the order H, W, C. Elements move when an operator needs them in an order.
///
/// Which axis is which is followed from operator to operator; equal sizes never stand for each other.
struct Placement: Hashable {
  /// Sizes of the factors; all greater than 1.
  private(set) var sizes: [Int]
  /// The factors of each axis of the model's tensor, outermost first; an axis of size 1 has none.
  private(set) var axes: [[Int]]
  /// The factors as they lie in the value, outermost first.
  private(set) var order: [Int]

  private init(sizes: [Int], axes: [[Int]], order: [Int]) {
    self.sizes = sizes
    self.axes = axes
    self.order = order
  }

  /// A tensor whose axes lie in this order, outermost first; nil for the model's own.
  init(_ shape: [Int], order axisOrder: [Int]? = nil) {
    sizes = shape.filter { $0 != 1 }
    var next = 0
    axes = shape.map { size in
      guard size != 1 else { return [] }
      next += 1
      return [next - 1]
    }
    order = (axisOrder ?? Array(shape.indices)).flatMap { [axes] in axes[$0] }
  }

  var shape: [Int] { axes.map(size) }
  var rank: Int { axes.count }
  var count: Int { sizes.reduce(1, *) }
  /// The factors in the model's order.
  var factors: [Int] { axes.flatMap { $0 } }
  var isStandard: Bool { order == factors }

  func size(_ factors: [Int]) -> Int { factors.reduce(1) { $0 * sizes[$1] } }

  /// Axis i of the result is axis `permutation[i]`.
  func transposed(_ permutation: [Int]) -> Placement {
    Placement(sizes: sizes, axes: permutation.map { axes[$0] }, order: order)
  }

  /// The same elements in the model's row-major order under another shape, where axes only split and merge; nil where
  /// an axis of the new shape takes parts of axes that are not whole factors.
  func reshaped(_ shape: [Int]) -> Placement? {
    var result = Placement(sizes: sizes, axes: [], order: order)
    var pending = factors[...]
    for size in shape {
      var need = size
      var axis: [Int] = []
      while need > 1 {
        guard let factor = pending.popFirst() else { return nil }
        let available = result.sizes[factor]
        if need % available == 0 {
          axis.append(factor)
          need /= available
        } else if available % need == 0 {
          let inner = result.sizes.count
          result.sizes[factor] = need
          result.sizes.append(available / need)
          if let position = result.order.firstIndex(of: factor) { result.order.insert(inner, at: position + 1) }
          pending = ArraySlice([inner] + pending)
          axis.append(factor)
          need = 1
        } else {
          return nil
        }
      }
      result.axes.append(axis)
    }
    return pending.isEmpty ? result : nil
  }

  /// Whether axes have the same factors as those of another placement, so that one order serves both.
  func hasFactors(of other: Placement) -> Bool { sizes == other.sizes && axes == other.axes }

  /// The same tensor, lying in another order.
  func ordered(_ order: [Int]) -> Placement { Placement(sizes: sizes, axes: axes, order: order) }

  /// Axes in the order in which they lie, where the factors of each lie together as the model has them; axes of size 1
  /// stand before the axis that follows them. Nil where an axis is interrupted.
  var axisOrder: [Int]? {
    var result: [Int] = []
    var position = 0
    var placed = axes.map(\.isEmpty)
    while position < order.count {
      guard let axis = axes.firstIndex(where: { $0.first == order[position] }), !placed[axis],
        order[position...].starts(with: axes[axis])
      else { return nil }
      result.append(axis)
      placed[axis] = true
      position += axes[axis].count
    }
    for axis in axes.indices where axes[axis].isEmpty {
      let next = result.firstIndex { $0 > axis } ?? result.count
      result.insert(axis, at: next)
    }
    return result
  }
}

extension Placement {
  /// Without the factors of these axes, which become of size 1; the others lie in the given order.
  func keeping(axes removed: [Int], order: [Int]) -> Placement {
    var place = [Int](repeating: 0, count: sizes.count)
    let kept = sizes.indices.filter { factor in order.contains(factor) }
    for (index, factor) in kept.enumerated() { place[factor] = index }
    return Placement(
      sizes: kept.map { sizes[$0] },
      axes: axes.indices.map { removed.contains($0) ? [] : axes[$0].map { place[$0] } }, order: order.map { place[$0] })
  }
}
