import CSpadixCleanup
import Foundation

/// Files that appear together: each is written aside, where a full disk shows, and then only names change.
///
/// Whatever ends the work before `commit` (an error, Ctrl-C, a termination) leaves nothing behind, and the old files as
/// they were.
public final class StagedFiles {
  private struct Entry {
    var path: String
    var leftover: OpaquePointer
    /// Where the file goes; nil for a folder.
    var destination: String?
  }

  private var entries: [Entry] = []
  private static let serial = NSLock()
  nonisolated(unsafe) private static var count = 0

  public init() {
    // Writing beyond the limit of a process is an error here, not its end.
    signal(SIGXFSZ, SIG_IGN)
  }

  deinit {
    for entry in entries.reversed() {
      if entry.destination == nil { rmdir(entry.path) } else { unlink(entry.path) }
      spadix_leftover_keep(entry.leftover)
    }
  }

  /// Makes a folder and those above it; they go again if there is no commit and nothing else came into them.
  ///
  /// Throws `file.unwritable`.
  func makeFolder(_ path: String) throws {
    if path.isEmpty || Files.isFolder(path) { return }
    try makeFolder(Files.folder(of: path))
    guard let leftover = spadix_leftover_add(path, true) else { throw FileProblem.unwritable(path, ENOMEM) }
    if mkdir(path, 0o777) != 0 {
      let number = errno
      spadix_leftover_keep(leftover)
      // Somebody else may have been quicker.
      if number == EEXIST && Files.isFolder(path) { return }
      let reason = number == EEXIST ? "a file of that name exists" : FileProblem.text(number)
      throw Diagnostic("file.unwritable", "cannot make the folder '\(path)': \(reason)")
    }
    entries.append(Entry(path: path, leftover: leftover))
  }

  /// Writes the bytes aside. What exists and is no regular file (a device, a pipe) is written to at once.
  ///
  /// Throws `file.unwritable` and `file.disk-full`.
  public func stage(_ bytes: some Collection<UInt8>, to path: String) throws {
    let kind = try Files.checkWritable(path)
    let array = bytes as? [UInt8] ?? Array(bytes)
    guard case .file(let destination, let mode) = kind else {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileProblem.unwritable(path, errno) }
      return try write(array, to: descriptor, path)
    }
    let (descriptor, leftover, aside) = try create(besides: destination, path)
    entries.append(Entry(path: aside, leftover: leftover, destination: destination))
    if let mode { fchmod(descriptor, mode) }
    try write(array, to: descriptor, path)
  }

  /// Lets the files appear, in the order in which they were staged.
  ///
  /// Throws `file.unwritable`; then files that had their turn have appeared.
  public func commit() throws {
    spadix_signals_hold()
    defer { spadix_signals_release() }
    while let entry = entries.first {
      if let destination = entry.destination, rename(entry.path, destination) != 0 {
        throw FileProblem.unwritable(destination, errno)
      }
      spadix_leftover_keep(entry.leftover)
      entries.removeFirst()
    }
  }

  /// A new hidden file in the folder of another.
  private func create(
    besides destination: String, _ path: String
  ) throws -> (descriptor: Int32, leftover: OpaquePointer, name: String) {
    let folder = Files.folder(of: destination)
    while true {
      let number = Self.serial.withLock {
        Self.count += 1
        return Self.count
      }
      let name = "\(folder.isEmpty ? "." : folder)/.spadix-\(getpid())-\(number)"
      guard let leftover = spadix_leftover_add(name, false) else { throw FileProblem.unwritable(path, ENOMEM) }
      let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, leftover, name) }
      let error = errno
      spadix_leftover_keep(leftover)
      // Left by a process that was killed and had this one's number.
      if error != EEXIST { throw FileProblem.unwritable(path, error) }
    }
  }

  /// Writes all bytes and closes the file.
  private func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    var failure: Int32 = 0
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 && errno == EINTR { continue }
        if written <= 0 {
          failure = written < 0 ? errno : ENOSPC
          return
        }
        rest = rest.dropFirst(written)
      }
    }
    // Some file systems only say here that the disk is full.
    if close(descriptor) != 0 && failure == 0 && errno != EINTR { failure = errno }
    if failure != 0 { throw FileProblem.unwritable(path, failure, bytes: bytes.count) }
  }
}
