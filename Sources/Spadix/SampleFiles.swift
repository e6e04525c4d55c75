import SpadixSupport
import SpadixTensor

/// The arrays that `NAME=FILE` arguments give to inputs: .npy files, and .npz archives whose arrays have the names of
/// inputs.
struct SampleFiles {
  /// By input; nil for one that is given nothing.
  private(set) var arrays: [(array: NpyArray, source: String)?]

  /// An archive without a name gives arrays to every input that it has one for. Arrays that no input is called after,
  /// such as labels, are left alone.
  ///
  /// Throws `input.unknown`, `input.name`, `input.duplicate`, `input.archive` and what reading files throws.
  init(_ files: [(name: String, path: String)], for inputs: [Port]) throws {
    arrays = [(array: NpyArray, source: String)?](repeating: nil, count: inputs.count)
    var known: [String: [UInt8]] = [:]
    for (name, path) in files {
      let index = name.isEmpty ? nil : try Self.index(of: name, in: inputs)
      let bytes =
        try known[path]
        ?? Files.read(path) { start in
          if !NpzArchive.isArchive(start) { try NpyArray.checkMagic(start, name: path) }
        }
      known[path] = bytes
      if NpzArchive.isArchive(bytes) {
        try add(NpzArchive(file: bytes, name: path), path, to: index, inputs)
      } else {
        let index = try index ?? Self.index(of: name, in: inputs)
        try add(NpyArray(file: bytes, name: path), path, to: index, inputs)
      }
    }
  }

  private mutating func add(_ archive: NpzArchive, _ path: String, to index: Int?, _ inputs: [Port]) throws {
    if let index {
      let name = inputs[index].name
      guard let array = try archive[name] ?? (archive.names.count == 1 ? archive[archive.names[0]] : nil) else {
        throw Self.missing(name, archive)
      }
      return try add(array, path, to: index, inputs)
    }
    let named = inputs.indices.filter { archive.names.contains(inputs[$0].name) }
    if named.isEmpty {
      guard inputs.count == 1, archive.names.count == 1, let array = try archive[archive.names[0]] else {
        throw Self.missing(inputs.first?.name ?? "", archive)
      }
      return try add(array, path, to: 0, inputs)
    }
    for index in named {
      if let array = try archive[inputs[index].name] { try add(array, path, to: index, inputs) }
    }
  }

  private mutating func add(_ array: NpyArray, _ path: String, to index: Int, _ inputs: [Port]) throws {
    guard arrays[index] == nil else {
      throw Diagnostic("input.duplicate", "input '\(inputs[index].name)' is given twice")
    }
    arrays[index] = (array, path)
  }

  private static func missing(_ name: String, _ archive: NpzArchive) -> Diagnostic {
    Diagnostic(
      "input.archive", "'\(archive.name)' holds no array '\(name)'",
      help: "it holds \(archive.names.isEmpty ? "none" : archive.names.prefix(8).joined(separator: ", "))")
  }

  /// Which input a name means; the only one for an empty name.
  static func index(of name: String, in inputs: [Port]) throws -> Int {
    if name.isEmpty, inputs.count == 1 { return 0 }
    let known = inputs.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
    if name.isEmpty {
      throw Diagnostic(
        "input.name", "expected NAME=FILE.npy, as there are \(inputs.count) inputs",
        help: "inputs: \(known); a .npz file has an array for each")
    }
    guard let index = inputs.firstIndex(where: { $0.name == name }) else {
      throw Diagnostic("input.unknown", "there is no input '\(name)'", help: "inputs: \(known)")
    }
    return index
  }
}
