import CSpadixCleanup
import Foundation

/// A folder of the system's temporary place that goes, with the files named here, when its owner is done or a signal ends the
/// process.
public final class TemporaryFolder {
  /// Of the folder, whose name no other process has.
  public let path: String
  /// Folders before what lies in them.
  private var entries: [(path: String, leftover: OpaquePointer, isFolder: Bool)] = []

  /// Throws `file.unwritable`.
  public init(prefix: String) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("\(prefix)-\(UUID().uuidString)").path
    try makeFolder(path)
  }

  deinit {
    for entry in entries.reversed() {
      if entry.isFolder { rmdir(entry.path) } else { unlink(entry.path) }
      spadix_leftover_keep(entry.leftover)
    }
  }

  /// The path of a file in the folder, whoever writes it.
  ///
  /// Throws `file.unwritable` when there is no memory to remember it.
  public func file(_ name: String) throws -> String {
    let file = "\(path)/\(name)"
    try register(file, isFolder: false)
    return file
  }

  /// Writes a file; the folders in its name are made.
  ///
  /// Throws `file.unwritable`.
  public func write(_ bytes: some Collection<UInt8>, to name: String) throws {
    let file = "\(path)/\(name)"
    try makeFolder(Files.folder(of: file))
    try register(file, isFolder: false)
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: file))
    } catch {
      throw Diagnostic("file.unwritable", "cannot write '\(file)': \(error.localizedDescription)")
    }
  }

  private func makeFolder(_ folder: String) throws {
    if Files.isFolder(folder) { return }
    try register(folder, isFolder: true)
    if mkdir(folder, 0o700) != 0 { throw FileProblem.unwritable(folder, errno) }
  }

  private func register(_ path: String, isFolder: Bool) throws {
    guard let leftover = spadix_leftover_add(path, isFolder) else { throw FileProblem.unwritable(path, ENOMEM) }
    entries.append((path, leftover, isFolder))
  }
}
