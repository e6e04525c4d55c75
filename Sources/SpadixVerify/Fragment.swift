import SpadixIR
import SpadixSupport
import SpadixTensor

/// The part of a quantized graph that makes the int8 form of one value of the graph in floating point.
struct Fragment {
  enum Source {
    /// The integers of a constant.
    case constant
    /// The rounding of this tensor of real values in the quantized graph.
    case conversion(ValueID)
    case computation(Computation)
  }

  struct Computation {
    /// What computes the value in floating point.
    var operation: Operation
    /// For each of its operands, the int8 form; nil for constants that went into weights, biases and factors.
    var operands: [ValueID?]
    /// Operations of the quantized graph in execution order, the last of which makes the int8 form.
    var steps: [OperationID]
  }

  var source: Source
  /// The int8 form.
  var result: ValueID
  /// The value that it stands for.
  var counterpart: ValueID

  /// Goes back from an int8 form to those of the operands.
  ///
  /// Throws `verify.unmatched` where the way leads to anything else.
  init(of result: ValueID, standingFor counterpart: ValueID, real: Graph, quantized: Graph) throws {
    self.result = result
    self.counterpart = counterpart
    guard let producer = quantized.producer(of: result) else {
      throw Diagnostic.unmatched("an input of the quantized graph stands for \(real.describe(counterpart))", at: nil)
    }
    switch producer.op {
    case .constant: source = .constant
    case .quantize: source = .conversion(producer.operands[0])
    default:
      guard let operation = real.producer(of: counterpart) else {
        throw Diagnostic.unmatched("\(producer.op.mnemonic) stands for an input", at: producer.range)
      }
      source = .computation(try Computation(operation, of: result, real: real, quantized))
    }
  }
}

extension Fragment.Computation {
  fileprivate init(_ operation: Operation, of result: ValueID, real: Graph, _ quantized: Graph) throws {
    self.operation = operation
    operands = Array(repeating: nil, count: operation.operands.count)
    steps = []
    var found = Set<OperationID>()
    var open = [result]
    while let value = open.popLast() {
      guard let id = quantized.values[value].producer else {
        throw Diagnostic.unmatched(
          "\(operation.op.mnemonic) reads an input that stands for no value", at: operation.range)
      }
      if !found.insert(id).inserted { continue }
      for operand in quantized.operations[id].operands {
        if let counterpart = quantized.values[operand].counterpart {
          let type = quantized.values[operand].type.element.quantization
          let positions = operation.operands.indices.filter {
            real.isUnchanged(counterpart, as: operation.operands[$0], in: type)
          }
          if positions.isEmpty {
            throw Diagnostic.unmatched(
              "\(quantized.operations[id].op.mnemonic) reads the int8 form of a value that \(operation.op.mnemonic) "
                + "does not read", at: operation.range)
          }
          // An operation of a value with itself may read two int8 forms of it, in the order of its operands.
          if positions.contains(where: { operands[$0] == operand }) { continue }
          let isFirst = positions.allSatisfy { operands[$0] == nil }
          for position in isFirst ? positions : positions.suffix(1) { operands[position] = operand }
        } else if !quantized.isConstant(operand) {
          open.append(operand)
        }
      }
    }
    steps = found.sorted { $0.index < $1.index }
  }
}

extension Diagnostic {
  static func unmatched(_ message: String, at range: SourceRange?) -> Diagnostic {
    Diagnostic(
      "verify.unmatched", message, at: range,
      help: "this is a defect of the quantization: please report it with the graph")
  }
}

extension Graph {
  /// Whether a value in an int8 type is another one as well, because `nn.fake_quantize` to that very type lies between, or
  /// a clamp to what it reaches.
  fileprivate func isUnchanged(_ value: ValueID, as other: ValueID, in type: Quantization?) -> Bool {
    var current = other
    while current != value {
      guard let producer = producer(of: current), let type, type.isPerTensor else { return false }
      if let fake = producer.op.fakeQuantize {
        guard fake.quantization == type else { return false }
      } else {
        guard let activation = producer.op.elementwiseActivation, activation.clampBounds(type) == (-128, 127) else {
          return false
        }
      }
      current = producer.operands[0]
    }
    return true
  }

  /// The name of a value for messages: `%conv1`, or `the result of nn.conv2d` where it has none.
  func describe(_ value: ValueID) -> String {
    if let name = values[value].name { return "%\(name)" }
    return producer(of: value).map { "the result of \($0.op.mnemonic)" } ?? "an input"
  }
}
