import SpadixAllocation
import SpadixSupport

/// Places for tensors that stay, found before a sweep goes through the steps.
///
/// A sweep puts what comes to an end of a hole, and has no idea which of two tensors will be in the way of much later ones: the
/// one that stays longer belongs to the edge of the scratchpad, even when it comes second. So the tensors that stay for at
/// least some steps are packed first, with all others between two of their comings and goings as one rectangle. At
/// first that is nearly every tensor; what does not pack is tried again with fewer and longer ones. Each part of the
/// schedule, from a step at which nothing stays to the next one, is packed by itself.
struct PlannedPlaces {
  /// Fewest steps for which tensors stay, in one attempt after the other.
  private static let stays = [1, 4, 16, 64]
  private static let mostRectangles = 4_000
  private static let nodes = 200_000
  /// Of the effort, what a part may take.
  private static let shareOfPart = 8

  private(set) var effort = 0
  private var offsets: [Stay: Int] = [:]
  private let timetable: SweepTimetable
  private let budget: Int
  private let stays: [(tensor: Int, first: Int, last: Int)]
  private var isPlanned: [Bool]

  private struct Stay: Hashable {
    var tensor: Int
    var first: Int
  }

  init(_ timetable: SweepTimetable, budget: Int, effortLimit: Int, cancellation: Cancellation?) {
    self.timetable = timetable
    self.budget = budget
    var end = [Int](repeating: -1, count: timetable.sizes.count)
    var stays: [(tensor: Int, first: Int, last: Int)] = []
    for (step, touches) in timetable.touches.enumerated() {
      for touch in touches where end[touch.tensor] < step {
        end[touch.tensor] = touch.end
        stays.append((touch.tensor, step, touch.end))
      }
    }
    self.stays = stays
    isPlanned = [Bool](repeating: false, count: timetable.touches.count)
    // What lies together is no rectangle of its own.
    if timetable.groups.contains(where: { !$0.isEmpty }) { return }
    for least in Self.stays {
      for part in parts(ofAtLeast: least) {
        let left = effortLimit - effort
        if left <= 0 || cancellation?.isCancelled == true { return }
        plan(part, effortLimit: min(left, effortLimit / Self.shareOfPart), cancellation)
      }
    }
  }

  /// Where a tensor that comes at a step is to go, nil where that does not matter.
  func offset(of tensor: Int, at step: Int) -> Int? { offsets[Stay(tensor: tensor, first: step)] }

  private struct Part {
    var steps: Range<Int>
    var stays: [(tensor: Int, first: Int, last: Int)] = []
    /// What the others take together.
    var others: [AllocationProblem.Buffer] = []
  }

  /// The parts that have no places yet.
  private func parts(ofAtLeast least: Int) -> [Part] {
    let steps = timetable.touches.count
    var others = [Int](repeating: 0, count: steps)
    var isCut = [Bool](repeating: false, count: steps + 2)
    var comings = [[Int]](repeating: [], count: steps)
    var goings = [Int](repeating: 0, count: steps)
    for (number, stay) in stays.enumerated() {
      if stay.last - stay.first < least {
        for step in stay.first...stay.last { others[step] += timetable.sizes[stay.tensor] }
      } else {
        comings[stay.first].append(number)
        goings[stay.last] += 1
        for step in [stay.first, stay.first + 1, stay.last, stay.last + 1] { isCut[step] = true }
      }
    }
    var result: [Part] = []
    var part = Part(steps: 0..<0)
    var (first, live) = (0, 0)
    for step in 0..<steps {
      if live == 0 { part = Part(steps: step..<step) }
      if live == 0 || isCut[step] { first = step }
      part.stays += comings[step].map { stays[$0] }
      live += comings[step].count - goings[step]
      if live == 0 || isCut[step + 1] {
        let size = others[first...step].reduce(0) { max($0, $1) }
        if size > 0 {
          part.others.append(AllocationProblem.Buffer(id: "at \(first)", lower: first, upper: step + 1, size: size))
        }
      }
      if live > 0 || part.stays.isEmpty { continue }
      part.steps = part.steps.lowerBound..<step + 1
      if !isPlanned[part.steps].contains(true) { result.append(part) }
    }
    return result
  }

  private mutating func plan(_ part: Part, effortLimit: Int, _ cancellation: Cancellation?) {
    if part.stays.count + part.others.count > Self.mostRectangles { return }
    var limits = AllocationSolver.Options()
    limits.nodeLimit = Self.nodes
    limits.effortLimit = effortLimit
    let buffers = part.stays.map { stay in
      AllocationProblem.Buffer(
        id: "\(stay.tensor) at \(stay.first)", lower: stay.first, upper: stay.last + 1,
        size: timetable.sizes[stay.tensor])
    }
    let result = AllocationSolver(options: limits, cancellation: cancellation)
      .solve(AllocationProblem(capacity: budget, buffers: buffers + part.others))
    effort += result.effort
    guard let solution = result.solution else { return }
    for step in part.steps { isPlanned[step] = true }
    for (number, stay) in part.stays.enumerated() {
      offsets[Stay(tensor: stay.tensor, first: stay.first)] = solution.offsets[number]
    }
  }
}
