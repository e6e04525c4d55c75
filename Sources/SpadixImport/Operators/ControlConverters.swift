import SpadixIR

enum ControlConverters {
  static let table: [String: Converter] = ["If": branch, "Constant": constant]

  /// The branch that a known condition takes.
  private static let branch: Converter = { importer, node in
    guard let then = try node.graph("then_branch"), let otherwise = try node.graph("else_branch") else {
      throw Refusal("onnx.attribute", "expected a then_branch and an else_branch")
    }
    guard case .constant(let condition) = try node.input(0) else {
      throw Refusal.form(
        "the condition is computed; expected one that shapes and constants decide",
        help: "export the model with a fixed branch")
    }
    guard condition.count == 1 else {
      throw Refusal("onnx.shape", "the condition has shape \(condition.shape); expected one element")
    }
    let label = node.node.name.isEmpty ? "If" : "If '\(node.node.name)'"
    let takesThen = condition.asReals[0] != 0
    return try importer.importBranch(takesThen ? then : otherwise, named: label)
  }

  private static let constant: Converter = { importer, node in
    if let tensor = try node.tensor("value") { return [.constant(tensor)] }
    if let value = try node.realIfGiven("value_float") {
      return [.constant(ConstantTensor(.float, shape: [], .real([value])))]
    }
    if let values = try node.reals("value_floats") {
      return [.constant(ConstantTensor(.float, shape: [values.count], .real(values)))]
    }
    if let value = try node.integerIfGiven("value_int") {
      return [.constant(ConstantTensor(.int64, shape: [], .integers([Int64(value)])))]
    }
    if let values = try node.integers("value_ints") { return [.constant(ConstantTensor(integers: values))] }
    throw Refusal.form(
      "the constant is given as \(node.node.attributes.first.map { "'\($0.name)'" } ?? "nothing"); expected numbers",
      help: "sparse values and strings have no place in a graph")
  }
}
