/// An index into an array of things of one kind, typed so that indices of different arrays do not mix.
public protocol DenseID: Hashable, Comparable, Sendable {
  var index: Int { get }
  init(_ index: Int)
}

extension DenseID {
  public static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}

extension Array {
  public subscript<ID: DenseID>(_ id: ID) -> Element {
    get { self[id.index] }
    set { self[id.index] = newValue }
  }
}
