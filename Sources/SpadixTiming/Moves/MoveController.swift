/// The way of moves of one direction from the reservation station to their controller: in order, one a cycle, through a
/// queue.
struct MoveController: ~Copyable {
  private var issued = -1
  /// When commands left the controller's queue.
  private var departures: History
  /// When the controller can take up the next command.
  private var free = 0

  init(queue: Int) { departures = History(queue) }

  /// When a command that is ready leaves the reservation station, and the first cycle in which its move can start.
  @inline(__always)
  mutating func issue(_ ready: Int) -> (issue: Int, start: Int) {
    issued = max(ready, issued + 1, departures.oldest + 1)
    return (issued, max(issued + 1, free))
  }

  /// The controller is through with a move in the cycle `last`.
  @inline(__always)
  mutating func leave(_ last: Int) {
    free = last + 1
    departures.add(last)
  }

  /// A configuration, which takes one cycle; when it leaves the station.
  mutating func configure(_ ready: Int) -> Int {
    let (issue, start) = issue(ready)
    leave(start)
    return issue
  }
}
