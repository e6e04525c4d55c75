/// The last values of a sequence, by how long ago they were added. Before the beginning they are far in the past.
struct History: ~Copyable {
  static let past = Int.min / 4

  private let values: UnsafeMutablePointer<Int>
  private let length: Int
  private var place = 0

  init(_ length: Int) {
    self.length = length
    values = .allocate(capacity: length)
    values.initialize(repeating: Self.past, count: length)
  }

  deinit { values.deallocate() }

  /// The oldest value: the one added `length` additions ago.
  var oldest: Int {
    @inline(__always) get { values[place] }
  }

  /// The value added `count` additions ago, 1 for the last one.
  @inline(__always)
  func ago(_ count: Int) -> Int {
    let index = place - count
    return values[index < 0 ? index + length : index]
  }

  @inline(__always)
  mutating func add(_ value: Int) { place = cursor.adding(value) }

  /// Whether a value is among the last ones.
  func contains(_ value: Int) -> Bool {
    for index in 0..<length where values[index] == value { return true }
    return false
  }

  /// The sequence within a loop, with its place in a register. `resume` ends the loop.
  struct Cursor {
    fileprivate let values: UnsafeMutablePointer<Int>
    fileprivate let length: Int
    fileprivate var place: Int

    var oldest: Int {
      @inline(__always) get { values[place] }
    }

    @inline(__always)
    fileprivate func adding(_ value: Int) -> Int {
      values[place] = value
      return place + 1 == length ? 0 : place + 1
    }

    @inline(__always)
    mutating func add(_ value: Int) { place = adding(value) }
  }

  var cursor: Cursor {
    @inline(__always) get { Cursor(values: values, length: length, place: place) }
  }

  @inline(__always)
  mutating func resume(_ cursor: Cursor) { place = cursor.place }
}
