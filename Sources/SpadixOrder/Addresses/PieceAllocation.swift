import SpadixAllocation
import SpadixSupport

/// Pieces as buffers to be placed: those that lie together during some step are one buffer, whose gaps leave room where not
/// all of them are there.
struct PieceAllocation {
  let problem: AllocationProblem
  /// For each piece its buffer, and where it begins in it.
  private var places: [(buffer: Int, displacement: Int)]

  /// - Parameters:
  ///   - ties: for each step, tensors that have one origin during it.
  ///   - pieces: some of a plan's.
  init(
    _ whole: ScheduleProblem, ties: [[[ScheduleProblem.TensorID]]], _ pieces: [ScheduleSolution.Piece],
    budget: Int
  ) {
    let groups = whole.sharing.isEmpty ? pieces.indices.map { [$0] } : Self.together(pieces, ties)
    var buffers: [AllocationProblem.Buffer] = []
    places = pieces.map { _ in (0, 0) }
    for members in groups {
      let ranges = members.map { index in
        let tensor = whole.tensors[pieces[index].tensor]
        return tensor.displacement..<tensor.displacement + tensor.size
      }
      let start = ranges.reduce(Int.max) { min($0, $1.lowerBound) }
      for (index, range) in zip(members, ranges) { places[index] = (buffers.count, range.lowerBound - start) }
      buffers.append(
        Self.buffer(
          whole.tensors[pieces[members[0]].tensor].name, zip(members, ranges).map { (pieces[$0], $1) }, start))
    }
    problem = AllocationProblem(capacity: budget, buffers: buffers)
  }

  /// The pieces' offsets.
  func offsets(_ solution: AllocationSolution) -> [Int] {
    places.map { solution.offsets[$0.buffer] + $0.displacement }
  }

  /// One buffer for pieces with the units that they take. During each step it is from the first to the last unit of what is there.
  private static func buffer(
    _ id: String, _ members: [(piece: ScheduleSolution.Piece, range: Range<Int>)], _ start: Int
  ) -> AllocationProblem.Buffer {
    let size = members.reduce(0) { max($0, $1.range.upperBound - start) }
    let steps = Set(members.flatMap { [$0.piece.first, $0.piece.last + 1] }).sorted()
    var buffer = AllocationProblem.Buffer(id: id, lower: steps[0], upper: steps[steps.count - 1], size: size)
    if members.count == 1 { return buffer }
    for (lower, upper) in zip(steps, steps.dropFirst()) {
      let there = members.filter { $0.piece.first <= lower && lower <= $0.piece.last }
      let low = there.reduce(Int.max) { min($0, $1.range.lowerBound - start) }
      let high = there.reduce(0) { max($0, $1.range.upperBound - start) }
      let window = low < high ? low..<high : nil
      if window == 0..<size { continue }
      if let last = buffer.gaps.last, last.upper == lower, last.window == window {
        buffer.gaps[buffer.gaps.count - 1].upper = upper
      } else {
        buffer.gaps.append(AllocationProblem.Gap(lower: lower, upper: upper, window: window))
      }
    }
    return buffer
  }

  /// The pieces of each buffer, by the first of them.
  private static func together(
    _ pieces: [ScheduleSolution.Piece], _ ties: [[[ScheduleProblem.TensorID]]]
  ) -> [[Int]] {
    var ofTensor: [ScheduleProblem.TensorID: [Int]] = [:]
    for (index, piece) in pieces.enumerated() { ofTensor[piece.tensor, default: []].append(index) }
    var sets = DisjointSets(count: pieces.count)
    for (step, groups) in ties.enumerated() {
      for group in groups {
        let there = group.compactMap { tensor in
          ofTensor[tensor]?.first { pieces[$0].first <= step && step <= pieces[$0].last }
        }
        for other in there.dropFirst() { sets.merge(there[0], other) }
      }
    }
    var result: [[Int]] = []
    var number = [Int](repeating: -1, count: pieces.count)
    for piece in pieces.indices {
      let first = sets.find(piece)
      if first == piece {
        number[piece] = result.count
        result.append([])
      }
      result[number[first]].append(piece)
    }
    return result
  }
}
