/// Finds the buffers whose lifetimes overlap one, without comparing it with all.
///
/// Those that begin during its lifetime stand next to each other in the order of beginnings; those that live when it
/// begins are in the nodes of a segment tree above that step.
public struct Lifetimes {
  /// All buffers in the order of their first steps.
  private let byLower: [Int]
  /// For each buffer the part of `byLower` that begins during its lifetime, itself among them.
  private let beginning: [Range<Int>]
  /// The distinct first steps as ranks, per buffer.
  private let rank: [Int]
  private let leafCount: Int
  /// Per node of the tree the buffers that live during all of its leaves, but not during all of its parent's.
  private let nodes: [[Int32]]

  /// Sorts and builds the tree: n log n steps.
  public init(_ buffers: [AllocationProblem.Buffer]) {
    let steps = Set(buffers.map(\.lower)).sorted()
    func index(of step: Int, in values: [Int]) -> Int {
      var low = 0
      var high = values.count
      while low < high {
        let middle = (low + high) / 2
        if values[middle] < step { low = middle + 1 } else { high = middle }
      }
      return low
    }
    let order = buffers.indices.sorted { (buffers[$0].lower, $0) < (buffers[$1].lower, $1) }
    let lowers = order.map { buffers[$0].lower }
    byLower = order
    beginning = buffers.map { index(of: $0.lower, in: lowers)..<index(of: $0.upper, in: lowers) }
    rank = buffers.map { index(of: $0.lower, in: steps) }
    var leafCount = 1
    while leafCount < max(1, steps.count) { leafCount *= 2 }
    var nodes = [[Int32]](repeating: [], count: 2 * leafCount)
    for (number, buffer) in buffers.enumerated() {
      var low = rank[number] + 1 + leafCount
      var high = index(of: buffer.upper, in: steps) + leafCount
      while low < high {
        if low & 1 == 1 {
          nodes[low].append(Int32(number))
          low += 1
        }
        if high & 1 == 1 {
          high -= 1
          nodes[high].append(Int32(number))
        }
        low /= 2
        high /= 2
      }
    }
    self.leafCount = leafCount
    self.nodes = nodes
  }

  /// How many pairs of buffers live at the same time.
  static func pairs(_ buffers: [AllocationProblem.Buffer]) -> Int {
    let lowers = buffers.map(\.lower).sorted()
    let uppers = buffers.map(\.upper).sorted()
    var pairs = 0
    var ended = 0
    for (begun, lower) in lowers.enumerated() {
      while ended < uppers.count, uppers[ended] <= lower { ended += 1 }
      pairs += max(0, begun - ended)
    }
    return pairs
  }

  /// Calls with every other buffer that lives during some step of a buffer's lifetime, once each.
  @inline(__always)
  func forEachOverlap(of buffer: Int, _ body: (Int) -> Void) {
    for other in byLower[beginning[buffer]] where other != buffer { body(other) }
    var node = rank[buffer] + leafCount
    while node > 0 {
      for other in nodes[node] { body(Int(other)) }
      node /= 2
    }
  }
}
