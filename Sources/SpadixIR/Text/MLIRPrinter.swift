import SpadixSupport
import SpadixTensor

/// Prints graphs in MLIR's generic form, for tools of that world:
/// `mlir-opt --allow-unregistered-dialect` and `xdsl-opt --allow-unregistered-dialect` accept it.
///
/// A graph becomes a `func.func`; operators keep their names as operations of the unregistered dialects `nn` and `npu`.
/// Constants are `spadix.constant` operations that say where their elements are, as the data definition does; elements in
/// memory are dense attributes. Quantized types are those of MLIR's quant dialect.
public struct MLIRPrinter: Sendable {
  public init() {}

  /// A module that `mlir-opt` reads.
  public func text(of graph: Graph) -> String {
    let names = MLIRNames(graph)
    let inputs = graph.inputs.map { type(graph.values[$0].type) }
    let outputs = graph.outputs.map { type(graph.values[$0].type) }
    let arguments = graph.inputs.map { "\(names[$0]): \(type(graph.values[$0].type))" }
    var text = "\"builtin.module\"() ({\n  \"func.func\"() ({\n  ^bb0(\(list(arguments))):\n"
    for operation in graph.operations {
      let operands = operation.operands.map { names[$0] }
      let types = operation.operands.map { type(graph.values[$0].type) }
      let name = if case .constant = operation.op { "spadix.constant" } else { operation.op.mnemonic }
      text += "    \(names[operation.result]) = \"\(name)\"(\(list(operands)))\(attributes(operation, graph))"
      text += " : (\(list(types))) -> \(type(graph.values[operation.result].type))\n"
    }
    text += "    \"func.return\"(\(list(graph.outputs.map { names[$0] }))) : (\(list(outputs))) -> ()\n"
    text +=
      "  }) {function_type = (\(list(inputs))) -> (\(list(outputs))), sym_name = \(string(graph.name))} : () -> ()\n"
    return text + "}) : () -> ()\n"
  }

  private func list(_ elements: [String]) -> String { elements.joined(separator: ", ") }

  // MARK: Types

  private func type(_ type: TensorType) -> String {
    "tensor<\(type.shape.map { "\($0)x" }.joined())\(element(type.element))>"
  }

  private func element(_ element: ElementType) -> String {
    switch element {
    case .f32: return "f32"
    case .i8: return "i8"
    case .i32: return "i32"
    case .q8(let quantization):
      let parameters = zip(quantization.scales, quantization.zeroPoints).map { scale, zeroPoint in
        zeroPoint == 0 ? number(scale) : "\(number(scale)):\(zeroPoint)"
      }
      guard let axis = quantization.axis else { return "!quant.uniform<i8:f32, \(parameters[0])>" }
      return "!quant.uniform<i8:f32:\(axis), {\(list(parameters))}>"
    }
  }

  // MARK: Attributes

  private func attributes(_ operation: Operation, _ graph: Graph) -> String {
    var attributes = operation.op.writtenAttributes.map { ($0.0, attribute($0.1)) }
    if let range = graph.values[operation.result].calibration {
      attributes.append(("range", "[\(number(range.low)) : f32, \(number(range.high)) : f32]"))
    }
    if let reason = operation.hostReason { attributes.append(("host_reason", string(reason))) }
    if case .constant(let constant) = operation.op { attributes += source(graph.data[constant.data]) }
    if attributes.isEmpty { return "" }
    return " {\(list(attributes.sorted { $0.0 < $1.0 }.map { "\($0.0) = \($0.1)" }))}"
  }

  private func attribute(_ value: AttributeValue) -> String {
    switch value {
    case .integer(let integer): "\(integer) : i64"
    case .real(let real): "\(number(real)) : f32"
    case .boolean(let boolean): "\(boolean)"
    case .keyword(let text), .string(let text), .symbol(let text): string(text)
    case .list(let elements): "[\(list(elements.map(attribute)))]"
    }
  }

  /// The attributes that say where a constant's elements are.
  private func source(_ definition: DataDefinition) -> [(String, String)] {
    let name = ("data", string(definition.name))
    switch definition.source {
    case .file(let path, let tensor):
      let resolved = Files.resolve(path, relativeTo: definition.baseFile)
      return [name, ("file", string(resolved))] + (tensor.map { [("tensor", string($0))] } ?? [])
    case .random(let random):
      let seed = ("seed", "\(Int64(bitPattern: random.seed)) : i64")
      switch random.distribution {
      case nil: return [name, seed]
      case .uniform(let low, let high):
        return [name, seed, ("low", "\(number(low)) : f32"), ("high", "\(number(high)) : f32")]
      case .laplace(let scale): return [name, seed, ("laplace", "\(number(scale)) : f32")]
      }
    case .splat(let storage), .literal(let storage): return [name, ("value", dense(storage, definition.type))]
    }
  }

  /// Elements as MLIR writes them: one for all alike, or all as hexadecimal digits of their little-endian bytes.
  private func dense(_ storage: Tensor.Storage, _ type: TensorType) -> String {
    let stored = TensorType(type.shape, type.element.isInt8 ? .i8 : type.element)
    if storage.count == 1 {
      let element =
        switch storage {
        case .f32(let values): number(values[0])
        case .i8(let values): "\(values[0])"
        case .i32(let values): "\(values[0])"
        }
      return "dense<\(element)> : \(self.type(stored))"
    }
    let digits = Array("0123456789ABCDEF".utf8)
    let hexadecimal = storage.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "dense<\"0x\(String(decoding: hexadecimal, as: UTF8.self))\"> : \(self.type(stored))"
  }

  // MARK: Literals

  /// A decimal with a point, as MLIR demands; infinities as their bits.
  private func number(_ value: Float) -> String {
    guard value.isFinite else { return "0x" + String(value.bitPattern, radix: 16, uppercase: true) }
    let text = "\(value)"
    guard let exponent = text.firstIndex(of: "e"), !text[..<exponent].contains(".") else { return text }
    return "\(text[..<exponent]).0\(text[exponent...])"
  }

  /// MLIR escapes what is not printable by two hexadecimal digits.
  private func string(_ text: String) -> String {
    var result = "\""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): result += "\\\""
      case UInt8(ascii: "\\"): result += "\\\\"
      case 0x20..<0x7f: result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "\\" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return result + "\""
  }
}

/// SSA names for MLIR: those of the text where MLIR allows them, `%v.` and the value's number otherwise.
private struct MLIRNames {
  private let names: [String]

  init(_ graph: Graph) {
    let texts = ValueNames(graph)
    let names = graph.values.indices.map { index in
      let name = texts[ValueID(index)]
      // Quoted names and those that start with a digit are none of MLIR's.
      let first = name.utf8.dropFirst().first ?? UInt8(ascii: "0")
      let isForeign = first == UInt8(ascii: "\"") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
      return isForeign ? "%v.\(index)" : name
    }
    // A name of the text may look like one that was given here.
    self.names = Set(names).count == names.count ? names : graph.values.indices.map { "%\($0)" }
  }

  subscript(_ value: ValueID) -> String { names[value.index] }
}
