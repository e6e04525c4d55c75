import Foundation
import SpadixSupport
import Testing

@Suite("Files")
struct FilesTests {
  @Test("paths relative to a file")
  func resolve() {
    #expect(Files.resolve("w.npy", relativeTo: "a/b.spx") == "a/w.npy")
    #expect(Files.resolve("w.npy", relativeTo: "b.spx") == "w.npy")
    #expect(Files.resolve("/w.npy", relativeTo: "a/b.spx") == "/w.npy")
  }

  @Test("paths from a folder")
  func relativePath() {
    #expect(Files.relativePath(of: "a/w.npy", from: "a") == "w.npy")
    #expect(Files.relativePath(of: "a/w.npy", from: "") == "a/w.npy")
    #expect(Files.relativePath(of: "a/w.npy", from: "out/deep") == "../../a/w.npy")
    #expect(Files.relativePath(of: "/x/w.npy", from: "out") == "/x/w.npy")
    #expect(Files.relativePath(of: "/x/w.npy", from: "/x/y/../z") == "../w.npy")
    #expect(Files.isSame("a/./b", "a/c/../b"))
  }

  @Test("the folder of a path, also for names of one character")
  func folder() {
    #expect(Files.folder(of: "a") == "")
    #expect(Files.folder(of: "/a") == "/")
    #expect(Files.folder(of: "a/b.spx") == "a")
    #expect(Files.folder(of: "/a/ä/b/") == "/a/ä")
    #expect(Files.folder(of: "a//b") == "a")
    #expect(Files.folder(of: "/") == "/")
    #expect(Files.folder(of: "") == "")
    #expect(Files.resolve("w.npy", relativeTo: "g") == "w.npy")
  }

  @Test("what cannot be read or written has a diagnostic")
  func errors() {
    func id(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Diagnostic)?.id }
    }
    let folder = FileManager.default.temporaryDirectory.path
    #expect(id { _ = try Files.read(folder + "/no-such-file") } == "file.not-found")
    #expect(id { _ = try Files.read(folder) } == "file.is-directory")
    #expect(id { try Files.write("x", to: folder + "/no-such-folder/x") } == "file.unwritable")
    #expect(id { try Files.makeDirectory("/dev/null/x") } == "file.unwritable")
  }

  @Test("a pipe is written to and stays a pipe")
  func pipe() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    // Both ends are open here, so that neither side waits for the other.
    let descriptor = open(path, O_RDWR | O_NONBLOCK)
    defer { close(descriptor) }
    try Files.write("text", to: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    var buffer = [UInt8](repeating: 0, count: 8)
    #expect(read(descriptor, &buffer, 8) == 4)
    #expect(Array(buffer[..<4]) == Array("text".utf8))
  }

  @Test("through a symbolic link, the file behind it is made, and known to be the same")
  func danglingLink() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try Files.makeDirectory(folder + "/deep")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "deep/../deep/file")
    try manager.createSymbolicLink(atPath: folder + "/second", withDestinationPath: folder + "/link")
    try manager.createSymbolicLink(atPath: folder + "/nowhere", withDestinationPath: "none/file")
    #expect(FileIdentity(folder + "/link") == FileIdentity(folder + "/deep/file"))
    #expect(FileIdentity(folder + "/second") == FileIdentity(folder + "/deep/file"))
    #expect(FileIdentity(folder + "/link") != FileIdentity(folder + "/deep/other"))
    try Files.write("new", to: folder + "/second")
    #expect(try Files.read(folder + "/deep/file") == Array("new".utf8))
    #expect(try manager.destinationOfSymbolicLink(atPath: folder + "/second") == folder + "/link")
    #expect(throws: Diagnostic.self) { try Files.write("new", to: folder + "/nowhere") }
  }

  @Test("through a symbolic link, the file behind it is replaced")
  func symbolicLink() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try Files.makeDirectory(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Files.write("old", to: folder + "/file")
    try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/file")
    try Files.write("new", to: folder + "/link")
    #expect(try Files.read(folder + "/file") == Array("new".utf8))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == folder + "/file")
  }
}
