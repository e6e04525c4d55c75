import Foundation

/// Runs what descends deeper than the stack of its thread allows.
public enum LargeStack {
  /// The result of work done on a thread of its own with a stack of so many bytes; the caller waits.
  public static func run<Result: Sendable>(bytes: Int, _ work: @escaping @Sendable () -> Result) -> Result {
    let answer = Answer<Result>()
    let thread = Thread { answer.give(work()) }
    thread.stackSize = bytes
    thread.start()
    return answer.wait()
  }

  private final class Answer<Result: Sendable>: @unchecked Sendable {
    private let isThere = DispatchSemaphore(value: 0)
    // Written before the semaphore is raised, read after.
    private var result: Result?

    func give(_ result: Result) {
      self.result = result
      isThere.signal()
    }

    func wait() -> Result {
      isThere.wait()
      guard let result else { preconditionFailure("raised without a result") }
      return result
    }
  }
}
