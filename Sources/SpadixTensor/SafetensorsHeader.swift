import SpadixSupport

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  /// As in the reference implementation: a header beyond this is an attack, not a file.
  private static let maximumLength = 100_000_000

  var entries: [Safetensors.Entry] = []
  var metadata: [Safetensors.Metadata] = []

  /// Throws `safetensors.format` for bytes that begin a file of another format.
  static func checkStart(_ file: some Collection<UInt8>, name: String) throws {
    let bytes = Array(file.prefix(9))
    if bytes.count < 9 || bytes[8] == UInt8(ascii: "{") { return }
    let foreign = ForeignFile.description(file, name: name, to: .safetensors)
    throw Diagnostic(
      "safetensors.format", "'\(name)': expected a safetensors file, found \(foreign?.kind ?? "other content")",
      help: foreign.map { "convert it: \($0.help)" })
  }

  init(file: [UInt8], name: String) throws {
    func problem(_ rule: String, _ message: String) -> Diagnostic {
      Diagnostic("safetensors.\(rule)", "'\(name)': \(message)")
    }
    guard file.count >= 8 else {
      throw problem("truncated", "expected a header length of 8 bytes, found a file of \(file.count) bytes")
    }
    let length = littleEndianValues(file[0..<8], as: UInt64.self)[0]
    guard length <= UInt64(Self.maximumLength), Int(length) <= file.count - 8 else {
      throw problem(
        "truncated", "the header is said to have \(length) bytes; the file has only \(file.count - 8) after its length")
    }
    let dataStart = 8 + Int(length)
    let source = SourceText(name: "\(name) (header)", bytes: Array(file[8..<dataStart]))
    guard let members = try JSONValue(parsing: source).members else {
      throw problem("header", "expected a JSON object as header")
    }
    for member in members {
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value, problem)
      } else {
        entries.append(
          try Self.entry(member, dataStart: dataStart, dataCount: file.count - dataStart, problem))
      }
    }
    entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = dataStart
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a gap before it"
        throw problem("offsets", "tensor '\(entry.name)' \(what)")
      }
      end = entry.range.upperBound
    }
    guard end == file.count else {
      throw problem("offsets", "the tensors end at byte \(end); the file has \(file.count)")
    }
  }

  private static func metadata(
    _ value: JSONValue, _ problem: (String, String) -> Diagnostic
  ) throws -> [Safetensors.Metadata] {
    guard let members = value.members else { throw problem("header", "expected an object as __metadata__") }
    return try members.map { member in
      guard let text = member.value.string else {
        throw problem("header", "metadata '\(member.key)': expected a string")
      }
      return Safetensors.Metadata(member.key, text)
    }
  }

  private static func entry(
    _ member: JSONValue.Member, dataStart: Int, dataCount: Int, _ problem: (String, String) -> Diagnostic
  ) throws -> Safetensors.Entry {
    let name = member.key
    guard let dtypeName = member.value["dtype"]?.string, let shape = member.value["shape"]?.integers,
      let offsets = member.value["data_offsets"]?.integers, offsets.count == 2
    else { throw problem("header", "tensor '\(name)': expected dtype, shape and two data_offsets") }
    guard let dtype = Safetensors.DType(rawValue: dtypeName) else {
      throw problem("dtype", "tensor '\(name)' has the unknown dtype '\(dtypeName)'")
    }
    guard let size = byteCount(shape, dtype) else {
      throw problem("shape", "tensor '\(name)' has the impossible shape \(shape)")
    }
    guard offsets[0] >= 0, offsets[0] <= offsets[1] else {
      throw problem("offsets", "tensor '\(name)' has the impossible data_offsets \(offsets)")
    }
    guard offsets[1] <= dataCount else {
      throw problem(
        "truncated", "tensor '\(name)' ends at byte \(offsets[1]) of the data; the file holds \(dataCount)")
    }
    guard offsets[1] - offsets[0] == size else {
      throw problem(
        "shape",
        "tensor '\(name)' spans \(offsets[1] - offsets[0]) bytes; \(dtypeName)\(shape) needs \(size)")
    }
    return Safetensors.Entry(
      name: name, dtype: dtype, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  private static func byteCount(_ shape: [Int], _ dtype: Safetensors.DType) -> Int? {
    var count = dtype.byteCount
    for dimension in shape {
      guard dimension >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      count = product
    }
    return count
  }
}
