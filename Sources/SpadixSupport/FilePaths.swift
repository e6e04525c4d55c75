import Foundation

/// What the text of paths says.
extension Files {
  /// A path that stands in a file, resolved against the folder of that file. `-` is a name like others there.
  public static func resolve(_ path: String, relativeTo file: String?) -> String {
    if path.hasPrefix("/") { return path }
    let folder = file.map { Files.folder(of: $0) } ?? ""
    if path == "-" && folder.isEmpty { return "./-" }
    return folder.isEmpty ? path : folder + "/" + path
  }

  /// The path from the root of the file system.
  public static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// Where a path leads that may be a symbolic link, also one whose file is yet to be made.
  static func followingLinks(_ path: String) -> String {
    var path = path
    // As many as the system follows.
    for _ in 0..<40 {
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
      let folder = folder(of: path)
      path = target.hasPrefix("/") || folder.isEmpty ? target : folder + "/" + target
    }
    return path
  }

  /// The folder of a file as its path says it; empty for the working folder.
  ///
  /// Foundation's `deletingLastPathComponent` ends the process for a name of one character.
  public static func folder(of path: String) -> String {
    let slash = UInt8(ascii: "/")
    // Slashes at the end name the same file; those before it belong to neither.
    let name = path.utf8.reversed().drop { $0 == slash }
    let folder = name.drop { $0 != slash }
    let stem = folder.drop { $0 == slash }
    if stem.isEmpty { return path.hasPrefix("/") ? "/" : "" }
    return String(decoding: stem.reversed(), as: UTF8.self)
  }

  /// A path that leads from a folder to a file; each is absolute or relative to the working folder. An absolute path is
  /// kept where the folder is not absolute as well.
  public static func relativePath(of path: String, from folder: String) -> String {
    if path.hasPrefix("/") && !folder.hasPrefix("/") { return path }
    let file = absoluteComponents(path)
    let start = absoluteComponents(folder)
    let shared = zip(file, start).prefix { $0 == $1 }.count
    return (Array(repeating: "..", count: start.count - shared) + file[shared...]).joined(separator: "/")
  }

  /// Whether two paths name the same place, as far as their text says.
  public static func isSame(_ left: String, _ right: String) -> Bool {
    absoluteComponents(left) == absoluteComponents(right)
  }

  private static func absoluteComponents(_ path: String) -> [String] {
    let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var components: [String] = []
    for component in absolute.split(separator: "/") where component != "." {
      if component == "..", !components.isEmpty {
        components.removeLast()
      } else {
        components.append(String(component))
      }
    }
    return components
  }
}
