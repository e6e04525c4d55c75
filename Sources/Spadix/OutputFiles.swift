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
      guard let tensor = Tensor.stacking(tensors) else {
        throw Diagnostic(
          "output.too-large", "output '\(port.name)' of \(tensors.count) samples is too large for one file",
          help: "run fewer samples at a time")
      }
      return tensor
    }
  }

  /// Writes `FOLDER/NAME.npy` for each output and returns the paths. The folder is made if need be.
  public func write(to folder: String) throws -> [String] {
    let files = try tensors().map { NpyArray.file(of: $0) }
    try Files.makeDirectory(folder)
    var paths: [String] = []
    for (port, file) in zip(ports, files) {
      // Names come from files of strangers: nothing in them may lead out of the folder.
      var name = String(port.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" })
      if name.isEmpty || name.hasPrefix(".") { name = "output" + name }
      var path = "\(folder)/\(name).npy"
      var suffix = 1
      while paths.contains(path) {
        path = "\(folder)/\(name)_\(suffix).npy"
        suffix += 1
      }
      try Files.write(file, to: path)
      paths.append(path)
    }
    return paths
  }
}
