import CZlib
import SpadixSupport

/// A .npz file: a ZIP archive of .npy files, stored or deflated, as numpy.savez and numpy.savez_compressed write it.
public struct NpzArchive: Sendable {
  /// What the file is called in diagnostics.
  public let name: String
  /// The arrays by their names, without `.npy`, in the archive's order.
  public let names: [String]
  private let entries: [String: Entry]
  private let file: [UInt8]

  private struct Entry {
    var offset: Int
    var compressed: Int
    var size: Int
    var method: Int
  }

  /// Whether bytes begin as a ZIP archive does; four of them are enough.
  public static func isArchive(_ bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: [0x50, 0x4b, 3, 4]) }

  /// Reads the archive's directory. Throws `npz.damaged` for what is no archive.
  public init(file: [UInt8], name: String) throws {
    self.name = name
    self.file = file
    let reader = Reader(bytes: file)
    guard let directory = reader.directory() else { throw Self.damaged(name, "its directory is missing") }
    var entries: [String: Entry] = [:]
    var names: [String] = []
    var position = directory.start
    for _ in 0..<directory.count {
      guard let header = reader.centralHeader(at: position) else {
        throw Self.damaged(name, "its directory is cut off")
      }
      position = header.next
      let array = header.name.hasSuffix(".npy") ? String(header.name.dropLast(4)) : header.name
      guard entries.updateValue(header.entry, forKey: array) == nil else {
        throw Self.damaged(name, "it holds two arrays '\(array)'")
      }
      names.append(array)
    }
    self.entries = entries
    self.names = names
  }

  /// The array of a name; nil where there is none. Throws `npz.damaged`, and what reading a .npy file throws.
  public subscript(array: String) -> NpyArray? {
    get throws {
      guard let entry = entries[array] else { return nil }
      return try NpyArray(file: bytes(of: entry, array), name: "\(name):\(array)")
    }
  }

  private static func damaged(_ name: String, _ reason: String) -> Diagnostic {
    Diagnostic("npz.damaged", "'\(name)' is not a readable .npz file: \(reason)", help: "numpy.savez writes such files")
  }

  private func bytes(of entry: Entry, _ array: String) throws -> [UInt8] {
    let reader = Reader(bytes: file)
    guard let start = reader.dataStart(at: entry.offset), entry.compressed <= file.count - start else {
      throw Self.damaged(name, "the array '\(array)' is cut off")
    }
    let data = file[start..<start + entry.compressed]
    switch entry.method {
    case 0: return Array(data)
    case 8:
      // Deflate makes at most 1032 bytes of one: what claims more is damaged, and memory is not taken for it.
      guard entry.size / 1040 <= entry.compressed else { throw Self.damaged(name, "'\(array)' has a wrong size") }
      try Memory.require(entry.size, for: "the array '\(array)' of '\(name)'")
      guard let result = inflated(data, entry.size) else {
        throw Self.damaged(name, "the array '\(array)' cannot be decompressed")
      }
      return result
    default: throw Self.damaged(name, "'\(array)' is compressed by method \(entry.method); expected stored or deflated")
    }
  }

  private func inflated(_ data: ArraySlice<UInt8>, _ size: Int) -> [UInt8]? {
    var stream = z_stream()
    // Negative: without zlib's own header.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    guard data.count <= Int(UInt32.max), size <= Int(UInt32.max) else { return nil }
    var status = Z_OK
    let result = [UInt8](unsafeUninitializedCapacity: size) { output, count in
      data.withUnsafeBufferPointer { input in
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(size)
        status = inflate(&stream, Z_FINISH)
      }
      count = size - Int(stream.avail_out)
    }
    return status == Z_STREAM_END && result.count == size ? result : nil
  }

  /// Little-endian fields of a ZIP archive; nil outside of the file.
  private struct Reader {
    let bytes: [UInt8]

    func number(_ position: Int, _ width: Int) -> Int? {
      guard position >= 0, position <= bytes.count - width else { return nil }
      let value = bytes[position..<position + width].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Int(exactly: value)
    }

    /// Where the central directory starts, and how many entries it has.
    func directory() -> (start: Int, count: Int)? {
      // Behind it there is only a comment, of at most 65535 bytes.
      var position = bytes.count - 22
      let end = max(0, position - 65_535)
      while position >= end {
        if number(position, 4) == 0x0605_4b50 { break }
        position -= 1
      }
      guard position >= end, let count = number(position + 10, 2), let start = number(position + 16, 4) else {
        return nil
      }
      // Sizes beyond 32 bits stand in a record of their own.
      guard count == 0xffff || start == 0xffff_ffff else { return (start, count) }
      guard number(position - 20, 4) == 0x0706_4b50, let record = number(position - 12, 8),
        number(record, 4) == 0x0606_4b50, let wideCount = number(record + 32, 8),
        let wideStart = number(record + 48, 8), wideCount <= bytes.count / 46
      else { return nil }
      return (wideStart, wideCount)
    }

    func centralHeader(at position: Int) -> (name: String, entry: Entry, next: Int)? {
      guard number(position, 4) == 0x0201_4b50, let method = number(position + 10, 2),
        var compressed = number(position + 20, 4), var size = number(position + 24, 4),
        let nameLength = number(position + 28, 2), let extraLength = number(position + 30, 2),
        let commentLength = number(position + 32, 2), var offset = number(position + 42, 4)
      else { return nil }
      let nameStart = position + 46
      let extraStart = nameStart + nameLength
      guard extraStart + extraLength <= bytes.count else { return nil }
      // The extra field 1 holds, in this order, those of the sizes that do not fit 32 bits.
      var field = extraStart
      while field + 4 <= extraStart + extraLength, let id = number(field, 2), let length = number(field + 2, 2) {
        if id == 1 {
          var wide = field + 4
          for place in 0..<3 {
            let isWide = [size, compressed, offset][place] == 0xffff_ffff
            guard isWide else { continue }
            guard let value = number(wide, 8) else { return nil }
            if place == 0 { size = value } else if place == 1 { compressed = value } else { offset = value }
            wide += 8
          }
        }
        field += 4 + length
      }
      let name = String(decoding: bytes[nameStart..<extraStart], as: UTF8.self)
      let entry = Entry(offset: offset, compressed: compressed, size: size, method: method)
      return (name, entry, extraStart + extraLength + commentLength)
    }

    /// Where an entry's bytes start, behind its own header.
    func dataStart(at offset: Int) -> Int? {
      guard number(offset, 4) == 0x0403_4b50, let name = number(offset + 26, 2), let extra = number(offset + 28, 2)
      else {
        return nil
      }
      let start = offset + 30 + name + extra
      return start <= bytes.count ? start : nil
    }
  }
}
