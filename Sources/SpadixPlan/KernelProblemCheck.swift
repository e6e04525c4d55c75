import SpadixSupport

extension KernelProblem {
  /// Numbers beyond this are refused, so that no sum over a problem can overflow.
  static let largestNumber = 1 << 40

  /// Throws when the problem breaks a rule of its own, or when an operator fits in no variant.
  func check() throws {
    var report = Diagnostics()
    func fail(_ id: String, _ message: String, help: String? = nil) {
      report.report(Diagnostic("schedule.\(id)", message, help: help))
    }
    func isSane(_ value: Int) -> Bool { value >= 0 && value <= Self.largestNumber }
    if !isSane(capacity) { fail("capacity", "expected a capacity of 0 to 2^40 rows, found \(capacity)") }
    for tensor in tensors where !isSane(tensor.rows) || !isSane(tensor.bytes) {
      fail(
        "tensor-size",
        "tensor '\(tensor.name)' has \(tensor.rows) rows and \(tensor.bytes) bytes; expected 0 to 2^40 of each")
    }
    var produced = [Bool](repeating: false, count: tensors.count)
    for op in operators {
      for tensor in op.inputs + op.outputs where !tensors.indices.contains(tensor.index) {
        fail("unknown-tensor", "operator '\(op.name)' names tensor \(tensor.index) of \(tensors.count)")
        throw report
      }
      for tensor in op.inputs where tensors[tensor].kind != .input && !produced[tensor.index] {
        fail("not-produced", "operator '\(op.name)' reads '\(tensors[tensor].name)' before an operator produced it")
      }
      for tensor in op.outputs {
        if tensors[tensor].kind == .input || produced[tensor.index] {
          fail("produced-twice", "operator '\(op.name)' writes '\(tensors[tensor].name)', which exists already")
        }
        produced[tensor.index] = true
      }
      checkVariants(of: op, isSane, fail)
    }
    for (index, tensor) in tensors.enumerated() where tensor.kind == .output && !produced[index] {
      fail("not-produced", "no operator produces the output '\(tensor.name)'")
    }
    try report.throwIfErrors()
  }

  private func checkVariants(
    of op: Operator, _ isSane: (Int) -> Bool, _ fail: (String, String, String?) -> Void
  ) {
    var firstPosition: [TensorID: Int] = [:]
    for (position, tensor) in op.inputs.enumerated() where firstPosition[tensor] == nil {
      firstPosition[tensor] = position
    }
    for (index, variant) in op.variants.enumerated() {
      if variant.inputs.count != op.inputs.count || variant.outputs.count != op.outputs.count {
        fail(
          "variant-places",
          "variant \(index) of '\(op.name)' has places for \(variant.inputs.count) inputs and "
            + "\(variant.outputs.count) outputs; expected \(op.inputs.count) and \(op.outputs.count)", nil)
        return
      }
      for numbers in [variant.workingRows, variant.readBytes, variant.writtenBytes, variant.cycles]
      where !isSane(numbers) {
        fail("variant-size", "variant \(index) of '\(op.name)' has the number \(numbers); expected 0 to 2^40", nil)
      }
      for (position, tensor) in op.inputs.enumerated() {
        let first = firstPosition[tensor] ?? position
        if variant.inputs[position] != variant.inputs[first] {
          fail(
            "variant-places",
            "variant \(index) of '\(op.name)' has '\(tensors[tensor].name)' both resident and streamed", nil)
        }
      }
    }
    // Rows with every operand that the variant wants resident: what the operator needs by itself.
    let needs = op.variants.map { variant -> Int in
      var rows = variant.workingRows
      var counted: Set<TensorID> = []
      for (tensor, place) in zip(op.inputs + op.outputs, variant.inputs + variant.outputs)
      where place == .resident && counted.insert(tensor).inserted {
        rows += min(tensors[tensor].rows, Self.largestNumber)
      }
      return rows
    }
    if let least = needs.min() {
      if least > capacity {
        fail(
          "operator-too-large",
          "operator '\(op.name)' needs at least \(least) scratchpad rows, the target has \(capacity)",
          "choose a target with a larger scratchpad")
      }
    } else {
      fail("no-variant", "operator '\(op.name)' has no variant that runs on the target", nil)
    }
  }
}
