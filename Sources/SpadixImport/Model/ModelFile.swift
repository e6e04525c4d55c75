import Foundation
import SpadixSupport
import SwiftProtobuf

/// An ONNX file, decoded but not yet looked into.
struct ModelFile {
  /// What the file is called in diagnostics.
  let name: String
  /// The folder that external data are relative to; nil for a model that comes through a pipe.
  let folder: String?
  var model: Spadix_Onnx_Model

  /// Throws `onnx.damaged` for bytes that are no ONNX model, and `onnx.limit` for those that would take more memory
  /// than any network needs.
  init(_ bytes: consuming [UInt8], name: String, folder: String?) throws {
    self.name = name
    self.folder = folder
    try WireLimits.check(bytes, name: name)
    var options = BinaryDecodingOptions()
    // What is deeper was refused above, but for messages of which nothing is read.
    options.messageDepthLimit = 2 * WireLimits.maximumDepth
    options.discardUnknownFields = true
    do {
      model = try Spadix_Onnx_Model(serializedBytes: bytes, options: options)
    } catch {
      let reason =
        switch error as? BinaryDecodingError {
        case .truncated: "it ends too early"
        case .invalidUTF8: "a name is not UTF-8"
        default: "it is not in Protocol Buffers' format"
        }
      throw Self.damaged(name, reason)
    }
    guard model.hasGraph else { throw Self.damaged(name, "it holds no graph") }
  }

  static func damaged(_ name: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "onnx.damaged", "'\(name)' is not a readable ONNX model: \(reason)",
      help: "export or download the model again")
  }

  /// Whether bytes look like an ONNX model: its first field is the IR version, a small number, or the graph.
  static func isModel(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 2 else { return false }
    return bytes[0] == 0x08 && bytes[1] < 0x80 || bytes[0] == 0x3a && bytes[1] >= 0x80
  }
}
