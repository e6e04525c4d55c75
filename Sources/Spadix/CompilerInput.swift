import SpadixIR
import SpadixImport
import SpadixSupport
import SpadixTensor

/// What a compilation starts from: a graph of any phase, read from text, or an ONNX model.
public struct CompilerInput: Sendable {
  /// Verified; of the phase that `phase` says.
  public var graph: Graph
  /// How far the graph has come: `.graph` for a floating-point one.
  public var phase: Phase
  /// Where the plan stands when `phase` is `.plan` or `.tiles`.
  var plan: (source: SourceText, start: Int)?
  /// Where the tile programs stand when it is `.tiles`.
  var tiles: (source: SourceText, start: Int)?

  /// Whether the graph was made of a model.
  public private(set) var isModel = false
  /// Files beside a model that hold its data.
  public private(set) var externalFiles: [String] = []

  public init(graph: Graph) {
    self.graph = graph
    self.phase = Self.phase(of: graph)
    self.plan = nil
  }

  /// Reads a graph file of any phase, or an ONNX model.
  ///
  /// Throws the parser's and the verifier's diagnostics, all of the file, and `driver.program-input` for a program.
  /// Paths in a pipe are relative to the working folder, as those in standard input are.
  ///
  /// - Parameter model: what is said about a model's open dimensions; of no effect on a graph.
  public init(reading path: String, model: ImportOptions = ImportOptions()) throws {
    let bytes = try ModelImport.readModelOrText(path)
    if ModelImport.isModel(bytes) {
      try self.init(importing: bytes, path: path, model)
      return
    }
    let isFile = path != "-" && FileIdentity(path) != nil
    try self.init(parsing: Files.source(bytes, of: path), baseFile: isFile ? path : nil)
  }

  /// Makes a graph of a model. Throws everything that is wrong with it.
  public init(importing bytes: consuming [UInt8], path: String, _ options: ImportOptions) throws {
    let model = try Self.importModel(bytes, path: path, options)
    try model.refusals.throwIfErrors()
    guard let graph = model.graph else { preconditionFailure("what was not refused is a graph") }
    try graph.verify()
    self.init(graph: graph)
    isModel = true
    externalFiles = model.externalFiles
  }

  /// - Parameter path: where the bytes are from; its folder is that of external data.
  public static func importModel(
    _ bytes: consuming [UInt8], path: String, _ options: ImportOptions
  ) throws -> ModelImport {
    let isFile = path != "-" && FileIdentity(path) != nil
    return try ModelImport(
      bytes, name: path == "-" ? "<standard input>" : path, folder: isFile ? Files.folder(of: path) : nil,
      options: options)
  }

  /// - Parameter baseFile: the file that paths in the text are relative to; nil for the working folder.
  public init(parsing source: SourceText, baseFile: String? = nil) throws {
    if Safetensors.isContainer(source.bytes) {
      throw Diagnostic(
        "driver.program-input", "'\(source.name)' is a compiled program; expected a graph",
        help: "spadix run executes programs, spadix disasm lists them")
    }
    let parts = PlanParts(source)
    let graph = try Graph(parsing: parts.graph, baseFile: baseFile)
    self.graph = graph
    self.plan = parts.planStart.map { (source, $0) }
    self.tiles = parts.tilesStart.map { (source, $0) }
    self.phase = parts.tilesStart != nil ? .tiles : parts.planStart != nil ? .plan : Self.phase(of: graph)
  }

  /// A graph is lowered when it has an npu operator, quantized when it computes with int8, and floating point otherwise.
  static func phase(of graph: Graph) -> Phase {
    if graph.operations.contains(where: \.op.isNpu) { return .npu }
    return graph.firstComputedInt8 == nil ? .graph : .quantized
  }
}

/// The parts of a file: the npu graph, the plan from the first line that starts with `plan @`, and behind it the tile
/// programs from the first line that starts with `tiles @`.
private struct PlanParts {
  var graph: SourceText
  /// Byte offset of the plan; nil in a file without one.
  var planStart: Int?
  var tilesStart: Int?

  init(_ source: SourceText) {
    graph = source
    let bytes = source.bytes
    let (plan, tiles) = (Array("plan @".utf8), Array("tiles @".utf8))
    var lineStart = 0
    while lineStart < bytes.count {
      if planStart == nil, bytes[lineStart...].starts(with: plan) {
        graph = SourceText(name: source.name, bytes: Array(bytes[..<lineStart]))
        planStart = lineStart
      } else if planStart != nil, bytes[lineStart...].starts(with: tiles) {
        tilesStart = lineStart
        return
      }
      guard let end = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) else { return }
      lineStart = end + 1
    }
  }
}
