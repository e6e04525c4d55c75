/// Which pieces of a plan begin with a fetch, and which end with the store that later fetches need.
struct PieceTransfers {
  private(set) var isFetched: [Bool]
  private(set) var isStored: [Bool]

  /// - Parameters:
  ///   - order: runs of operators; an operator may run more than once.
  ///   - pieces: sorted by first step.
  init(
    _ problem: ScheduleProblem, order: [ScheduleProblem.OperatorID], pieces: [ScheduleSolution.Piece]
  ) {
    isFetched = [Bool](repeating: false, count: pieces.count)
    isStored = isFetched
    var previous = [Int?](repeating: nil, count: problem.tensors.count)
    var isInMemory = problem.tensors.map { $0.kind != .activation }
    for (number, piece) in pieces.enumerated() {
      let index = piece.tensor.index
      let isProduced = problem.operators[order[piece.first]].outputs.contains(piece.tensor)
      if !isProduced, let before = previous[index] {
        isFetched[number] = true
        if !isInMemory[index] {
          isStored[before] = true
          isInMemory[index] = true
        }
      }
      previous[index] = number
    }
  }

  /// What the transfers move beyond the compulsory loads and stores.
  func traffic(_ problem: ScheduleProblem, _ pieces: [ScheduleSolution.Piece]) -> ScheduleSolution.Traffic {
    var traffic = ScheduleSolution.Traffic(spilled: 0, fetched: 0)
    for (number, piece) in pieces.enumerated() {
      if isFetched[number] { traffic.fetched += problem.tensors[piece.tensor].bytes }
      if isStored[number] { traffic.spilled += problem.tensors[piece.tensor].bytes }
    }
    return traffic
  }
}
