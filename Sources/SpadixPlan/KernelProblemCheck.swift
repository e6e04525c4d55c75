import SpadixSupport

extension Cost {
  fileprivate var isSane: Bool {
    [readBytes, writtenBytes, arrayCycles, time, commands].allSatisfy {
      $0 >= 0 && $0 <= KernelProblem.largestNumber
    }
  }
}

extension KernelProblem {
  /// Numbers beyond this are refused, so that no sum over a problem can overflow.
  static let largestNumber = 1 << 40

  /// Throws when the problem breaks a rule of its own, or when an operator fits in no alternative.
  func check() throws {
    var report = Diagnostics()
    func fail(_ id: String, _ message: String, help: String? = nil) {
      report.report(Diagnostic("schedule.\(id)", message, help: help))
    }
    func isSane(_ value: Int) -> Bool { value >= 0 && value <= Self.largestNumber }
    if !isSane(capacity) { fail("capacity", "expected a capacity of 0 to 2^40 rows, found \(capacity)") }
    for tensor in tensors where !isSane(tensor.rows) || !tensor.fetch.isSane || !tensor.spill.isSane {
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
      checkAlternatives(of: op, isSane, fail)
    }
    for group in groups {
      guard group.operators.count > 1, operators.indices.contains(group.operators.lowerBound),
        group.operators.upperBound <= operators.count,
        (group.inputs + group.outputs).allSatisfy({ tensors.indices.contains($0.index) })
      else {
        fail("group", "a group of operators \(group.operators) is not one of the problem's")
        throw report
      }
      let name = "operators \(group.operators.lowerBound) to \(group.operators.upperBound - 1)"
      checkAlternatives(
        of: Operator(name: name, inputs: group.inputs, outputs: group.outputs, alternatives: group.alternatives),
        isSane, fail)
    }
    for (index, tensor) in tensors.enumerated() where tensor.kind == .output && !produced[index] {
      fail("not-produced", "no operator produces the output '\(tensor.name)'")
    }
    try report.throwIfErrors()
  }

  private func checkAlternatives(
    of op: Operator, _ isSane: (Int) -> Bool, _ fail: (String, String, String?) -> Void
  ) {
    var firstPosition: [TensorID: Int] = [:]
    for (position, tensor) in op.inputs.enumerated() where firstPosition[tensor] == nil {
      firstPosition[tensor] = position
    }
    for (index, alternative) in op.alternatives.enumerated() {
      if alternative.inputs.count != op.inputs.count || alternative.outputs.count != op.outputs.count {
        fail(
          "alternative-places",
          "alternative \(index) of '\(op.name)' has places for \(alternative.inputs.count) inputs and "
            + "\(alternative.outputs.count) outputs; expected \(op.inputs.count) and \(op.outputs.count)", nil)
        return
      }
      if !isSane(alternative.rows) || !alternative.cost.isSane {
        fail(
          "alternative-size",
          "alternative \(index) of '\(op.name)' has \(alternative.rows) rows and costs \(alternative.cost); "
            + "expected 0 to 2^40 of each", nil)
      }
      for (position, tensor) in op.inputs.enumerated() {
        let first = firstPosition[tensor] ?? position
        if alternative.inputs[position] != alternative.inputs[first] {
          fail(
            "alternative-places",
            "alternative \(index) of '\(op.name)' has '\(tensors[tensor].name)' both resident and streamed", nil)
        }
      }
    }
    // Rows with every operand that the alternative wants resident: what the operator needs by itself.
    let needs = op.alternatives.map { alternative -> Int in
      var rows = alternative.rows
      var counted: Set<TensorID> = []
      for (tensor, place) in zip(op.inputs + op.outputs, alternative.inputs + alternative.outputs)
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
      fail("no-alternative", "operator '\(op.name)' has no alternative that runs on the target", nil)
    }
  }
}
