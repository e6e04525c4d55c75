import Foundation

extension Array where Element: Sendable {
  /// The results of work on each element by itself, in the order of the elements. It is done on all processors; how many
  /// there are changes nothing but the time.
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

/// The results of two pieces of work that know nothing of each other, done at the same time.
public func concurrently<First: Sendable, Second: Sendable>(
  _ first: @Sendable () -> First, _ second: @Sendable () -> Second
) -> (First, Second) {
  let (firstResult, secondResult) = (Results<First>(count: 1), Results<Second>(count: 1))
  DispatchQueue.concurrentPerform(iterations: 2) { index in
    if index == 0 { firstResult.add(first(), at: 0) } else { secondResult.add(second(), at: 0) }
  }
  return (firstResult.all[0], secondResult.all[0])
}

private final class Results<Result: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [Result?]
  private var done = 0

  init(count: Int) { found = Array(repeating: nil, count: count) }

  func add(_ result: Result, at index: Int, _ progress: ((Int) -> Void)? = nil) {
    lock.withLock {
      found[index] = result
      done += 1
      progress?(done)
    }
  }

  var all: [Result] { lock.withLock { found.map { $0! } } }
}
