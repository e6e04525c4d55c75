/// Elements that files hold as little-endian bytes.
public protocol LittleEndianElement: BitwiseCopyable, Sendable {
  /// The value whose bytes in memory were read from a little-endian file; its own inverse.
  var littleEndianSwapped: Self { get }
}

extension FixedWidthInteger where Self: BitwiseCopyable {
  /// The witness of `LittleEndianElement` for all integers.
  public var littleEndianSwapped: Self { littleEndian }
}

extension Int8: LittleEndianElement {}
extension UInt8: LittleEndianElement {}
extension Int16: LittleEndianElement {}
extension UInt16: LittleEndianElement {}
extension Int32: LittleEndianElement {}
extension UInt32: LittleEndianElement {}
extension Int64: LittleEndianElement {}
extension UInt64: LittleEndianElement {}

extension Float: LittleEndianElement {
  public var littleEndianSwapped: Float { Float(bitPattern: bitPattern.littleEndian) }
}

extension Double: LittleEndianElement {
  public var littleEndianSwapped: Double { Double(bitPattern: bitPattern.littleEndian) }
}

/// The values as little-endian bytes.
public func littleEndianBytes<Element: LittleEndianElement>(_ values: [Element]) -> [UInt8] {
  let swapped = isLittleEndian ? values : values.map(\.littleEndianSwapped)
  return swapped.withUnsafeBytes { [UInt8]($0) }
}

/// The values in little-endian bytes; a remainder shorter than one element is ignored.
public func littleEndianValues<Element: LittleEndianElement>(
  _ bytes: some Collection<UInt8>, as type: Element.Type = Element.self
) -> [Element] {
  let count = bytes.count / MemoryLayout<Element>.size
  let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
    UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes.prefix(count * MemoryLayout<Element>.size))
    initialized = count
  }
  return isLittleEndian ? values : values.map(\.littleEndianSwapped)
}

private let isLittleEndian = 1.littleEndian == 1
