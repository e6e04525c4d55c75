import Foundation

/// Reading and writing files with diagnostics instead of Foundation's errors.
public enum Files {
  /// All bytes of a file, or of a pipe or device up to its end.
  ///
  /// Throws `file.not-found`, `file.is-directory` and `file.unreadable`.
  public static func read(_ path: String) throws -> [UInt8] {
    // Opened once: whoever writes into a pipe sees it closed when its reader goes.
    guard let file = fopen(path, "rb") else {
      if errno == ENOENT || errno == ENOTDIR {
        throw Diagnostic("file.not-found", "cannot read '\(path)': no such file")
      }
      throw unreadable(path)
    }
    defer { fclose(file) }
    var status = stat()
    guard fstat(fileno(file), &status) == 0 else { throw unreadable(path) }
    if status.st_mode & S_IFMT == S_IFDIR {
      throw Diagnostic("file.is-directory", "cannot read '\(path)': expected a file, found a directory")
    }
    // A regular file straight into an array of its size, as large programs are read: growing would copy it. Files of
    // size 0 may still have content, as those of /proc have.
    let size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    var bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = size == 0 ? 0 : fread(buffer.baseAddress, 1, size, file)
    }
    guard bytes.count == size else { throw unreadable(path) }
    if size == 0 {
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
      guard ferror(file) == 0 else { throw unreadable(path) }
    }
    return bytes
  }

  private static func unreadable(_ path: String) -> Diagnostic {
    Diagnostic("file.unreadable", "cannot read '\(path)': permission denied or input/output error")
  }

  public static func readSource(_ path: String) throws -> SourceText {
    SourceText(name: path, bytes: try read(path))
  }

  /// Writes aside and renames, so that a reader never sees half a file and a failure leaves the old one.
  ///
  /// What exists and is no regular file (a device such as /dev/null, a pipe) is written to, not replaced; through a
  /// symbolic link, the file that it leads to is replaced.
  public static func write(_ bytes: some Collection<UInt8>, to path: String) throws {
    var status = stat()
    let isSpecial =
      stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG && status.st_mode & S_IFMT != S_IFDIR
    do {
      if isSpecial {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.write(contentsOf: Data(bytes))
        try file.close()
      } else {
        try Data(bytes).write(to: URL(fileURLWithPath: path).resolvingSymlinksInPath(), options: .atomic)
      }
    } catch {
      throw unwritable(path)
    }
  }

  private static func unwritable(_ path: String) -> Diagnostic {
    Diagnostic(
      "file.unwritable", "cannot write '\(path)'", help: "check that the folder exists and that you may write to it")
  }

  public static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

  /// Makes a folder and those above it.
  public static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Diagnostic("file.unwritable", "cannot make the folder '\(path)'")
    }
  }

  /// Writes files into a folder, made if need be: all of them, or after a failure nothing that was not there before.
  public static func write(_ files: [(name: String, bytes: [UInt8])], intoFolder folder: String) throws {
    let made = outermostMissing(folder)
    let aside = folder + "/.partial-\(getpid())"
    do {
      try makeDirectory(folder)
      // First all bytes, where a full disk shows; then only names change.
      guard (try? makeDirectory(aside)) != nil else { throw unwritable(folder) }
      for file in files {
        guard (try? write(file.bytes, to: aside + "/" + file.name)) != nil else {
          throw unwritable(folder + "/" + file.name)
        }
      }
      for file in files where isDirectory(folder + "/" + file.name) {
        throw Diagnostic(
          "file.unwritable", "cannot write '\(folder)/\(file.name)': expected a file, found a directory",
          help: "choose another folder")
      }
      for file in files where rename(aside + "/" + file.name, folder + "/" + file.name) != 0 {
        throw unwritable(folder + "/" + file.name)
      }
      try? FileManager.default.removeItem(atPath: aside)
    } catch {
      try? FileManager.default.removeItem(atPath: made ?? aside)
      throw error
    }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The highest folder of a path that is yet to be made; nil when there is none.
  private static func outermostMissing(_ folder: String) -> String? {
    var path = folder
    var missing: String?
    while !path.isEmpty, !FileManager.default.fileExists(atPath: path) {
      missing = path
      let parent = Files.folder(of: path)
      if parent == path { break }
      path = parent
    }
    return missing
  }

  /// A path that stands in a file, resolved against the folder of that file.
  public static func resolve(_ path: String, relativeTo file: String) -> String {
    if path.hasPrefix("/") { return path }
    let folder = folder(of: file)
    return folder.isEmpty ? path : folder + "/" + path
  }
}

extension Files {
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
