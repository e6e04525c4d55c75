import SpadixSupport

/// The checked header of a .npy file: a Python dictionary with the keys descr, fortran_order and shape.
struct NpyHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  let dtype: NpyArray.DType
  let shape: [Int]
  let dataStart: Int
  let isFortranOrder: Bool
  let isBigEndian: Bool

  /// Throws `npy.magic` for bytes that do not begin a .npy file.
  static func checkMagic(_ file: some Collection<UInt8>, name: String) throws {
    if file.starts(with: magic) { return }
    if let foreign = ForeignFile.description(file, name: name, to: .npy) {
      throw Diagnostic(
        "npy.magic", "'\(name)': expected a .npy file, found \(foreign.kind)", help: "convert it: \(foreign.help)")
    }
    throw Diagnostic(
      "npy.magic", "'\(name)': expected a .npy file, found other content", help: "numpy.save writes such files")
  }

  init(file: [UInt8], name: String) throws {
    func problem(_ rule: String, _ message: String, help: String? = nil) -> Diagnostic {
      Diagnostic("npy.\(rule)", "'\(name)': \(message)", help: help)
    }
    try Self.checkMagic(file, name: name)
    guard file.count >= 10 else { throw problem("truncated", "the header is cut off") }
    let version = file[6]
    guard (1...3).contains(version) else { throw problem("version", "format version \(version) is unknown") }
    let lengthBytes = version == 1 ? 2 : 4
    guard file.count >= 8 + lengthBytes else { throw problem("truncated", "the header is cut off") }
    let length = file[8..<8 + lengthBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
    dataStart = 8 + lengthBytes + length
    guard dataStart <= file.count else { throw problem("truncated", "the header is cut off") }

    var dictionary = PythonDictionary(file[(8 + lengthBytes)..<dataStart])
    guard let fields = dictionary.parse() else {
      throw problem(
        "header", "expected the keys descr, fortran_order and shape in its header",
        help: "of an array of records, save one field: numpy.save('x.npy', numpy.load('\(name)')['FIELD'])")
    }
    let kind = String(fields.descr.drop { "<>|=".contains($0) })
    guard let dtype = NpyArray.DType(rawValue: kind) else {
      let known = NpyArray.DType.allCases.map(\.rawValue).joined(separator: ", ")
      throw problem(
        "dtype", "elements of type '\(fields.descr)' are not read; expected one of \(known)",
        help: "convert them: \(Self.conversion(of: kind, name: name))")
    }
    self.dtype = dtype
    self.isFortranOrder = fields.isFortranOrder
    self.isBigEndian = fields.descr.hasPrefix(">")
    self.shape = fields.shape
    var size = dtype.byteCount
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw problem("shape", "the shape \(shape) is impossible") }
      size = product
    }
    guard file.count - dataStart == size else {
      throw problem(
        "truncated",
        "'\(fields.descr)' elements of shape \(shape) need \(size) bytes; the file holds \(file.count - dataStart)")
    }
  }
}

extension NpyHeader {
  /// The line of Python that makes an array of a type that is read.
  private static func conversion(of kind: String, name: String) -> String {
    let load = "numpy.load('\(name)'"
    let array =
      switch kind.first {
      case "c": "\(load)).real.astype(numpy.float32)"
      case "O": "\(load), allow_pickle=True).astype(numpy.float32)"
      // What numpy makes of bfloat16 and other types that it does not have itself.
      case "V" where kind == "V2": "\(load)).view(ml_dtypes.bfloat16).astype(numpy.float32)"
      default: "\(load)).astype(numpy.float32)"
      }
    return "numpy.save('x.npy', \(array))"
  }
}

/// The little of Python's syntax that a .npy header uses.
private struct PythonDictionary {
  struct Fields {
    var descr: String
    var isFortranOrder: Bool
    var shape: [Int]
  }

  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    self.position = bytes.startIndex
  }

  /// Nil when the text is not a dictionary of exactly the three keys.
  mutating func parse() -> Fields? {
    var descr: String?
    var order: Bool?
    var shape: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch key {
      case "descr":
        guard descr == nil, let text = string() else { return nil }
        descr = text
      case "fortran_order":
        guard order == nil, let word = word() else { return nil }
        order = word == "True"
        guard word == "True" || word == "False" else { return nil }
      case "shape":
        guard shape == nil, let tuple = tuple() else { return nil }
        shape = tuple
      default: return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    guard position == bytes.endIndex, let descr, let order, let shape else { return nil }
    return Fields(descr: descr, isFortranOrder: order, shape: shape)
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      guard let word = word(), let value = Int(word), value >= 0 else { return nil }
      values.append(value)
      if !take(",") {
        guard take(")") else { return nil }
        break
      }
    }
    return values
  }

  private mutating func word() -> String? {
    skipSpace()
    let start = position
    while position < bytes.endIndex, Self.isWord(bytes[position]) { position += 1 }
    return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  private mutating func string() -> String? {
    skipSpace()
    guard position < bytes.endIndex else { return nil }
    let quote = bytes[position]
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
    let text = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
    position = end + 1
    return text
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.endIndex, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[position]) { position += 1 }
  }
}
