/// Commands that keep their order among themselves: what configures them is theirs alone.
enum CommandStream: Int, CaseIterable {
  /// Loads through the three load states.
  case pixels = 0
  case weights = 1
  case sums = 2
  case execute = 3
  case store = 4

  static let count = allCases.count

  /// The unit of the accelerator that takes the commands.
  enum Unit: Int, CaseIterable {
    /// In the order in which those go that could start at the same time.
    case store = 0
    case load = 1
    case execute = 2
  }

  var unit: Unit {
    switch self {
    case .pixels, .weights, .sums: .load
    case .execute: .execute
    case .store: .store
    }
  }
}

/// A number for each stream: how many of its items, counted from the beginning.
struct StreamCounts: Equatable {
  private var lanes = SIMD8<Int32>()

  subscript(_ stream: CommandStream) -> Int32 {
    get { lanes[stream.rawValue] }
    set { lanes[stream.rawValue] = newValue }
  }

  /// Whether every stream has come as far as `other` says.
  func covers(_ other: StreamCounts) -> Bool { !any(lanes .< other.lanes) }

  mutating func raise(_ stream: CommandStream, to count: Int32) {
    if lanes[stream.rawValue] < count { lanes[stream.rawValue] = count }
  }
}
