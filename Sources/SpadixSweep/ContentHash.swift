import Foundation
import SpadixSupport

/// A hash of text and files: FNV-1a with 64 bits. Whoever looks something up by it compares the text as well.
struct ContentHash {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  mutating func add(_ text: String) { add(text.utf8) }

  /// Sixteen hexadecimal digits.
  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func of(_ text: String) -> String {
    var hash = ContentHash()
    hash.add(text)
    return hash.text
  }

  /// Of a file's bytes, eight at a time: files are large.
  static func ofFile(_ path: String) throws -> String {
    let bytes = try Files.read(path)
    var state: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(bytes.count)
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        state = (state ^ buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian) &* 0x100_0000_01b3
        state ^= state >> 29
        offset += 8
      }
      while offset < buffer.count {
        state = (state ^ UInt64(buffer[offset])) &* 0x100_0000_01b3
        offset += 1
      }
    }
    var hash = ContentHash()
    hash.state = state
    return hash.text
  }

  /// Of the running binary: what another build computed is not taken for what this one would.
  static func ofThisBuild() -> String {
    (try? ofFile("/proc/self/exe")) ?? "version \(Version.current)"
  }
}
