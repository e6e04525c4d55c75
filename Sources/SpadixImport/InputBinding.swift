import SpadixSupport
import SpadixTensor

/// Gives the model's inputs their shapes: what the file says, and what the user says about the rest.
struct InputBinding {
  struct Bound {
    var name: String
    var type: TensorType
    var note: String?
    var kind = TensorKind.float
  }

  private enum Extent {
    case size(Int)
    case symbol(String)
    case open
  }

  private struct Input {
    var name: String
    var element: Int32
    /// Nil where the file does not even say how many dimensions there are.
    var extents: [Extent]?
  }

  private let inputs: [Input]
  private let file: String

  /// Throws `onnx.input-type` for what is no tensor.
  init(_ ports: [Spadix_Onnx_Port], file: String) throws {
    self.file = file
    inputs = try ports.map { port in
      guard port.hasType, port.type.hasTensor else {
        throw Diagnostic(
          "onnx.input-type", "\(file): the input '\(port.name)' is no tensor",
          help: "sequences, maps and optional inputs have no place in a graph")
      }
      let tensor = port.type.tensor
      let extents = tensor.shape.dimensions.map { dimension -> Extent in
        switch dimension.extent {
        // Files with a size of -1 or 0 mean an open one.
        case .size(let size)?: size > 0 ? .size(Int(size)) : .open
        case .symbol(let name)?: name.isEmpty ? .open : .symbol(name)
        case nil: .open
        }
      }
      return Input(name: port.name, element: tensor.elementType, extents: tensor.hasShape ? extents : nil)
    }
  }

  /// Throws `onnx.unknown-input`, `onnx.unknown-dimension`, `onnx.shape` for contradictions, and `onnx.open-dimension`
  /// with everything that is still open.
  func bind(_ options: ImportOptions) throws -> [Bound] {
    let symbols = self.symbols
    var sizes: [String: Int] = [:]
    for (name, size) in options.dimensions {
      guard symbols.contains(name) else {
        throw Diagnostic(
          "onnx.unknown-dimension", "\(file): no input has a dimension called '\(name)'",
          help: symbols.isEmpty ? "all dimensions with names are known" : "there are \(list(symbols))")
      }
      if let known = sizes.updateValue(size, forKey: name), known != size {
        throw Diagnostic("onnx.shape", "\(file): --dim gives '\(name)' the sizes \(known) and \(size)")
      }
    }
    let given = sizes
    // Some exporters call every open dimension the same, '?' for example: such a name says nothing about other inputs.
    var ambiguous: Set<String> = []
    var shapes: [String: [Int]] = [:]
    for (name, shape) in options.shapes {
      guard let input = inputs.first(where: { $0.name == name }) else {
        throw Diagnostic(
          "onnx.unknown-input", "\(file): there is no input '\(name)'", help: "there are \(list(inputs.map(\.name)))")
      }
      let text = shape.map(String.init).joined(separator: "x")
      if let known = shapes.updateValue(shape, forKey: name), known != shape {
        throw Diagnostic("onnx.shape", "\(file): the input '\(name)' is given two shapes")
      }
      guard let extents = input.extents else { continue }
      guard extents.count == shape.count else { throw contradiction(input, text) }
      for (extent, size) in zip(extents, shape) {
        switch extent {
        case .size(let fixed): if fixed != size { throw contradiction(input, text) }
        case .symbol(let symbol):
          if let known = given[symbol], known != size {
            throw Diagnostic(
              "onnx.shape",
              "\(file): the dimension '\(symbol)' is \(known) by --dim and \(size) by --shape \(name)=\(text)",
              help: "give it one size")
          }
          if let known = sizes.updateValue(size, forKey: symbol), known != size { ambiguous.insert(symbol) }
        case .open: break
        }
      }
    }
    return try bound(shapes, sizes.filter { !ambiguous.contains($0.key) })
  }

  private func bound(_ shapes: [String: [Int]], _ sizes: [String: Int]) throws -> [Bound] {
    var open: [String] = []
    var result: [Bound] = []
    for input in inputs {
      let shape =
        shapes[input.name]
        ?? input.extents.flatMap { extents in
          let known = extents.compactMap { extent -> Int? in
            switch extent {
            case .size(let size): size
            case .symbol(let symbol): sizes[symbol]
            case .open: nil
            }
          }
          return known.count == extents.count ? known : nil
        }
      guard let shape else {
        open.append("'\(input.name)' is \(describe(input))")
        continue
      }
      guard TensorType.checkedElementCount(shape) != nil, shape.count <= 8 else {
        throw Diagnostic(
          "onnx.shape",
          "\(file): the input '\(input.name)' has shape \(shape); expected at most 8 dimensions and "
            + "\(TensorType.maximumElementCount) elements")
      }
      result.append(try typed(input, shape))
    }
    guard open.isEmpty else {
      throw Diagnostic(
        "onnx.open-dimension", "\(file): dimensions of inputs are open: \(open.joined(separator: "; "))",
        help: wayOut(sizes))
    }
    return result
  }

  private func typed(_ input: Input, _ shape: [Int]) throws -> Bound {
    let name = TensorKind.name(input.element)
    switch TensorKind(rawValue: input.element) {
    case .float: return Bound(name: input.name, type: .f32(shape), note: nil)
    case .double, .float16, .bfloat16:
      return Bound(name: input.name, type: .f32(shape), note: "\(name) in the model")
    case .int32, .int64, .uint8, .int8, .uint16, .int16, .bool, .uint32, .uint64:
      return Bound(
        name: input.name, type: .f32(shape), note: "\(name) in the model",
        kind: TensorKind(rawValue: input.element) ?? .float)
    case nil:
      throw Diagnostic(
        "onnx.input-type",
        "\(file): the input '\(input.name)' has elements of type \(name); expected real numbers, integers or bool",
        help: "convert the input to float before the model, and leave its Cast out")
    }
  }

  // MARK: Messages

  private var symbols: [String] {
    var seen: Set<String> = []
    return inputs.flatMap { $0.extents ?? [] }.compactMap { extent in
      if case .symbol(let name) = extent, seen.insert(name).inserted { name } else { nil }
    }
  }

  private func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
    return names.isEmpty ? "none" : shown + (names.count > 12 ? " and \(names.count - 12) more" : "")
  }

  private func describe(_ input: Input) -> String {
    guard let extents = input.extents else { return "of unknown rank" }
    let sizes = extents.map { extent in
      switch extent {
      case .size(let size): "\(size)"
      case .symbol(let name): name
      case .open: "?"
      }
    }
    return "[\(sizes.joined(separator: ", "))]"
  }

  private func contradiction(_ input: Input, _ text: String) -> Diagnostic {
    Diagnostic(
      "onnx.shape",
      "\(file): --shape \(input.name)=\(text) contradicts the model, where '\(input.name)' is "
        + describe(input))
  }

  private func wayOut(_ sizes: [String: Int]) -> String {
    let named = symbols.filter { sizes[$0] == nil }
    let nameless = inputs.first { input in
      input.extents?.contains { if case .open = $0 { true } else { false } } ?? true
    }
    var ways = named.prefix(4).map { "--dim \($0)=1" }
    if let nameless {
      let shape = (nameless.extents ?? [.size(1), .size(3), .size(224), .size(224)]).map { extent in
        if case .size(let size) = extent { "\(size)" } else { "1" }
      }
      ways = ["--shape \(nameless.name)=\(shape.joined(separator: "x"))"]
    }
    return "say how large they are, such as \(ways.joined(separator: " "))"
  }
}
