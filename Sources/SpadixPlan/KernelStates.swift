/// The states of a kernel problem after one step, in flat arrays, each set of residents once.
///
/// A state is the list of tensors that stay in the scratchpad; all others that are still needed are in DRAM. So its size
/// is limited by the scratchpad and not by the graph.
struct KernelStates {
  /// How a tensor stays in the scratchpad until its next touch; the two low bits of an entry.
  enum Status {
    /// DRAM holds it too.
    static let clean: UInt64 = 1
    /// Only the scratchpad holds it.
    static let dirty: UInt64 = 2
  }

  /// What was decided for a tensor that the step touches, as bits of one byte.
  enum Choice {
    static let isPresent: UInt8 = 1
    static let isFetched: UInt8 = 2
    static let isSpilled: UInt8 = 4
    static let isKept: UInt8 = 8
  }

  /// What the steps so far cost, by state.
  private(set) var ranks: [Objective.Rank] = []
  /// How each state is cheapest reached.
  private(set) var ways: [Way] = []
  private var choices: [UInt8] = []

  /// The step, or the group of steps, that led to a state.
  struct Way {
    /// The first of the steps; the state before it; the problem's group, or -1; and the alternative that ran.
    var first: Int32
    var parent: Int32
    var group: Int32
    var alternative: Int32
    /// Where what was decided for the tensors that it touches begins, and how many these are.
    fileprivate var choices: Int32 = 0
    fileprivate var choiceCount: Int32 = 0

    init(first: Int, parent: Int, group: Int?, alternative: Int) {
      self.first = Int32(first)
      self.parent = Int32(parent)
      self.group = Int32(group ?? -1)
      self.alternative = Int32(alternative)
    }
  }

  /// Residents of all states one after the other: tensor << 2 | status, ascending; and where those of each begin.
  private var residents: [UInt64] = []
  private var starts: [Int] = [0]
  private var hashes: [UInt64] = []
  /// Open addressing over the states; -1 is free.
  private var table: [Int32] = [Int32](repeating: -1, count: 16)

  var count: Int { ranks.count }

  /// The one state before the first step.
  static let initial: KernelStates = {
    var states = KernelStates()
    states.offer(
      [], hash: 0, rank: .zero, way: Way(first: -1, parent: -1, group: nil, alternative: -1), choices: [])
    return states
  }()

  func residents(of state: Int) -> ArraySlice<UInt64> { residents[starts[state]..<starts[state + 1]] }

  func choices(of state: Int) -> ArraySlice<UInt8> {
    let way = ways[state]
    return choices[Int(way.choices)..<Int(way.choices + way.choiceCount)]
  }

  /// What an entry adds to the hash of a state.
  static func hash(_ entry: UInt64) -> UInt64 {
    var mixed = entry &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Adds a state, or a cheaper way into one that is there. Of equally cheap ways the first stays.
  mutating func offer(
    _ entries: [UInt64], hash: UInt64, rank: Objective.Rank, way: Way, choices: [UInt8]
  ) {
    var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
    while table[slot] >= 0 {
      let known = Int(table[slot])
      if hashes[known] == hash, residents(of: known).elementsEqual(entries) {
        guard rank < ranks[known] else { return }
        ranks[known] = rank
        let before = ways[known]
        ways[known] = way
        ways[known].choiceCount = Int32(choices.count)
        if before.choiceCount == choices.count {
          ways[known].choices = before.choices
          for position in choices.indices { self.choices[Int(before.choices) + position] = choices[position] }
        } else {
          ways[known].choices = Int32(self.choices.count)
          self.choices += choices
        }
        return
      }
      slot = (slot + 1) & (table.count - 1)
    }
    table[slot] = Int32(count)
    ranks.append(rank)
    ways.append(way)
    ways[ways.count - 1].choices = Int32(self.choices.count)
    ways[ways.count - 1].choiceCount = Int32(choices.count)
    self.choices += choices
    residents += entries
    starts.append(residents.count)
    hashes.append(hash)
    if 2 * count > table.count { grow() }
  }

  private mutating func grow() {
    table = [Int32](repeating: -1, count: 2 * table.count)
    for (state, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
      while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
      table[slot] = Int32(state)
    }
  }

  /// Only the given states, in this order.
  func keeping(_ states: some Sequence<Int>) -> KernelStates {
    var kept = KernelStates()
    for state in states {
      kept.offer(
        Array(residents(of: state)), hash: hashes[state], rank: ranks[state], way: ways[state],
        choices: Array(choices(of: state)))
    }
    return kept
  }

  /// Forgets what only the next step needs to know.
  mutating func close() {
    residents = []
    starts = []
    hashes = []
    table = []
  }
}
