import SpadixAllocation

/// Places the rectangles of a kernel decision, each at the lowest rows that are free during its steps.
///
/// Like `LowestFit` of the allocator, in time that grows with the rectangles that meet and not with all of them.
struct KernelPacking {
  private let buffers: [AllocationProblem.Buffer]
  private let capacity: Int
  private let stepCount: Int

  init(_ problem: AllocationProblem, stepCount: Int) {
    buffers = problem.buffers
    capacity = problem.capacity
    self.stepCount = stepCount
  }

  /// First rows by rectangle; nil when they fit in none of the orders.
  func run() -> [Int]? {
    // The last two keep what stays long together, and place working blocks and short stays in what is left.
    let byTime = buffers.indices.sorted { (buffers[$0].lower, $0) < (buffers[$1].lower, $1) }
    func isShort(_ index: Int) -> Bool { buffers[index].upper - buffers[index].lower < 2 }
    let longFirst = byTime.filter { !isShort($0) } + byTime.filter(isShort)
    let longestFirst = buffers.indices.sorted {
      (buffers[$1].upper - buffers[$1].lower, buffers[$1].size, $0)
        < (buffers[$0].upper - buffers[$0].lower, buffers[$0].size, $1)
    }
    for order in LowestFit.orders(buffers) + [longFirst, longestFirst] {
      if let offsets = place(order) { return offsets }
    }
    return nil
  }

  private func place(_ order: [Int]) -> [Int]? {
    var offsets = [Int](repeating: 0, count: buffers.count)
    // By step, the placed rectangles that cover it, and those that begin there.
    var covering = [[Int32]](repeating: [], count: stepCount)
    var beginning = covering
    for index in order {
      let buffer = buffers[index]
      if buffer.lower == buffer.upper { continue }
      var others = covering[buffer.lower]
      for step in (buffer.lower + 1)..<max(buffer.lower + 1, buffer.upper) { others += beginning[step] }
      others.sort { (offsets[Int($0)], $0) < (offsets[Int($1)], $1) }
      var offset = 0
      for other in others {
        if offsets[Int(other)] >= offset + buffer.size { break }
        offset = max(offset, offsets[Int(other)] + buffers[Int(other)].size)
      }
      if offset + buffer.size > capacity { return nil }
      offsets[index] = offset
      beginning[buffer.lower].append(Int32(index))
      for step in buffer.lower..<buffer.upper { covering[step].append(Int32(index)) }
    }
    return offsets
  }
}
