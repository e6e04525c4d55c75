import SpadixSupport

/// Files of other programs that people give for arrays or weights, told by how they begin, with the line that converts
/// them.
enum ForeignFile {
  /// What the file is and how it is converted; nil for one that is not known.
  static func description(
    _ bytes: some Collection<UInt8>, name: String, to wanted: Wanted
  ) -> (kind: String, help: String)? {
    let start = Array(bytes.prefix(10))
    func begins(_ prefix: [UInt8]) -> Bool { start.starts(with: prefix) }
    let save = wanted == .npy ? "numpy.save('x.npy', " : "safetensors.torch.save_file("
    let end = wanted == .npy ? ")" : ", 'x.safetensors')"
    if begins(Array("PK\u{3}\u{4}".utf8)) {
      return (
        "a zip archive, as numpy.savez and torch.save write",
        wanted == .npy
          ? "\(save)numpy.load('\(name)')['NAME']\(end), or \(save)torch.load('\(name)').numpy()\(end)"
          : "\(save)torch.load('\(name)')\(end), or safetensors.numpy.save_file(dict(numpy.load('\(name)'))\(end)"
      )
    }
    if begins([0x93] + Array("NUMPY".utf8)) {
      return ("a .npy file", "name it with .npy, and without a tensor: file(\"\(name)\")")
    }
    if begins([0x80, 2]) || begins([0x80, 3]) || begins([0x80, 4]) || begins([0x80, 5]) {
      return (
        "a pickle",
        wanted == .npy
          ? "\(save)numpy.load('\(name)', allow_pickle=True)\(end)" : "\(save)torch.load('\(name)')\(end)"
      )
    }
    if begins([0x89] + Array("PNG".utf8)) || begins([0xFF, 0xD8, 0xFF]) || begins(Array("GIF8".utf8)) {
      return ("a picture", "numpy.save('x.npy', numpy.asarray(PIL.Image.open('\(name)')))")
    }
    if begins([0x89] + Array("HDF\r\n".utf8)) {
      return ("an HDF5 file", "numpy.save('x.npy', h5py.File('\(name)')['NAME'][:])")
    }
    if bytes.count > 8, Safetensors.isContainer(Array(bytes.prefix(9))) {
      return ("a safetensors file", "numpy.save('x.npy', safetensors.numpy.load_file('\(name)')['NAME'])")
    }
    let isText = !start.isEmpty && start.allSatisfy { (0x20...0x7E).contains($0) || [9, 10, 13].contains($0) }
    if isText, wanted == .npy {
      return ("text", "numpy.save('x.npy', numpy.loadtxt('\(name)', delimiter=',', dtype=numpy.float32))")
    }
    return nil
  }

  enum Wanted {
    case npy, safetensors
  }
}
