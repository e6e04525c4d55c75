import SpadixSupport

/// Places buffers from the bottom up: always one of those that can lie lowest, the first by rank among them.
///
/// It is what a search in order of offsets does first, in time that grows with the pairs of buffers that meet.
enum SkylineFit {
  /// For buffers without gaps whose offsets are all to be chosen.
  ///
  /// - Parameter rank: the buffers, first ranks first.
  static func offsets(rank: [Int], buffers: [AllocationProblem.Buffer], lifetimes: Lifetimes) -> [Int] {
    var rankOf = [Int](repeating: 0, count: buffers.count)
    for (number, buffer) in rank.enumerated() { rankOf[buffer] = number }
    var lowest = [Int](repeating: 0, count: buffers.count)
    var isPlaced = [Bool](repeating: false, count: buffers.count)
    var heap = Heap()
    for buffer in rank { heap.insert(Entry(offset: 0, rank: rankOf[buffer])) }
    while let entry = heap.removeLeast() {
      let buffer = rank[entry.rank]
      // An entry is out of date when the buffer was placed, or had to rise, since it was made.
      if isPlaced[buffer] || entry.offset != lowest[buffer] { continue }
      isPlaced[buffer] = true
      let top = lowest[buffer] + buffers[buffer].size
      lifetimes.forEachOverlap(of: buffer) { other in
        if isPlaced[other] || lowest[other] >= top { return }
        let alignment = buffers[other].alignment
        lowest[other] = roundUp(top, toMultipleOf: alignment)
        heap.insert(Entry(offset: lowest[other], rank: rankOf[other]))
      }
    }
    return lowest
  }

  private struct Entry {
    var offset: Int
    var rank: Int

    static func < (left: Entry, right: Entry) -> Bool {
      left.offset != right.offset ? left.offset < right.offset : left.rank < right.rank
    }
  }

  private struct Heap {
    private var entries: [Entry] = []

    mutating func insert(_ entry: Entry) {
      entries.append(entry)
      var child = entries.count - 1
      while child > 0 {
        let parent = (child - 1) / 2
        if !(entries[child] < entries[parent]) { return }
        entries.swapAt(child, parent)
        child = parent
      }
    }

    mutating func removeLeast() -> Entry? {
      guard let least = entries.first, let last = entries.popLast() else { return nil }
      if entries.isEmpty { return least }
      entries[0] = last
      var parent = 0
      while true {
        var child = 2 * parent + 1
        if child >= entries.count { return least }
        if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
        if !(entries[child] < entries[parent]) { return least }
        entries.swapAt(child, parent)
        parent = child
      }
    }
  }
}
