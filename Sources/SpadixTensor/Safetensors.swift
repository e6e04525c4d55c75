import SpadixSupport

/// A safetensors file: named tensors as byte ranges of one buffer, and string metadata.
///
/// The layout: 8 bytes little-endian length of the header, the header as JSON, then the tensors' bytes, which must lie
/// one behind the other without gaps. Reading copies no tensor; a range is handed out as a slice of the file's bytes.
public struct Safetensors: Sendable {
  /// The format's types of elements, spelt as in its header.
  public enum DType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case u16 = "U16"
    case i16 = "I16"
    case f16 = "F16"
    case bf16 = "BF16"
    case u32 = "U32"
    case i32 = "I32"
    case f32 = "F32"
    case u64 = "U64"
    case i64 = "I64"
    case f64 = "F64"
    // Other tensors of the file may have these; nothing is made of them.
    case f8e5m2 = "F8_E5M2"
    case f8e4m3 = "F8_E4M3"
    case f8e8m0 = "F8_E8M0"
    case c64 = "C64"

    /// Nil for types that are not read.
    public var format: NumberFormat? {
      switch self {
      case .bool: .bool
      case .u8: .u8
      case .i8: .i8
      case .u16: .u16
      case .i16: .i16
      case .f16: .f16
      case .bf16: .bf16
      case .u32: .u32
      case .i32: .i32
      case .f32: .f32
      case .u64: .u64
      case .i64: .i64
      case .f64: .f64
      case .f8e5m2, .f8e4m3, .f8e8m0, .c64: nil
      }
    }

    /// Bytes of one element, also of types that are not read.
    var byteCount: Int { format?.byteCount ?? (self == .c64 ? 8 : 1) }
  }

  /// A tensor as the header describes it; checked to lie within the file and to have the bytes of its shape.
  public struct Entry: Sendable {
    /// Unique in the file.
    public let name: String
    /// May be one without a `format`, which cannot be read.
    public let dtype: DType
    /// Empty for a single number.
    public let shape: [Int]
    /// Where the tensor lies in `file`.
    public let range: Range<Int>
  }

  /// One string of the header's `__metadata__`.
  public struct Metadata: Sendable, Equatable {
    /// Unique in the file.
    var key: String
    /// Often JSON, which the format leaves to those who use it.
    var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// What the file is called in diagnostics.
  public let name: String
  /// The whole file.
  let file: [UInt8]
  /// In the order of their bytes.
  public let entries: [Entry]
  /// In the order of the header.
  let metadata: [Metadata]
  private let index: [String: Int]

  /// Reads a file; `-` is standard input.
  ///
  /// Throws `safetensors.*`, `file.*` and `memory.short`.
  public init(reading path: String) throws {
    let file = try Files.read(path) { start in try SafetensorsHeader.checkStart(start, name: path) }
    try self.init(file: file, name: path)
  }

  /// Reads the bytes of a file that diagnostics call `name`. Throws `safetensors.*`.
  public init(file: [UInt8], name: String) throws {
    let header = try SafetensorsHeader(file: file, name: name)
    self.name = name
    self.file = file
    self.entries = header.entries
    self.metadata = header.metadata
    self.index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
  }

  /// Whether bytes look like such a file: a length of eight bytes, then a JSON object.
  public static func isContainer(_ bytes: [UInt8]) -> Bool {
    bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && bytes[7] == 0
  }

  /// The tensor of a name; nil where there is none.
  public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

  /// The value of a key; nil where there is none.
  public func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }

  /// The tensor's bytes, without a copy.
  public func bytes(of entry: Entry) -> ArraySlice<UInt8> { file[entry.range] }

  /// The tensor's elements. The caller has checked the dtype.
  func values<Element: LittleEndianElement>(of entry: Entry, as type: Element.Type = Element.self) -> [Element] {
    littleEndianValues(file[entry.range], as: type)
  }
}
