import SpadixSupport
import Testing

@testable import SpadixTensor

/// A version 1.0 file as NumPy would lay it out, without the alignment, which readers ignore.
private func npy(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
  let length = header.utf8.count
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(length & 0xff), UInt8(length >> 8)]
  if version > 1 { bytes += [0, 0] }
  return bytes + Array(header.utf8) + data
}

private func header(_ descr: String, _ shape: String, order: String = "False") -> String {
  "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }\n"
}

private func errorID(_ bytes: [UInt8]) -> String? {
  do {
    _ = try NpyArray(file: bytes, name: "t.npy")
    return nil
  } catch { return (error as? Diagnostic)?.id ?? "\(error)" }
}

private let damaged: [(String, [UInt8])] = [
  ("npy.magic", []),
  ("npy.magic", Array("hello, world".utf8)),
  ("npy.version", npy(header("<f4", "(1,)"), [0, 0, 0, 0], version: 9)),
  ("npy.dtype", npy(header("<c8", "(1,)"), [UInt8](repeating: 0, count: 8))),
  ("npy.dtype", npy(header("|O", "(1,)"), [])),
  ("npy.header", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", [])),
  ("npy.header", npy("{'descr': '<f4'}", [])),
  ("npy.header", npy(header("<f4", "(-1,)"), [])),
  ("npy.header", npy(header("<f4", "(1,)") + "x", [0, 0, 0, 0])),
  ("npy.truncated", npy(header("<f4", "(2,)"), [0, 0, 0, 0])),
  ("npy.truncated", npy(header("<f4", "(1,)"), [0, 0, 0, 0, 0])),
  ("npy.shape", npy(header("<f8", "(9223372036854775807, 3)"), [])),
  ("npy.truncated", Array(npy(header("<f4", "(1,)"), []).prefix(20))),
]

@Suite("Npy")
struct NpyTests {
  @Test("what is written reads back, and its data are aligned")
  func roundTrip() throws {
    for tensor in [
      Tensor(shape: [2, 3], [1, 2, 3, -4, .nan, 0.5]), Tensor(.i32([2]), .i32([.min, .max])),
      Tensor(.q8([3], scale: 1), .i8([-128, 0, 127])), Tensor(shape: [], [4]),
    ] {
      let file = NpyArray.file(of: tensor)
      #expect((file.count - tensor.type.byteCount) % 64 == 0)
      #expect(try NpyArray(file: file, name: "t").tensor(tensor.type) == tensor)
      #expect(try NpyArray(file: file, name: "t").shape == tensor.type.shape)
    }
  }

  @Test("element types")
  func elements() throws {
    let doubles = try NpyArray(file: npy(header("<f8", "(2,)"), littleEndianBytes([0.1, -2.0])), name: "t")
    #expect(doubles.floats == [0.1, -2])
    #expect(doubles.integers == nil)
    let longs = try NpyArray(file: npy(header("<i8", "(2,)"), littleEndianBytes([-1, 7] as [Int64])), name: "t")
    #expect(longs.integers == [-1, 7])
    let bytes = try NpyArray(file: npy(header("|u1", "(2,)"), [0, 255]), name: "t")
    #expect(bytes.floats == [0, 255])
    #expect(bytes.tensor(.i8([2])) == nil)
    let flags = try NpyArray(file: npy(header("|b1", "(2,)"), [0, 1]), name: "t")
    #expect(flags.integers == [0, 1])
  }

  @Test("versions 2 and 3 have a longer length field")
  func versions() throws {
    for version: UInt8 in [2, 3] {
      let file = npy(header("<i4", "(1,)"), [5, 0, 0, 0], version: version)
      #expect(try NpyArray(file: file, name: "t").integers == [5])
    }
  }

  @Test("each kind of damage has its diagnostic", arguments: damaged)
  func damage(expected: String, bytes: [UInt8]) { #expect(errorID(bytes) == expected) }

  @Test("no prefix and no flipped byte crashes the reader")
  func hostile() {
    let bytes = NpyArray.file(of: Tensor(shape: [2, 2], [1, 2, 3, 4]))
    for count in bytes.indices { #expect(errorID(Array(bytes[..<count])) != nil) }
    var random = SplitMix64(seed: 11)
    for _ in 0..<2000 {
      var changed = bytes
      changed[Int.random(in: 0..<80, using: &random)] = .random(in: 0...255, using: &random)
      _ = errorID(changed)
    }
  }
}
