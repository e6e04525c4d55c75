/// An index into an array of things of one kind, typed so that indices of different arrays do not mix.
public protocol DenseID: Hashable, Comparable, Sendable {
  /// From 0; which array it indexes is the conforming type's to say.
  var index: Int { get }
  /// An id for any index, whether or not there is such an element.
  init(_ index: Int)
}

extension DenseID {
  public static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}

extension Array {
  /// The element of an id that indexes this array; traps outside it.
  public subscript<ID: DenseID>(_ id: ID) -> Element {
    get { self[id.index] }
    set { self[id.index] = newValue }
  }
}
