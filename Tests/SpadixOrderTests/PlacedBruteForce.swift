@testable import SpadixOrder

extension ScheduleBruteForce {
  /// Whether a schedule with addresses moves no more than a limit: a depth-first search over orders, what is kept, and
  /// every offset, cut where even without addresses the rest costs too much. Nil when it gets too long.
  func hasPlacedSchedule(budget: Int, atMost limit: Int, stateLimit: Int = 2_000_000) -> Bool? {
    var search = PlacedSearch(problem: self, budget: budget, limit: limit, statesLeft: stateLimit)
    let found = search.run(State(executed: 0, resident: 0, stored: held), [:], 0)
    return found || search.statesLeft > 0 ? found : nil
  }
}

private struct PlacedSearch {
  private struct Node: Hashable {
    var state: ScheduleBruteForce.State
    var offsets: [Int: Int]
  }

  let problem: ScheduleBruteForce
  let budget: Int
  let limit: Int
  var statesLeft: Int
  private var cheapest: [Node: Int] = [:]
  private var rest: [ScheduleBruteForce.State: Int] = [:]

  init(problem: ScheduleBruteForce, budget: Int, limit: Int, statesLeft: Int) {
    self.problem = problem
    self.budget = budget
    self.limit = limit
    self.statesLeft = statesLeft
  }

  mutating func run(_ state: ScheduleBruteForce.State, _ offsets: [Int: Int], _ cost: Int) -> Bool {
    let ready = problem.ready(state)
    if ready.isEmpty { return true }
    let node = Node(state: state, offsets: offsets)
    if statesLeft == 0 || cost + costToGo(state) > limit || cheapest[node] ?? Int.max <= cost { return false }
    cheapest[node] = cost
    statesLeft -= 1
    for op in ready {
      guard let step = problem.arrival(op, state, budget) else { continue }
      let arriving = problem.elements(step.resident & ~state.resident)
      for placed in placements(arriving[...], offsets) {
        for (after, price) in problem.departures(op, state, step.resident) {
          let kept = placed.filter { after.resident >> UInt64($0.key) & 1 != 0 }
          if run(after, kept, cost + step.price + price) { return true }
        }
      }
    }
    return false
  }

  /// All ways to give tensors offsets beside those that have one.
  private func placements(_ tensors: ArraySlice<Int>, _ offsets: [Int: Int]) -> [[Int: Int]] {
    guard let tensor = tensors.first else { return [offsets] }
    let size = problem.sizes[tensor]
    let free = (0...(budget - size)).filter { offset in
      offsets.allSatisfy { other, at in offset + size <= at || at + problem.sizes[other] <= offset }
    }
    return free.flatMap { offset in
      placements(tensors.dropFirst(), offsets.merging([tensor: offset]) { old, _ in old })
    }
  }

  /// The least that the remaining operators cost without addresses.
  private mutating func costToGo(_ state: ScheduleBruteForce.State) -> Int {
    if let known = rest[state] { return known }
    let ready = problem.ready(state)
    var least = ready.isEmpty ? 0 : Int.max / 4
    for op in ready {
      guard let step = problem.arrival(op, state, budget) else { continue }
      for (after, price) in problem.departures(op, state, step.resident) {
        let here = step.price + price
        if here < least { least = min(least, here + costToGo(after)) }
      }
    }
    rest[state] = least
    return least
  }
}
