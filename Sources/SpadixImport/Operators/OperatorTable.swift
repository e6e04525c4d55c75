import SpadixIR

/// What makes values of the graph, or constants, of one node.
typealias Converter = @Sendable (inout ModelImporter, NodeReader) throws -> [ImportedValue]

/// The operators of the ONNX standard that can be imported, and why others cannot.
enum OperatorTable {
  static let converters: [String: Converter] = {
    var table: [String: Converter] = [:]
    let parts = [
      ConvolutionConverters.table, TransposedConvolution.table, ProductConverters.table, ArithmeticConverters.table,
      ActivationConverters.table, FunctionConverters.table, NormalizationConverters.table, SelectionConverters.table,
      QuantizationConverters.table, ResizeConverters.table, QuantizedConverters.standard,
      PoolingConverters.table, ReductionConverters.table, MovementConverters.table, ShapeConverters.table,
      ControlConverters.table, IndexConverters.table, EinsumConverter.table, SpectralConverters.table,
      MicrosoftConverters.inStandardDomain, IntegerConverters.standard,
    ]
    for part in parts { table.merge(part) { $1 } }
    table["NonZero"] = IndexConverters.nonZero
    for (name, folder) in FoldingTable.folders where table[name] == nil { table[name] = constantsOnly(name, folder) }
    return table
  }()

  /// The converter of a node's operator; nil where it has none.
  static func converter(of node: Spadix_Onnx_Node) -> Converter? {
    switch node.domain {
    case "", "ai.onnx": converters[node.operator]
    case "com.microsoft":
      IntegerConverters.microsoft[node.operator] ?? QuantizedConverters.table[node.operator]
        ?? MicrosoftConverters.table[node.operator] ?? AttentionConverters.table[node.operator]
    case "ai.onnx.ml": node.operator == "Scaler" ? ArithmeticConverters.scaler : nil
    default: nil
    }
  }

  /// Why a node's operator cannot be imported.
  static func refusal(of node: Spadix_Onnx_Node) -> Refusal {
    if let reason = known(node.operator) { return reason }
    switch node.domain {
    case "", "ai.onnx":
      return Refusal(
        "onnx.operator", "the language has no operator for it",
        help: "docs/onnx.md lists what can be imported; cut the model around it, or export it in other operators")
    case "ai.onnx.ml":
      return Refusal(
        "onnx.operator", "it is of the domain 'ai.onnx.ml', of trees, tables and strings; a graph has tensors only",
        help: "cut the model before it and run it on the host: onnx.utils.extract_model names the outputs to keep")
    case "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc":
      return Refusal(
        "onnx.operator", "it is an operator of ONNX Runtime's own, of the domain '\(node.domain)'",
        help: "import the model that it was made from, or save it at a lower level of optimization, ORT_ENABLE_BASIC")
    default:
      return Refusal(
        "onnx.operator", "the operator is of the domain '\(node.domain)'; expected one of the ONNX standard",
        help: "export it in operators of the standard, or as a function of the model")
    }
  }

  /// In alphabetical order, for documentation.
  static var names: [String] { converters.keys.sorted() }

  /// An operator that is evaluated at import, and has no place in a graph.
  private static func constantsOnly(_ name: String, _ folder: @escaping Folder) -> Converter {
    { importer, node in
      if let folded = try importer.fold(node, folder) { return folded }
      throw Refusal(
        "onnx.operator", "\(name) of computed tensors has no operator in the language",
        help: "it can be imported where everything it depends on is a shape or a constant")
    }
  }

  /// Why operators of a name cannot be imported whatever domain they are of; nil for others.
  private static func known(_ name: String) -> Refusal? {
    func refuse(_ reason: String, _ help: String) -> Refusal { Refusal("onnx.operator", reason, help: help) }
    switch name {
    case "LSTM", "GRU", "RNN", "DynamicQuantizeLSTM":
      return refuse(
        "a graph has no loops over time, and no recurrent operator",
        "export a network without recurrent layers, or cut the model before them and run them on the host")
    case "Loop", "Scan":
      return refuse("a graph has no loops", "export the loop unrolled, with a fixed number of steps")
    case "NonMaxSuppression", "TopK", "RoiAlign", "MaxRoiPool", "Unique", "Compress":
      return refuse(
        "what it selects depends on the data; a graph has fixed shapes and no sorting",
        "cut the model before it and run the rest on the host: onnx.utils.extract_model names the outputs to keep")
    case "DeformConv", "GridSample", "AffineGrid":
      return refuse("it reads at positions that are computed", "resample before the model")
    case _
    where name.hasPrefix("Sequence") || name.hasPrefix("Optional") || name == "SplitToSequence"
      || name == "ConcatFromSequence":
      return refuse("a graph has tensors only, no sequences and no optional values", "export the model without them")
    case _ where name.hasPrefix("String") || name == "TfIdfVectorizer" || name == "RegexFullMatch":
      return refuse("a graph has no strings", "turn strings into numbers before the model")
    case "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial":
      return refuse("its result is random", "draw the numbers before the model, and give them to it as an input")
    default: return nil
    }
  }
}
