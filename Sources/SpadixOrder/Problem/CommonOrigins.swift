/// Tensors that have an origin in common, each at a displacement from it: what lies together while some operator runs.
struct CommonOrigins {
  /// By tensor, from the origin of its family.
  private(set) var displacements: [Int]
  private let sizes: [Int]
  /// Number of each tensor's family.
  private(set) var family: [Int]
  /// The tensors of each family, by its number.
  private var members: [[Int]]

  init(_ problem: ScheduleProblem) {
    sizes = problem.tensors.map(\.size)
    displacements = problem.tensors.map(\.displacement)
    family = Array(sizes.indices)
    members = sizes.indices.map { [$0] }
    for group in problem.operators.flatMap(\.tied) {
      for (one, other) in zip(group, group.dropFirst()) { merge(one.index, other.index, shift: 0) }
    }
  }

  /// For each tensor the first unit and the end, from the origin, of all that has one with it; nil where nothing else does.
  func extents() -> [Range<Int>?] {
    var result = [Range<Int>?](repeating: nil, count: sizes.count)
    for all in members where all.count > 1 {
      let start = all.reduce(Int.max) { min($0, displacements[$1]) }
      let end = all.reduce(Int.min) { max($0, displacements[$1] + sizes[$1]) }
      for tensor in all { result[tensor] = start..<end }
    }
    return result
  }

  /// The pairs of tensors of different families that would take the same units if tensors were joined; nil where they cannot
  /// be, as two of them have an origin in common already and lie otherwise.
  ///
  /// - Parameter places: of each tensor, from where the first of them is.
  func overlaps(_ tensors: [Int], at places: [Int]) -> [(one: Int, other: Int)]? {
    guard let shifts = shifts(tensors, at: places) else { return nil }
    var result: [(one: Int, other: Int)] = []
    for (number, (gone, shift)) in shifts.enumerated() {
      for other in members[gone] {
        let start = displacements[other] + shift
        for (kept, shiftOfKept) in shifts[..<number] {
          for one in members[kept] {
            let place = displacements[one] + shiftOfKept
            if start < place + sizes[one], place < start + sizes[other] { result.append((one, other)) }
          }
        }
      }
    }
    return result
  }

  /// Gives tensors the same origin; all that lies together with them comes along.
  mutating func join(_ tensors: [Int], at places: [Int]) {
    for (gone, shift) in shifts(tensors, at: places) ?? [] { merge(tensors[0], members[gone][0], shift: shift) }
  }

  /// The families of tensors, that of the first one first, and how far each would move.
  private func shifts(_ tensors: [Int], at places: [Int]) -> [(family: Int, shift: Int)]? {
    var result: [(family: Int, shift: Int)] = []
    for (tensor, place) in zip(tensors, places) {
      let shift = displacements[tensors[0]] - places[0] + place - displacements[tensor]
      if let known = result.first(where: { $0.family == family[tensor] }) {
        if known.shift != shift { return nil }
      } else {
        result.append((family[tensor], shift))
      }
    }
    return result
  }

  private mutating func merge(_ one: Int, _ other: Int, shift: Int) {
    let (kept, gone) = (family[one], family[other])
    if kept == gone { return }
    for tensor in members[gone] {
      displacements[tensor] += shift
      family[tensor] = kept
    }
    members[kept] += members[gone]
    members[gone] = []
  }
}
