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
      let file = Files.followingLinks(path)
      let name = file.split(separator: "/").last.map(String.init) ?? ""
      let folder = Files.folder(of: file)
      guard let real = realpath(folder.isEmpty ? "." : folder, nil) else {
        self = .missing(path: URL(fileURLWithPath: file).standardizedFileURL.path)
        return
      }
      defer { free(real) }
      self = .missing(path: String(cString: real) + "/" + name)
    }
  }
}
