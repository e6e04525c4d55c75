import Foundation

/// Reading and writing files with diagnostics that say what the system says.
public enum Files {
  /// The most that is read from a pipe, in bytes: there is no telling how much will come.
  static let largestStream = 1 << 30

  /// All bytes of a file, or of a pipe up to its end; `-` is standard input.
  ///
  /// Throws `file.not-found`, `file.is-directory`, `file.unreadable`, for devices and pipes without an end
  /// `file.endless`, and `memory.short` for a file that is larger than memory.
  ///
  /// - Parameter check: sees the first bytes of the file, up to 64, before the rest is read; it may throw.
  public static func read(_ path: String, checkingStart check: (ArraySlice<UInt8>) throws -> Void = { _ in }) throws
    -> [UInt8]
  {
    let name = path == "-" ? "standard input" : "'\(path)'"
    // Opened once: whoever writes into a pipe sees it closed when its reader goes.
    guard let file = path == "-" ? fdopen(dup(STDIN_FILENO), "rb") : fopen(path, "rb") else {
      if errno == ENOENT || errno == ENOTDIR {
        throw Diagnostic("file.not-found", "cannot read \(name): no such file")
      }
      throw FileProblem.unreadable(name, errno)
    }
    defer { fclose(file) }
    return try read(file, name, check)
  }

  /// - Parameter name: as diagnostics have it, in quotes if it is a path.
  private static func read(
    _ file: UnsafeMutablePointer<FILE>, _ name: String, _ check: (ArraySlice<UInt8>) throws -> Void
  ) throws -> [UInt8] {
    var status = stat()
    guard fstat(fileno(file), &status) == 0 else { throw FileProblem.unreadable(name, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      throw Diagnostic("file.is-directory", "cannot read \(name): expected a file, found a directory")
    // Files of size 0 may still have content, as those of /proc have.
    case S_IFREG where status.st_size > 0: return try read(file, name, size: Int(status.st_size), check)
    case S_IFBLK: throw endless(name)
    case S_IFCHR where isatty(fileno(file)) == 0 && !isNull(status): throw endless(name)
    default: return try readStream(file, name, check)
    }
  }

  /// Straight into an array of the file's size, as large programs are read: growing would copy it.
  private static func read(
    _ file: UnsafeMutablePointer<FILE>, _ name: String, size: Int, _ check: (ArraySlice<UInt8>) throws -> Void
  ) throws -> [UInt8] {
    var start = [UInt8](repeating: 0, count: startCount)
    let count = fread(&start, 1, startCount, file)
    try check(start[..<count])
    guard fseek(file, 0, SEEK_SET) == 0 else { throw FileProblem.unreadable(name, errno) }
    try Memory.require(size, for: "\(name) has \(size) bytes; reading it")
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = fread(buffer.baseAddress, 1, size, file)
    }
    guard bytes.count == size else { throw FileProblem.unreadable(name, ferror(file) == 0 ? EIO : errno) }
    return bytes
  }

  private static let startCount = 64

  private static func readStream(
    _ file: UnsafeMutablePointer<FILE>, _ name: String, _ check: (ArraySlice<UInt8>) throws -> Void
  ) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
      if bytes.isEmpty { try check(chunk[..<min(count, startCount)]) }
      guard bytes.count + count <= largestStream else { throw endless(name) }
      bytes += chunk[..<count]
    }
    guard ferror(file) == 0 else { throw FileProblem.unreadable(name, errno) }
    return bytes
  }

  private static func isNull(_ status: stat) -> Bool {
    var null = stat()
    return stat("/dev/null", &null) == 0 && null.st_rdev == status.st_rdev
  }

  private static func endless(_ name: String) -> Diagnostic {
    Diagnostic(
      "file.endless", "cannot read \(name): expected a file, or a pipe of at most 1 GiB, found data without an end",
      help: "write what is needed into a file first")
  }

  /// A text in UTF-8, without the byte order mark that some editors put before it; `-` is standard input.
  ///
  /// Throws what `read` throws, `file.too-large` and `file.encoding`.
  public static func readSource(_ path: String) throws -> SourceText {
    try checkTextSize(path)
    return try source(read(path), of: path)
  }

  /// Throws `file.too-large` for a file that is too long for a text, before anything of it is read.
  public static func checkTextSize(_ path: String) throws {
    var status = stat()
    if path != "-", stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > largestStream {
      throw tooLarge(path, Int(status.st_size))
    }
  }

  private static func tooLarge(_ name: String, _ bytes: Int) -> Diagnostic {
    Diagnostic("file.too-large", "'\(name)' has \(bytes) bytes; a text has at most 1 GiB")
  }

  /// A text whose bytes are read already.
  ///
  /// Throws `file.too-large` and `file.encoding`.
  public static func source(_ bytes: [UInt8], of path: String) throws -> SourceText {
    let name = path == "-" ? "<standard input>" : path
    guard bytes.count <= largestStream else { throw tooLarge(name, bytes.count) }
    var bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let isUTF16 =
      bytes.count >= 4
      && (bytes.starts(with: [0xFF, 0xFE]) && bytes[2] != 0 && bytes[3] == 0
        || bytes.starts(with: [0xFE, 0xFF, 0]) && bytes[3] != 0)
    if isUTF16 {
      throw Diagnostic(
        "file.encoding", "'\(name)' is text in UTF-16; expected UTF-8",
        help: "convert it: iconv -f UTF-16 -t UTF-8 '\(name)' > utf8.txt")
    }
    return SourceText(name: name, bytes: bytes)
  }

  /// Writes aside and renames, so that a reader never sees half a file and a failure leaves the old one.
  ///
  /// What exists and is no regular file (a device such as /dev/null, a pipe) is written to, not replaced; through a
  /// symbolic link, the file that it leads to is replaced.
  public static func write(_ bytes: some Collection<UInt8>, to path: String) throws {
    let files = StagedFiles()
    try files.stage(bytes, to: path)
    try files.commit()
  }

  /// Writes a text in UTF-8, as `write` does bytes. Throws `file.*`.
  public static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

  /// Makes a folder and those above it.
  public static func makeDirectory(_ path: String) throws {
    let files = StagedFiles()
    try files.makeFolder(path)
    try files.commit()
  }

  /// Writes files into a folder, made if need be: all of them, or after a failure nothing that was not there before.
  public static func write(_ files: [(name: String, bytes: [UInt8])], intoFolder folder: String) throws {
    let staged = StagedFiles()
    try staged.makeFolder(folder)
    for file in files { try staged.stage(file.bytes, to: folder + "/" + file.name) }
    try staged.commit()
  }
}
