/// Checks an allocation by comparing all pairs of buffers; quadratic on purpose.
public enum AllocationValidator {
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
    for second in buffers.indices {
      for first in 0..<second {
        for step in steps(of: buffers[first]) + steps(of: buffers[second]) {
          guard let one = taken(buffers[first], solution.offsets[first], step),
            let other = taken(buffers[second], solution.offsets[second], step)
          else { continue }
          if one.overlaps(other) {
            throw .overlap(first: buffers[first].id, second: buffers[second].id, step: step)
          }
        }
      }
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
