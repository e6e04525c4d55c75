/// When the last items of each stream are done; those long ago count as done.
struct DoneTimes {
  private static let kept = 1 << 12
  private var times = [Int](repeating: 0, count: CommandStream.count * kept)
  private var counts = StreamCounts()

  mutating func add(_ stream: CommandStream, _ time: Int) {
    counts[stream] += 1
    times[Self.place(stream, counts[stream])] = time
  }

  /// When all that `after` names are done.
  func latest(_ after: StreamCounts) -> Int {
    var latest = 0
    for stream in CommandStream.allCases {
      let count = after[stream]
      if count > 0 && counts[stream] - count < Int32(Self.kept) {
        latest = max(latest, times[Self.place(stream, count)])
      }
    }
    return latest
  }

  private static func place(_ stream: CommandStream, _ count: Int32) -> Int {
    stream.rawValue * kept + Int(count) & (kept - 1)
  }
}
