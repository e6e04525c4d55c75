/// A flag that another thread or a signal handler raises to stop a search at its next node.
public final class Cancellation: @unchecked Sendable {
  /// A plain word that C reads as volatile: raised once, never lowered, so a late read only delays the stop.
  public let flag: UnsafeMutablePointer<Int32>

  public init() {
    flag = .allocate(capacity: 1)
    flag.initialize(to: 0)
  }

  deinit { flag.deallocate() }

  /// Asks the search to stop and return its best solution. Safe to call from a signal handler.
  public func cancel() { flag.pointee = 1 }

  public var isCancelled: Bool { flag.pointee != 0 }
}
