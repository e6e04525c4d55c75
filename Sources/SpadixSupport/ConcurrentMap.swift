import Foundation

extension Array where Element: Sendable {
  /// The results of work on each element by itself, in the order of the elements. It is done on all processors; how many
  /// there are changes nothing but the time. Inside of such work there is one processor left:
  /// libdispatch divides them among what is nested.
  ///
  /// - Parameter progress: told after each element how many are done, by one thread at a time.
  public func concurrentMap<Result: Sendable>(
    progress: (@Sendable (Int) -> Void)? = nil, _ work: @Sendable (Element) -> Result
  ) -> [Result] {
    let results = Results<Result>(count: count)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      results.add(work(self[index]), at: index, progress)
    }
    return results.all
  }
}

private final class Results<Result: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [Result?]
  private var done = 0

  init(count: Int) { found = Array(repeating: nil, count: count) }

  func add(_ result: Result, at index: Int, _ progress: ((Int) -> Void)?) {
    lock.withLock {
      found[index] = result
      done += 1
      progress?(done)
    }
  }

  var all: [Result] { lock.withLock { found.map { $0! } } }
}
