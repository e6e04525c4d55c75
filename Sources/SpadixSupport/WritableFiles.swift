import Foundation

/// Whether a path can be written to, asked before the work whose result goes there.
extension Files {
  enum Destination {
    /// A device or a pipe.
    case special
    /// Where the file really is, behind links, and its mode if there is one already.
    case file(path: String, mode: mode_t?)
  }

  /// Throws `file.unwritable` or `file.disk-full` for a file that cannot be written.
  @discardableResult
  static func checkWritable(_ path: String) throws -> Destination {
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFDIR: throw FileProblem.unwritable(path, EISDIR)
      case S_IFREG: break
      default:
        guard access(path, W_OK) == 0 else { throw FileProblem.unwritable(path, errno) }
        return .special
      }
      // Replacing would get around the protection of a file.
      guard access(path, W_OK) == 0 else { throw FileProblem.unwritable(path, errno) }
      guard let resolved = realpath(path, nil) else { throw FileProblem.unwritable(path, errno) }
      defer { free(resolved) }
      let real = String(cString: resolved)
      try checkFolder(Files.folder(of: real), of: path)
      return .file(path: real, mode: status.st_mode & 0o7777)
    }
    if errno != ENOENT { throw FileProblem.unwritable(path, errno) }
    let real = Files.followingLinks(path)
    guard !real.isEmpty else { throw Diagnostic("file.unwritable", "cannot write '': expected the path of a file") }
    guard !real.hasSuffix("/") else { throw FileProblem.unwritable(path, EISDIR) }
    try checkFolder(Files.folder(of: real), of: path)
    return .file(path: real, mode: nil)
  }

  /// Throws `file.unwritable` or `file.disk-full` for an output that cannot be written: a file, or one in a folder that
  /// exists or can be made.
  public static func checkOutput(_ path: String) throws { try checkWritable(path) }

  /// Throws `file.unwritable` or `file.disk-full` for a folder that can neither be made nor written into.
  public static func checkOutputFolder(_ path: String) throws {
    var folder = path
    var status = stat()
    while !folder.isEmpty, stat(folder, &status) != 0 {
      guard errno == ENOENT else {
        throw Diagnostic("file.unwritable", "cannot make the folder '\(path)': \(FileProblem.text(errno))")
      }
      folder = Files.folder(of: folder)
    }
    guard folder.isEmpty || isFolder(folder) else {
      throw Diagnostic("file.unwritable", "cannot make the folder '\(path)': '\(folder)' is a file")
    }
    try checkFolder(folder, of: path)
  }

  /// Whether a path leads to anything at all: file, folder or device. A link to nothing does not.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// - Parameter folder: empty for the working folder.
  private static func checkFolder(_ folder: String, of path: String) throws {
    let folder = folder.isEmpty ? "." : folder
    guard access(folder, W_OK | X_OK) == 0 else { throw FileProblem.unwritable(path, errno) }
    guard isFolder(folder) else { throw FileProblem.unwritable(path, ENOTDIR) }
    var status = statvfs()
    // File systems without blocks of their own say 0 of 0.
    if statvfs(folder, &status) == 0, status.f_blocks > 0, status.f_bavail == 0 {
      throw FileProblem.unwritable(path, ENOSPC)
    }
  }
}
