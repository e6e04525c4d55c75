import Foundation

/// A process that is waited for.
public enum ChildProcess {
  /// How a process ended.
  public enum Ending: Equatable, Sendable {
    case exit(Int32)
    case signal(Int32)
    /// It took longer than it may, and was ended.
    case timeout
  }

  /// What is left of a process that has ended.
  public struct Result: Sendable {
    /// A process that was ended for its time is a `timeout`, whatever the system says.
    public var ending: Ending
    /// What it wrote to standard output and to standard error, the beginning of each.
    public var output: String
    /// As `output`: at most 1 MiB of each is kept.
    public var errors: String

    /// Whether it exited by itself, with status 0.
    public var isSuccess: Bool { ending == .exit(0) }
  }

  private static let maximumBytes = 1 << 20

  /// The first of these programs that is on the path.
  public static func find(_ names: [String]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    for name in names {
      for folder in folders {
        let path = "\(folder)/\(name)"
        if FileManager.default.isExecutableFile(atPath: path) { return path }
      }
    }
    return nil
  }

  /// Runs a program without input.
  ///
  /// - Parameter seconds: after which it is ended; nil for as long as it takes.
  /// Throws `process.start` when it cannot be started.
  public static func run(_ program: String, _ arguments: [String], seconds: Int? = nil) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do {
      try process.run()
    } catch {
      throw Diagnostic("process.start", "cannot start '\(program)': \(error.localizedDescription)")
    }
    let readers = [output, errors].map { PipeReader($0.fileHandleForReading, limit: maximumBytes) }
    var isInTime = true
    if let seconds {
      isInTime = ended.wait(timeout: .now() + .seconds(seconds)) == .success
      if !isInTime {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
      }
    } else {
      ended.wait()
    }
    let texts = readers.map { $0.finish() }
    let status = process.terminationStatus
    let ending: Ending =
      !isInTime ? .timeout : process.terminationReason == .exit ? .exit(status) : .signal(status)
    return Result(ending: ending, output: texts[0], errors: texts[1])
  }
}

/// Reads all of a pipe, so that no writer waits, and keeps the beginning.
private final class PipeReader: @unchecked Sendable {
  private let lock = NSLock()
  private var kept = Data()
  private let done = DispatchSemaphore(value: 0)

  init(_ handle: FileHandle, limit: Int) {
    let thread = Thread { [self] in
      while true {
        let bytes = handle.availableData
        if bytes.isEmpty { break }
        lock.withLock { if kept.count < limit { kept += bytes.prefix(limit - kept.count) } }
      }
      done.signal()
    }
    thread.start()
  }

  /// A process of the child's own may hold the pipe open: it is not waited for.
  func finish() -> String {
    _ = done.wait(timeout: .now() + .seconds(1))
    return lock.withLock { String(decoding: kept, as: UTF8.self) }
  }
}
