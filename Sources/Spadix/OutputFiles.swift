import SpadixSupport
import SpadixTensor

/// Results as .npy files, one per output, samples one after the other along axis 0.
public struct OutputFiles {
  private let ports: [Port]
  private var samples: [[Tensor]]

  public init(_ ports: [Port]) {
    self.ports = ports
    self.samples = ports.map { _ in [] }
  }

  /// Adds the outputs of one sample, in order.
  public mutating func add(_ outputs: [Tensor]) {
    for (index, tensor) in outputs.enumerated() { samples[index].append(tensor) }
  }

  /// The results of each output as one tensor; throws `output.too-large` when it would have too many elements.
  public func tensors() throws -> [Tensor] {
    try zip(ports, samples).map { port, tensors in
      try Memory.require(
        2 * tensors.count * port.type.byteCount, for: "output '\(port.name)' of \(tensors.count) samples")
      guard let tensor = Tensor.stacking(tensors) else {
        throw Diagnostic(
          "output.too-large", "output '\(port.name)' of \(tensors.count) samples is too large for one file",
          help: "run fewer samples at a time")
      }
      return tensor
    }
  }

  /// Writes `NAME.npy` for each output into the folder, which is made if need be: all of them, or none after a failure.
  public func write(to folder: String) throws {
    let files = try tensors().map { NpyArray.file(of: $0) }
    try Files.write(Array(zip(names, files)), intoFolder: folder)
  }

  /// The names of the files, one for each output, each different.
  ///
  /// A name that a file can have belongs to the first output of that name, whatever others become.
  public var names: [String] {
    var taken: Set<String> = []
    var names = ports.map { port -> String? in
      Self.fileName(port.name) == port.name && taken.insert(port.name).inserted ? port.name : nil
    }
    for (index, port) in ports.enumerated() where names[index] == nil {
      let stem = Self.fileName(port.name)
      var name = stem
      var suffix = 1
      while !taken.insert(name).inserted {
        name = "\(stem)_\(suffix)"
        suffix += 1
      }
      names[index] = name
    }
    return names.compactMap { $0.map { "\($0).npy" } }
  }

  /// File systems have names of at most 255 bytes; a suffix, the extension and the mark of an unfinished file need room.
  private static let longestName = 200

  /// Names come from files of strangers: nothing in them may lead out of the folder, and a file must be able to have
  /// them.
  private static func fileName(_ name: String) -> String {
    let plain = String(
      name.prefix(longestName).map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
    return plain.isEmpty || plain.hasPrefix(".") ? "output" + plain : plain
  }
}
