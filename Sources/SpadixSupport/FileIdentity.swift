import Foundation

/// Which file a path leads to, whatever the path looks like: links are followed, and so is `..`.
public enum FileIdentity: Hashable, Sendable {
  case existing(device: UInt64, inode: UInt64)
  /// A file that is yet to be made, by its folder and its name.
  case missing(path: String)

  /// Nil for what several readers and writers may share: pipes, terminals, /dev/null.
  public init?(_ path: String) {
    var status = stat()
    if stat(path, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      guard kind == S_IFREG || kind == S_IFDIR else { return nil }
      self = .existing(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    } else {
      let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
      let folder = url.deletingLastPathComponent().resolvingSymlinksInPath()
      self = .missing(path: folder.appendingPathComponent(url.lastPathComponent).path)
    }
  }
}
