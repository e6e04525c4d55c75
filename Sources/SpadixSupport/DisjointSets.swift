/// Sets of integers 0..<count that only ever merge, each with a representative.
public struct DisjointSets {
  private var parents: [Int]

  /// Each element is a set by itself.
  public init(count: Int) { parents = Array(0..<count) }

  /// The representative of the set that holds the element: the smallest member, so that it does not depend on the order
  /// of merging.
  public mutating func find(_ element: Int) -> Int {
    var element = element
    while parents[element] != element {
      parents[element] = parents[parents[element]]
      element = parents[element]
    }
    return element
  }

  /// Makes the sets that hold two elements one.
  public mutating func merge(_ left: Int, _ right: Int) {
    let left = find(left)
    let right = find(right)
    parents[max(left, right)] = min(left, right)
  }
}
