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

  /// DRAM bytes and array cycles up to the step, by state.
  private(set) var traffic: [Int] = []
  private(set) var cycles: [Int] = []
  /// The state before the step that this one is cheapest reached from, and the variant that the step ran as.
  private(set) var parent: [Int32] = []
  private(set) var variant: [Int32] = []
  /// Choices of all states, `touchedCount` of each.
  private(set) var choices: [UInt8] = []
  let touchedCount: Int

  /// Residents of all states one after the other: tensor << 2 | status, ascending; and where those of each begin.
  private var residents: [UInt64] = []
  private var starts: [Int] = [0]
  private var hashes: [UInt64] = []
  /// Open addressing over the states; -1 is free.
  private var table: [Int32] = [Int32](repeating: -1, count: 16)

  var count: Int { traffic.count }

  init(touchedCount: Int) { self.touchedCount = touchedCount }

  /// The one state before the first step.
  static let initial: KernelStates = {
    var states = KernelStates(touchedCount: 0)
    states.offer([], hash: 0, traffic: 0, cycles: 0, parent: -1, variant: -1, choices: [])
    return states
  }()

  func residents(of state: Int) -> ArraySlice<UInt64> { residents[starts[state]..<starts[state + 1]] }

  func choices(of state: Int) -> ArraySlice<UInt8> {
    choices[state * touchedCount..<(state + 1) * touchedCount]
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
    _ entries: [UInt64], hash: UInt64, traffic: Int, cycles: Int, parent: Int, variant: Int, choices: [UInt8]
  ) {
    var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
    while table[slot] >= 0 {
      let known = Int(table[slot])
      if hashes[known] == hash, residents(of: known).elementsEqual(entries) {
        guard (traffic, cycles) < (self.traffic[known], self.cycles[known]) else { return }
        self.traffic[known] = traffic
        self.cycles[known] = cycles
        self.parent[known] = Int32(parent)
        self.variant[known] = Int32(variant)
        for position in 0..<touchedCount { self.choices[known * touchedCount + position] = choices[position] }
        return
      }
      slot = (slot + 1) & (table.count - 1)
    }
    table[slot] = Int32(count)
    self.traffic.append(traffic)
    self.cycles.append(cycles)
    self.parent.append(Int32(parent))
    self.variant.append(Int32(variant))
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
    var kept = KernelStates(touchedCount: touchedCount)
    for state in states {
      kept.offer(
        Array(residents(of: state)), hash: hashes[state], traffic: traffic[state], cycles: cycles[state],
        parent: Int(parent[state]), variant: Int(variant[state]), choices: Array(choices(of: state)))
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
