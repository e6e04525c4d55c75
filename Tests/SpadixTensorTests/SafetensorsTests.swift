import SpadixSupport
import Testing

@testable import SpadixTensor

/// A file with this header and this many zero bytes of data.
private func file(_ header: String, data: Int) -> [UInt8] {
  littleEndianBytes([UInt64(header.utf8.count)]) + Array(header.utf8) + [UInt8](repeating: 0, count: data)
}

private func errorID(_ bytes: [UInt8]) -> String? {
  do {
    _ = try Safetensors(file: bytes, name: "t")
    return nil
  } catch { return (error as? Diagnostic)?.id ?? "\(error)" }
}

private let damaged: [(String, String, Int)] = [
  ("safetensors.header", "[]", 0),
  ("json.syntax", "{\"a\": ", 0),
  ("json.syntax", "{\"a\": {\"dtype\": \"U8\", \"shape\": [], \"data_offsets\": [0, 1]}, \"a\": 1}", 1),
  ("safetensors.header", "{\"a\": {\"dtype\": \"U8\", \"shape\": [1]}}", 1),
  ("safetensors.header", "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1, 2]}}", 1),
  ("safetensors.dtype", "{\"a\": {\"dtype\": \"X9\", \"shape\": [1], \"data_offsets\": [0, 1]}}", 1),
  ("safetensors.shape", "{\"a\": {\"dtype\": \"U8\", \"shape\": [-1], \"data_offsets\": [0, 1]}}", 1),
  ("safetensors.shape", "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 1]}}", 1),
  (
    "safetensors.shape",
    "{\"a\": {\"dtype\": \"F64\", \"shape\": [9223372036854775807, 8], \"data_offsets\": [0, 1]}}", 1
  ),
  ("safetensors.truncated", "{\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [0, 4]}}", 3),
  ("safetensors.offsets", "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [1, 2]}}", 2),
  ("safetensors.offsets", "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [2, 1]}}", 2),
  ("safetensors.offsets", "{\"a\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}}", 2),
  ("safetensors.header", "{\"__metadata__\": {\"a\": 1}}", 0),
]

@Suite("Safetensors")
struct SafetensorsTests {
  @Test("what is written reads back")
  func roundTrip() throws {
    var writer = SafetensorsWriter()
    writer.metadata = [Safetensors.Metadata("format", "x \"y\" \n")]
    writer.add("weights", Tensor(shape: [2, 2], [1, -2, 0.5, .infinity]))
    writer.add("commands", .u64, shape: [1, 3], values: [1, 2, UInt64.max])
    writer.add("empty", .u8, shape: [0], bytes: [])
    writer.add("q", Tensor(.q8([3], scale: 1), .i8([-128, 0, 127])))
    let file = try Safetensors(file: writer.serialized(), name: "t")
    #expect(file.entries.count == 4)
    #expect(file.metadata("format") == "x \"y\" \n")
    #expect(file.values(of: file["weights"]!, as: Float.self) == [1, -2, 0.5, .infinity])
    #expect(file.values(of: file["commands"]!, as: UInt64.self) == [1, 2, .max])
    #expect(file.values(of: file["q"]!, as: Int8.self) == [-128, 0, 127])
    #expect(file["commands"]!.shape == [1, 3])
    #expect(file.bytes(of: file["empty"]!).isEmpty)
    #expect(file["none"] == nil)
  }

  @Test("the data start at a multiple of 8 bytes")
  func alignment() throws {
    for length in 0..<16 {
      var writer = SafetensorsWriter()
      writer.add(String(repeating: "n", count: length), .u8, shape: [1], bytes: [7])
      let file = try Safetensors(file: writer.serialized(), name: "t")
      #expect(file.entries[0].range.lowerBound % 8 == 0)
    }
  }

  @Test("each kind of damage has its diagnostic", arguments: damaged)
  func damage(expected: String, header: String, data: Int) {
    #expect(errorID(file(header, data: data)) == expected)
  }

  @Test("files too short for their header")
  func short() {
    #expect(errorID([]) == "safetensors.truncated")
    #expect(errorID([1, 2, 3]) == "safetensors.truncated")
    #expect(errorID(littleEndianBytes([UInt64.max])) == "safetensors.truncated")
    #expect(errorID(littleEndianBytes([100 as UInt64]) + [0x7b]) == "safetensors.truncated")
  }

  @Test("no prefix and no flipped byte crashes the reader")
  func hostile() throws {
    var writer = SafetensorsWriter()
    writer.metadata = [Safetensors.Metadata("k", "v")]
    writer.add("a", Tensor(shape: [2, 2], [1, 2, 3, 4]))
    writer.add("b", .i64, shape: [2], values: [1, 2] as [Int64])
    let bytes = writer.serialized()
    for count in bytes.indices { #expect(errorID(Array(bytes[..<count])) != nil) }
    var random = SplitMix64(seed: 7)
    for _ in 0..<2000 {
      var changed = bytes
      changed[Int.random(in: changed.indices, using: &random)] = .random(in: 0...255, using: &random)
      _ = errorID(changed)
    }
  }
}
