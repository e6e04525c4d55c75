/// A flag that another thread or a signal handler raises to stop a search at its next node.
public final class Cancellation: @unchecked Sendable {
  /// A plain word that C reads as volatile: raised once, never lowered, so a late read only delays the stop.
  public let flag: UnsafeMutablePointer<Int32>
  private let parent: Cancellation?
  private var isCancelledAlone = false

  public init() {
    parent = nil
    flag = .allocate(capacity: 1)
    flag.initialize(to: 0)
  }

  /// One that is cancelled together with its parent, and may be by itself, by the thread that looks at it: for a limit of
  /// its own. C only sees the parent's flag.
  public init(linkedTo parent: Cancellation) {
    self.parent = parent
    flag = parent.flag
  }

  deinit {
    if parent == nil { flag.deallocate() }
  }

  /// Asks the search to stop and return its best solution. Safe to call from a signal handler where there is no parent.
  public func cancel() {
    if parent == nil { flag.pointee = 1 } else { isCancelledAlone = true }
  }

  public var isCancelled: Bool { flag.pointee != 0 || isCancelledAlone || parent?.isCancelled == true }
}
