/// Maximum flows between a source and a sink, by blocking flows (Dinic 1970).
struct FlowNetwork {
  static let unbounded = 1 << 60

  var source = 0
  var sink = 0
  var effort = 0

  private var nodeCount: Int
  private var head: [Int32] = []
  private var tail: [Int32] = []
  private var original: [Int] = []
  private var capacity: [Int] = []
  private var firstArc: [Int32] = []
  private var arcs: [Int32] = []
  private var level: [Int32] = []
  private var nextArc: [Int32] = []

  init(nodes: Int) { nodeCount = nodes }

  mutating func addNode() -> Int {
    nodeCount += 1
    return nodeCount - 1
  }

  /// - Returns: the arc, which is followed by its reverse.
  @discardableResult
  mutating func addArc(_ from: Int, _ to: Int, _ capacity: Int) -> Int {
    tail += [Int32(from), Int32(to)]
    head += [Int32(to), Int32(from)]
    original += [capacity, 0]
    return original.count - 2
  }

  /// Ends the construction.
  mutating func finish() {
    var degree = [Int32](repeating: 0, count: nodeCount + 1)
    for node in tail { degree[Int(node) + 1] += 1 }
    for node in 0..<nodeCount { degree[node + 1] += degree[node] }
    firstArc = degree
    arcs = [Int32](repeating: 0, count: tail.count)
    for arc in tail.indices {
      arcs[Int(degree[Int(tail[arc])])] = Int32(arc)
      degree[Int(tail[arc])] += 1
    }
    capacity = original
    level = [Int32](repeating: -1, count: nodeCount)
    nextArc = [Int32](repeating: 0, count: nodeCount)
  }

  mutating func reset() { capacity = original }

  mutating func setCapacity(_ arc: Int, _ value: Int) { capacity[arc] = value }

  mutating func maximumFlow() -> Int {
    var total = 0
    while findLevels() {
      for node in 0..<nodeCount { nextArc[node] = firstArc[node] }
      while true {
        let pushed = augment()
        if pushed == 0 { break }
        total += pushed
      }
    }
    return total
  }

  private mutating func findLevels() -> Bool {
    for node in 0..<nodeCount { level[node] = -1 }
    level[source] = 0
    var queue = [source]
    var position = 0
    while position < queue.count, level[sink] < 0 {
      let node = queue[position]
      position += 1
      effort += 5 + Int(firstArc[node + 1] - firstArc[node]) * 2
      for index in Int(firstArc[node])..<Int(firstArc[node + 1]) {
        let arc = Int(arcs[index])
        let to = Int(head[arc])
        if capacity[arc] > 0, level[to] < 0 {
          level[to] = level[node] + 1
          queue.append(to)
        }
      }
    }
    return level[sink] >= 0
  }

  /// Pushes along one path of ascending levels; 0 when there is none left.
  private mutating func augment() -> Int {
    var path: [Int] = []
    var node = source
    while node != sink {
      effort += 5
      var hasAdvanced = false
      while nextArc[node] < firstArc[node + 1] {
        let arc = Int(arcs[Int(nextArc[node])])
        let to = Int(head[arc])
        if capacity[arc] > 0, level[to] == level[node] + 1 {
          path.append(arc)
          node = to
          hasAdvanced = true
          break
        }
        nextArc[node] += 1
        effort += 2
      }
      if !hasAdvanced {
        guard let last = path.popLast() else { return 0 }
        node = Int(tail[last])
        nextArc[node] += 1
      }
    }
    let pushed = path.reduce(Int.max) { min($0, capacity[$1]) }
    effort += 4 * path.count
    for arc in path {
      capacity[arc] -= pushed
      capacity[arc ^ 1] += pushed
    }
    return pushed
  }
}
