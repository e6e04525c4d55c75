import Foundation
import SpadixIR
import SpadixSupport
import SpadixTensor
import Testing

/// A folder with a safetensors and two .npy files, removed at the end of the test.
private final class DataFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

  init() throws {
    try Files.makeDirectory(path)
    var writer = SafetensorsWriter()
    writer.add("weight", Tensor(shape: [2], [1, 2]))
    writer.add("bias", Tensor(.i32([2]), .i32([3, 4])))
    writer.add("bad", Tensor(shape: [2], [1, .nan]))
    writer.add("q", Tensor(.i8([2]), .i8([5, 6])))
    try writer.write(to: path + "/w.safetensors")
    try Files.write(NpyArray.file(of: Tensor(shape: [2], [7, 8])), to: path + "/x.npy")
    try Files.write([1, 2, 3], to: path + "/broken.npy")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The tensor that a source gives for a type, or the id of what is wrong.
  func load(_ type: String, _ source: String) throws -> Result<Tensor, LoadError> {
    let text = "data @d : \(type) = \(source)\ngraph @g(%x: f32[1]) -> f32[1] { return %x }"
    let graph = try Graph(parsing: SourceText(name: "g", text: text), baseFile: path + "/g.spx")
    do {
      return .success(try DataStore().tensor(graph.data[0]))
    } catch let diagnostic as Diagnostic {
      return .failure(LoadError(id: diagnostic.id, hasPlace: diagnostic.range != nil))
    }
  }
}

private struct LoadError: Error, Equatable {
  var id: String
  var hasPlace: Bool
}

@Suite("Data")
struct DataStoreTests {
  @Test("every source")
  func sources() throws {
    let folder = try DataFolder()
    func tensor(_ type: String, _ source: String) throws -> Tensor { try folder.load(type, source).get() }
    #expect(try tensor("f32[2]", "file(\"w.safetensors\", \"weight\")").floats == [1, 2])
    #expect(try tensor("i32[2]", "file(\"w.safetensors\", \"bias\")").int32s == [3, 4])
    #expect(try tensor("q8<0.5, 1>[2]", "file(\"w.safetensors\", \"q\")").realValues == [2, 2.5])
    #expect(try tensor("f32[2]", "file(\"x.npy\")").floats == [7, 8])
    #expect(try tensor("f32[3]", "splat(-2)").floats == [-2, -2, -2])
    #expect(try tensor("i32[1, 2]", "[[2147483647, -2147483648]]").int32s == [.max, .min])
    #expect(try tensor("f32[]", "[4]").floats == [4])
    #expect(try tensor("i32[2]", "hex(\"01000000\", \"ffffffff\")").int32s == [1, -1])
    #expect(try tensor("q8<1.0, 0>[4]", "random(seed = 1, low = 2, high = 2)").int8s == [2, 2, 2, 2])
    #expect(
      try tensor("f32[4]", "random(seed = 9)").floats == RandomTensor.uniform(count: 4, seed: 9, low: -1, high: 1))
    #expect(
      try tensor("f32[4]", "random(seed = 9, laplace = 0.5)").floats
        == RandomTensor.laplace(count: 4, seed: 9, scale: 0.5))
  }

  @Test("what cannot be loaded is reported at the definition")
  func errors() throws {
    let folder = try DataFolder()
    func id(_ type: String, _ source: String) throws -> String? {
      guard case .failure(let error) = try folder.load(type, source) else { return nil }
      #expect(error.hasPlace)
      return error.id
    }
    #expect(try id("f32[2]", "file(\"none.npy\")") == "file.not-found")
    #expect(try id("f32[2]", "file(\"broken.npy\")") == "npy.magic")
    #expect(try id("f32[2]", "file(\"broken.npy\", \"x\")") == "safetensors.truncated")
    #expect(try id("f32[2]", "file(\"w.safetensors\", \"wieght\")") == "data.missing-tensor")
    #expect(try id("f32[3]", "file(\"w.safetensors\", \"weight\")") == "data.shape")
    #expect(try id("i8[2]", "file(\"w.safetensors\", \"weight\")") == "data.type")
    #expect(try id("f32[1, 2]", "file(\"x.npy\")") == "data.shape")
    #expect(try id("i32[2]", "file(\"x.npy\")") == "data.type")
    #expect(try id("f32[2]", "file(\"w.safetensors\", \"bad\")") == "data.not-finite")
    #expect(try id("f32[1]", "hex(\"0000807f\")") == "data.not-finite")
  }
}
