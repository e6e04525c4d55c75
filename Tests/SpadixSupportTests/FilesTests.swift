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
}
