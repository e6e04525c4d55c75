/// What readers to come lower the cost of a group by at most, by what they may still hold.
struct ReadersToCome {
  typealias Held = ReaderGroupSearch.Held

  struct Option {
    var held: Held
    /// The cost less the price.
    var reduced: Int
  }

  /// A reader as the first one of its group, and as another one.
  struct Options {
    var first: [Option]
    var paused: [Option]
  }

  private static let mostUnits = 512

  private let capacity: Int
  private let unit: Int
  /// The least that one of the readers from a place on descends.
  private let descents: [Int]
  /// By whether there is a first one, the next place, and what may still be held, in units. Each group has a first one in
  /// the end.
  private var rows: [[[Int]]]

  /// - Parameter mayLeave: for each reader whether groups may be without it.
  init(_ readers: [Options], mayLeave: [Bool], capacity: Int) {
    self.capacity = capacity
    var least = Int.max
    var descents = [Int.max]
    for reader in readers.reversed() {
      least = (reader.first + reader.paused).reduce(least) { min($0, $1.held.descent) }
      descents.append(least)
    }
    self.descents = descents.reversed()
    let most = least == Int.max ? 0 : max(0, capacity - least)
    let unit = 1 + most / Self.mostUnits
    self.unit = unit
    let slots = most / unit + 1
    let never = 1 << 50
    rows = [
      [[Int]](repeating: [Int](repeating: never, count: slots), count: readers.count + 1),
      [[Int]](repeating: [Int](repeating: 0, count: slots), count: readers.count + 1),
    ]
    for (place, reader) in readers.enumerated().reversed() {
      for hasFirst in 0...1 {
        for left in 0..<slots {
          var least = mayLeave[place] ? rows[hasFirst][place + 1][left] : never
          // Rounded down, so that at least as many fit.
          for option in hasFirst == 0 ? reader.first : [] where option.held.sum / unit <= left {
            least = min(least, option.reduced + rows[1][place + 1][left - option.held.sum / unit])
          }
          for option in reader.paused where option.held.sum / unit <= left {
            least = min(least, option.reduced + rows[hasFirst][place + 1][left - option.held.sum / unit])
          }
          rows[hasFirst][place][left] = least
        }
      }
    }
  }

  /// The least that those after a place add, at most 0 where there is a first one; very much where there is no room.
  func least(after place: Int, _ hasFirst: Bool, _ held: Held) -> Int {
    let left = held.left(capacity, toCome: descents[place + 1])
    return left < 0 ? 1 << 50 : rows[hasFirst ? 1 : 0][place + 1][left / unit]
  }
}
