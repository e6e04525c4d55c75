import Foundation

/// What the system's error numbers mean to somebody who asked for a file.
enum FileProblem {
  /// - Parameter name: as diagnostics have it, in quotes if it is a path.
  static func unreadable(_ name: String, _ number: Int32) -> Diagnostic {
    Diagnostic("file.unreadable", "cannot read \(name): \(text(number))")
  }

  /// - Parameter bytes: how many were to be written; nil where the size has nothing to do with it.
  static func unwritable(_ path: String, _ number: Int32, bytes: Int? = nil) -> Diagnostic {
    let folder = Files.folder(of: Files.followingLinks(path))
    let size = bytes.map { ", \($0) bytes are to be written" } ?? ""
    switch number {
    case ENOSPC:
      return Diagnostic(
        "file.disk-full",
        "cannot write '\(path)': the disk is full\(size)\(path.hasPrefix("/dev/") ? "" : free(in: folder))",
        help: "free space there, or write to another disk")
    case EDQUOT:
      return Diagnostic(
        "file.disk-full", "cannot write '\(path)': your quota of the disk is used up\(size)",
        help: "free space there, or write to another disk")
    case EFBIG:
      return Diagnostic(
        "file.disk-full", "cannot write '\(path)': that is more than a file may have\(size)",
        help: "raise the limit on the size of files (ulimit -f), or write to another disk")
    case ENOENT:
      return Diagnostic(
        "file.unwritable", "cannot write '\(path)': the folder '\(folder)' does not exist",
        help: "make the folder first: mkdir -p '\(folder)'")
    case EISDIR:
      return Diagnostic("file.unwritable", "cannot write '\(path)': expected a file, found a directory")
    default: return Diagnostic("file.unwritable", "cannot write '\(path)': \(text(number))")
    }
  }

  private static func free(in folder: String) -> String {
    var status = statvfs()
    guard statvfs(folder.isEmpty ? "." : folder, &status) == 0 else { return "" }
    return ", \(Int(status.f_bavail) * Int(status.f_frsize)) are free"
  }

  static func text(_ number: Int32) -> String {
    let text = String(cString: strerror(number))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
