import SpadixSupport

/// Why a node cannot be imported, without its place.
struct Refusal: Error {
  var id: String
  var reason: String
  /// The nearest way out.
  var help: String?

  init(_ id: String, _ reason: String, help: String? = nil) {
    self.id = id
    self.reason = reason
    self.help = help
  }

  /// A form of an operator that the language cannot express.
  static func form(_ reason: String, help: String? = nil) -> Refusal { Refusal("onnx.form", reason, help: help) }
}
