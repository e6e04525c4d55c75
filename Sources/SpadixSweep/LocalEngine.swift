import Foundation
import SpadixSupport

/// Runs the groups of a sweep in processes of their own on this machine, a few at a time.
///
/// A process that crashes or is ended takes its group with it and nothing else: its points stay open.
public struct LocalEngine: Sendable {
  private let jobs: Int
  private let worker: @Sendable (_ group: Int) -> [String]

  /// - Parameter worker: the arguments with which this binary runs one group.
  public init(jobs: Int, worker: @escaping @Sendable (_ group: Int) -> [String]) {
    self.jobs = jobs
    self.worker = worker
  }

  /// Returns what went wrong with processes, in the order of their groups.
  ///
  /// - Parameter progress: called with the number of groups that are done.
  public func run(_ groups: [Int], progress: @escaping @Sendable (_ done: Int) -> Void) throws -> [String] {
    let (state, binary, worker) = (State(groups), Self.binary, worker)
    DispatchQueue.concurrentPerform(iterations: min(jobs, groups.count)) { _ in
      while let group = state.next() {
        var problem: String?
        do {
          let result = try ChildProcess.run(binary, worker(group))
          if !result.isSuccess { problem = Self.describe(result) }
        } catch {
          problem = "\(error)"
        }
        state.finished(group, problem, progress)
      }
    }
    return state.problems
  }

  static var binary: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }

  private static func describe(_ result: ChildProcess.Result) -> String {
    switch result.ending {
    case .exit(let status): "its process ended with status \(status): \(result.errors)"
    case .signal(let signal): "its process was ended by signal \(signal)\n"
    case .timeout: "its process took too long\n"
    }
  }

  private final class State: @unchecked Sendable {
    private let lock = NSLock()
    private var rest: ArraySlice<Int>
    private var done = 0
    private var found: [(group: Int, problem: String)] = []

    init(_ groups: [Int]) { rest = groups[...] }

    func next() -> Int? { lock.withLock { rest.popFirst() } }

    func finished(_ group: Int, _ problem: String?, _ progress: (Int) -> Void) {
      lock.withLock {
        done += 1
        if let problem { found.append((group, problem)) }
        progress(done)
      }
    }

    var problems: [String] { lock.withLock { found.sorted { $0.group < $1.group }.map(\.problem) } }
  }
}
