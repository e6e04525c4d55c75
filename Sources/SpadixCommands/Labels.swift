import SpadixSupport
import SpadixTensor

/// The file of right answers: a .npy file, or the array `label` or `labels` of a .npz file.
enum Labels {
  static func read(_ path: String) throws -> NpyArray {
    let bytes = try Files.read(path)
    guard NpzArchive.isArchive(bytes) else { return try NpyArray(file: bytes, name: path) }
    let archive = try NpzArchive(file: bytes, name: path)
    let name = ["labels", "label"].first(where: archive.names.contains) ?? archive.names.first ?? ""
    guard archive.names.count == 1 || name.hasPrefix("label"), let array = try archive[name] else {
      throw Diagnostic(
        "labels.archive", "'\(path)' holds \(archive.names.joined(separator: ", ")); expected an array 'labels'")
    }
    return array
  }
}
