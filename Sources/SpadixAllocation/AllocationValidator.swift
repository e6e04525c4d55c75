/// Checks an allocation by comparing all pairs of buffers that live at the same time.
public enum AllocationValidator {
  /// The first rule that an allocation breaks.
  public enum Violation: Error, Sendable, Equatable, CustomStringConvertible {
    case offsetCount(expected: Int, found: Int)
    case outOfRange(buffer: String, offset: Int)
    case misaligned(buffer: String, offset: Int, alignment: Int)
    case moved(buffer: String, expected: Int, found: Int)
    case overlap(first: String, second: String, step: Int)

    public var description: String {
      switch self {
      case .offsetCount(let expected, let found): "expected \(expected) offsets, found \(found)"
      case .outOfRange(let buffer, let offset): "buffer \(buffer) at offset \(offset) leaves the memory"
      case .misaligned(let buffer, let offset, let alignment):
        "buffer \(buffer) at offset \(offset) is not a multiple of its alignment \(alignment)"
      case .moved(let buffer, let expected, let found):
        "buffer \(buffer) is fixed at offset \(expected), found \(found)"
      case .overlap(let first, let second, let step): "buffers \(first) and \(second) share units in step \(step)"
      }
    }
  }

  /// Throws the first violation in the order of the buffers.
  public static func validate(_ solution: AllocationSolution, for problem: AllocationProblem) throws(Violation) {
    let buffers = problem.buffers
    guard solution.offsets.count == buffers.count else {
      throw .offsetCount(expected: buffers.count, found: solution.offsets.count)
    }
    for (buffer, offset) in zip(buffers, solution.offsets) {
      // The whole buffer lies inside the memory, its gaps included, if any step needs any of it.
      let isNeeded = steps(of: buffer).contains { taken(buffer, 0, $0).map { !$0.isEmpty } ?? false }
      if offset < 0 || isNeeded && (buffer.size > problem.capacity || offset > problem.capacity - buffer.size) {
        throw .outOfRange(buffer: buffer.id, offset: offset)
      }
      if offset % buffer.alignment != 0 {
        throw .misaligned(buffer: buffer.id, offset: offset, alignment: buffer.alignment)
      }
      if let fixed = buffer.fixedOffset, fixed != offset {
        throw .moved(buffer: buffer.id, expected: fixed, found: offset)
      }
    }
    guard let pair = firstOverlap(solution, problem) else { return }
    let (one, other) = (buffers[pair.first], buffers[pair.second])
    let step = sharedStep(one, solution.offsets[pair.first], other, solution.offsets[pair.second])
    throw .overlap(first: one.id, second: other.id, step: step ?? one.lower)
  }

  /// The first pair in the order of the second buffer, then the first one.
  private static func firstOverlap(
    _ solution: AllocationSolution, _ problem: AllocationProblem
  ) -> (first: Int, second: Int)? {
    struct Extent {
      var buffer: Int
      var lower: Int
      var upper: Int
      var bottom: Int
      var top: Int
    }
    let extents = problem.buffers.indices.map { index in
      let buffer = problem.buffers[index]
      let windows = buffer.gaps.compactMap(\.window)
      return Extent(
        buffer: index, lower: buffer.lower, upper: buffer.upper,
        bottom: solution.offsets[index] + windows.reduce(0) { min($0, $1.lowerBound) },
        top: solution.offsets[index] + windows.reduce(buffer.size) { max($0, $1.upperBound) })
    }.sorted { ($0.lower, $0.buffer) < ($1.lower, $1.buffer) }
    var result: (first: Int, second: Int)?
    extents.withUnsafeBufferPointer { extents in
      for (number, one) in extents.enumerated() {
        var next = number + 1
        // The later ones that begin before this one ends; and only where the whole buffers meet may parts of them.
        while next < extents.count, extents[next].lower < one.upper {
          let other = extents[next]
          next += 1
          guard one.bottom < other.top, other.bottom < one.top else { continue }
          let pair = (first: min(one.buffer, other.buffer), second: max(one.buffer, other.buffer))
          if let result, (result.second, result.first) <= (pair.second, pair.first) { continue }
          let (first, second) = (problem.buffers[pair.first], problem.buffers[pair.second])
          let step = sharedStep(first, solution.offsets[pair.first], second, solution.offsets[pair.second])
          if step != nil { result = pair }
        }
      }
    }
    return result
  }

  /// A step in which two buffers take the same unit.
  private static func sharedStep(
    _ one: AllocationProblem.Buffer, _ offset: Int, _ other: AllocationProblem.Buffer, _ otherOffset: Int
  ) -> Int? {
    (steps(of: one) + steps(of: other)).first { step in
      guard let taken = taken(one, offset, step) else { return false }
      return self.taken(other, otherOffset, step)?.overlaps(taken) ?? false
    }
  }

  /// What a buffer takes changes only at the ends of its lifetime and of its gaps.
  private static func steps(of buffer: AllocationProblem.Buffer) -> [Int] {
    [buffer.lower] + buffer.gaps.flatMap { [$0.lower, $0.upper] }
  }

  private static func taken(_ buffer: AllocationProblem.Buffer, _ offset: Int, _ step: Int) -> Range<Int>? {
    guard buffer.lower <= step, step < buffer.upper else { return nil }
    for gap in buffer.gaps where gap.lower <= step && step < gap.upper {
      guard let window = gap.window else { return nil }
      return offset + window.lowerBound..<offset + window.upperBound
    }
    return offset..<offset + buffer.size
  }
}
