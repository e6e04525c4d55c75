import SpadixSupport

/// Places buffers one after the other, each at the lowest offset that is free during its whole lifetime.
public enum LowestFit {
  /// The orders worth trying: by decreasing size, and by decreasing area.
  public static func orders(_ buffers: [AllocationProblem.Buffer]) -> [[Int]] {
    let bySize = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
    let byArea = buffers.indices.sorted {
      let left = buffers[$0].size.multipliedFullWidth(by: buffers[$0].upper - buffers[$0].lower)
      let right = buffers[$1].size.multipliedFullWidth(by: buffers[$1].upper - buffers[$1].lower)
      return left.high != right.high
        ? left.high > right.high
        : left.low != right.low ? left.low > right.low : $0 < $1
    }
    return [bySize, byArea]
  }

  /// For buffers without gaps whose offsets are all to be chosen.
  public static func offsets(order: [Int], buffers: [AllocationProblem.Buffer], lifetimes: Lifetimes) -> [Int] {
    var offsets = [Int](repeating: -1, count: buffers.count)
    var neighbours: [(offset: Int, end: Int)] = []
    for buffer in order {
      let this = buffers[buffer]
      neighbours.removeAll(keepingCapacity: true)
      lifetimes.forEachOverlap(of: buffer) { other in
        if offsets[other] >= 0 { neighbours.append((offsets[other], offsets[other] + buffers[other].size)) }
      }
      neighbours.sort { $0.offset < $1.offset }
      func firstHole(from start: Int) -> Int {
        var offset = start
        for other in neighbours {
          if other.offset >= offset + this.size { break }
          if other.end > offset { offset = roundUp(other.end, toMultipleOf: this.alignment) }
        }
        return offset
      }
      let hinted = this.hint.map { $0 / this.alignment * this.alignment } ?? 0
      let offset = firstHole(from: hinted)
      offsets[buffer] = offset == hinted ? offset : firstHole(from: 0)
    }
    return offsets
  }

  /// For buffers with gaps, and around those whose offsets are fixed; nil when two of those overlap.
  static func offsets(
    order: [Int], buffers: [AllocationProblem.Buffer], distances: AllocationDistances
  ) -> [Int]? {
    var offsets = buffers.map(\.fixedOffset)
    let fixed = order.filter { buffers[$0].fixedOffset != nil }
    for buffer in fixed + order.filter({ buffers[$0].fixedOffset == nil }) {
      let alignment = buffers[buffer].alignment
      func firstHole(from start: Int) -> Int {
        var offset = start
        var isFree = false
        while !isFree {
          isFree = true
          for index in distances.pairsOfBuffer[buffer] {
            let pair = distances.pairs[index]
            guard let other = offsets[pair.first == buffer ? pair.second : pair.first] else { continue }
            let needed = pair.lowestOffset(of: buffer, from: offset, beside: other)
            if needed > offset {
              offset = roundUp(needed, toMultipleOf: alignment)
              isFree = false
            }
          }
        }
        return offset
      }
      if let fixed = buffers[buffer].fixedOffset {
        if firstHole(from: fixed) != fixed { return nil }
        continue
      }
      let hinted = buffers[buffer].hint.map { $0 / alignment * alignment } ?? 0
      let offset = firstHole(from: hinted)
      offsets[buffer] = offset == hinted ? offset : firstHole(from: 0)
    }
    return offsets.map { $0 ?? 0 }
  }
}
