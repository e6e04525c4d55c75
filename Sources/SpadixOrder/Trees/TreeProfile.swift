/// How much is live while a tree of operators runs, as far as it matters for what runs in between (Liu 1987).
///
/// A tree is best run in segments, after each of which it may pause: a hill, the most that is live until then, and a valley,
/// what is live during the pause. Hills fall and valleys rise: a pause at a higher valley before a higher hill is of no use.
struct TreeProfile {
  struct Segment {
    var hill: Int
    var valley: Int
    /// The operators that run in it; only kept where they are asked for.
    var operators: [Int] = []
  }

  private(set) var segments: [Segment] = []

  init() {}

  init(_ segment: Segment) { segments = [segment] }

  /// The most that is live at once.
  var peak: Int { segments.first?.hill ?? 0 }

  /// What is left in the end.
  var rest: Int { segments.last?.valley ?? 0 }

  /// Two trees beside each other: segments in the order that has the smallest peak, those with the deepest descents first.
  func beside(_ other: TreeProfile) -> TreeProfile {
    if segments.isEmpty { return other }
    if other.segments.isEmpty { return self }
    var result = TreeProfile()
    var (one, two) = (0, 0)
    var (here, there) = (0, 0)
    while one < segments.count || two < other.segments.count {
      let isFirst: Bool
      if one == segments.count {
        isFirst = false
      } else if two == other.segments.count {
        isFirst = true
      } else {
        let descent = segments[one].hill - segments[one].valley
        isFirst = descent >= other.segments[two].hill - other.segments[two].valley
      }
      if isFirst {
        let segment = segments[one]
        result.append(
          Segment(hill: segment.hill + there, valley: segment.valley + there, operators: segment.operators))
        here = segment.valley
        one += 1
      } else {
        let segment = other.segments[two]
        result.append(Segment(hill: segment.hill + here, valley: segment.valley + here, operators: segment.operators))
        there = segment.valley
        two += 1
      }
    }
    return result
  }

  /// Adds what runs last. A pause is kept when what is live then is less than ever after, and the hill to come is lower
  /// than the one before.
  mutating func append(_ segment: Segment) {
    var added = segment
    while let last = segments.last, last.hill <= added.hill || last.valley >= added.valley {
      segments.removeLast()
      added.hill = max(last.hill, added.hill)
      if !last.operators.isEmpty { added.operators = last.operators + added.operators }
    }
    segments.append(added)
  }

  /// Whether this one can be where the other one is, whatever runs in between: at every pause of the other one it pauses
  /// with no more, and gets from pause to pause below no higher a hill.
  func isNoWorse(than other: TreeProfile) -> Bool {
    if peak > other.peak || rest > other.rest { return false }
    var done = 0
    for (number, pause) in other.segments.enumerated() {
      guard done < segments.count else { return true }
      let isLast = number == other.segments.count - 1
      if segments[done].hill <= pause.hill {
        while done < segments.count, segments[done].valley <= pause.valley { done += 1 }
      }
      if isLast, done < segments.count { return false }
    }
    return true
  }

  /// The worst one that is no worse than either: from each valley on, the lower of the next hills is enough.
  func relaxed(with other: TreeProfile) -> TreeProfile {
    func nextHill(_ profile: TreeProfile, above valley: Int) -> Int {
      profile.segments.first { $0.valley > valley }?.hill ?? 0
    }
    var result = TreeProfile()
    var hill = min(peak, other.peak)
    for valley in (segments.map(\.valley) + other.segments.map(\.valley)).sorted() {
      let next = min(nextHill(self, above: valley), nextHill(other, above: valley))
      if next >= hill { continue }
      result.segments.append(Segment(hill: hill, valley: valley))
      hill = next
    }
    return result
  }
}

extension Array {
  /// So many parts of neighbours, of nearly equal length.
  func neighbours(inParts count: Int) -> [ArraySlice<Element>] {
    (0..<count).map { self[self.count * $0 / count..<self.count * ($0 + 1) / count] }
  }
}
