/// A named text that diagnostics point into: a graph file, a target file, an assembly listing.
public final class SourceText: Sendable {
  /// The path as the user gave it, or a description such as `<standard input>`.
  public let name: String
  /// As in the file; what is no UTF-8 there is shown with replacement characters.
  public let bytes: [UInt8]
  /// Byte offset at which each line starts.
  private let lineStarts: [Int]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") { starts.append(offset + 1) }
    self.lineStarts = starts
  }

  /// A text that is in memory already.
  public convenience init(name: String, text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// The line and column, both from 1, of a byte offset. The column counts bytes.
  public func position(of offset: Int) -> (line: Int, column: Int) {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    return (low + 1, offset - lineStarts[low] + 1)
  }

  /// The text of a line, from 1, without its line break.
  public func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}

/// A range of bytes in a source text.
public struct SourceRange: Sendable {
  /// The text that the offsets count in.
  public var source: SourceText
  /// Byte offset of the first byte.
  public var start: Int
  /// Byte offset behind the last byte; `start` for a place between bytes.
  public var end: Int

  public init(_ source: SourceText, _ start: Int, _ end: Int) {
    self.source = source
    self.start = start
    self.end = end
  }
}
