import Spadix
import SpadixIR
import SpadixISA
import SpadixSupport

/// A file or a folder that a command writes, and how the user calls it (`--trace`).
struct OutputArgument {
  enum Kind {
    case file
    /// Text of a graph, with its large data in a file beside it.
    case graph
    /// A folder; the names in it are known later.
    case folder
    /// A folder of numbered files. How many there will be, and their names, only the passes tell.
    case dumps
  }

  var option: String
  /// Nil when the option is not given.
  var path: String?
  var kind = Kind.file

  init(_ option: String, _ path: String?, _ kind: Kind = .file) {
    self.option = option
    self.path = path
    self.kind = kind
  }
}

/// What a command reads and writes, checked before any work.
///
/// An output that is an input would destroy it, two outputs in one file would leave the last of them: neither can be
/// what somebody wants, and both are easily typed. Inputs are all files that are read, also those that a graph names;
/// outputs are all files that are written, also those beside or inside what an option names. An output that cannot be
/// written is found here as well.
struct FileArguments {
  private struct Input {
    var description: String
    var path: String
    var range: SourceRange?
  }

  private struct Output {
    /// `--output 'graph.spx'`.
    var description: String
    var option: String
    var path: String
  }

  private var inputs: [FileIdentity: Input] = [:]
  private var outputs: [FileIdentity: Output] = [:]
  private var dumps: (option: String, path: String)?
  private var readsStandardInput = false

  /// - Parameters:
  ///   - inputs: paths of files to read, `-` for standard input; names of target presets are passed over.
  ///   - standardOutput: the output for which `-` is standard output; for others it is refused, since the command
  ///     prints something else there.
  ///
  /// Throws `file.output-is-input`, `file.output-twice`, `file.standard-output`, `file.standard-input`, and for what
  /// cannot be written `file.unwritable` and `file.disk-full`.
  init(inputs: [String?], outputs: [OutputArgument], standardOutput: String? = nil) throws {
    for case let path? in inputs where Target.preset(named: path) == nil {
      if path == "-" {
        if readsStandardInput {
          throw Diagnostic(
            "file.standard-input", "'-' is given for two inputs; standard input can only be read once",
            help: "give one of them as a file")
        }
        readsStandardInput = true
      }
      // Standard input may be a file as well: `spadix opt - -o graph.spx < graph.spx`.
      try add(Input(description: "the input '\(path)'", path: path == "-" ? "/dev/stdin" : path))
    }
    for output in outputs { try add(output, standardOutput: standardOutput) }
  }

  /// Adds the files that a graph or a model names to the inputs.
  mutating func addFiles(of input: CompilerInput) throws {
    try addFiles(of: input.graph)
    try addExternalFiles(input.externalFiles)
  }

  /// Adds files with a model's data to the inputs.
  mutating func addExternalFiles(_ paths: [String]) throws {
    for path in paths { try add(Input(description: "'\(path)', which holds data of the model", path: path)) }
  }

  /// Adds the files that a graph names to the inputs.
  mutating func addFiles(of graph: Graph) throws {
    for definition in graph.data {
      guard let file = definition.file else { continue }
      let description = "'\(file)', which holds data @\(definition.name)"
      try add(Input(description: description, path: file, range: definition.range))
    }
  }

  /// Adds the files that will be written into the folder that an option names.
  mutating func add(_ names: [String], in folder: String, of option: String) throws {
    for name in names {
      let path = folder + "/" + name
      try add(Output(description: "\(option) '\(path)'", option: option, path: path))
      if Files.exists(path) { try Files.checkOutput(path) }
    }
  }

  private mutating func add(_ output: OutputArgument, standardOutput: String?) throws {
    guard let path = output.path else { return }
    if path == "-" {
      if output.option == standardOutput { return }
      throw Diagnostic(
        "file.standard-output", "\(output.option) -: standard output has the command's own results; expected a file",
        help: "\(output.option) /dev/stderr writes to the terminal, \(output.option) ./- to a file of that name")
    }
    let description = "\(output.option) '\(path)'"
    try add(Output(description: description, option: output.option, path: path))
    switch output.kind {
    case .file: try Files.checkOutput(path)
    case .graph:
      try Files.checkOutput(path)
      let companion = Graph.companion(of: path)
      let beside = "\(description) writes '\(companion)' as well and"
      try add(Output(description: beside, option: output.option, path: companion))
    case .folder: try Files.checkOutputFolder(path)
    case .dumps:
      try Files.checkOutputFolder(path)
      dumps = (output.option, path)
      for input in inputs.values.sorted(by: { $0.path < $1.path }) where isDump(input.path) { throw overwrites(input) }
      for output in outputs.values.sorted(by: { $0.path < $1.path }) where isDump(output.path) { throw twice(output) }
    }
  }

  private mutating func add(_ input: Input) throws {
    guard let file = FileIdentity(input.path) else { return }
    if let output = outputs[file] { throw Self.conflict(output, input) }
    if isDump(input.path) { throw overwrites(input) }
    inputs[file] = input
  }

  private mutating func add(_ output: Output) throws {
    guard let file = FileIdentity(output.path) else { return }
    if let input = inputs[file] { throw Self.conflict(output, input) }
    if let other = outputs[file] {
      throw Diagnostic(
        "file.output-twice", "\(output.description) would overwrite the output of \(other.option)",
        help: "give each output a file of its own")
    }
    if isDump(output.path) { throw twice(output) }
    outputs[file] = output
  }

  private static func conflict(_ output: Output, _ input: Input) -> Diagnostic {
    Diagnostic(
      "file.output-is-input", "\(output.description) would overwrite \(input.description)", at: input.range,
      help: "write to another file, and rename it afterwards")
  }

  /// All numbered names in the folder of dumps are taken.
  private func isDump(_ path: String) -> Bool {
    guard let dumps else { return false }
    let folder = Files.folder(of: path)
    let name = path.split(separator: "/").last ?? ""
    let number = name.prefix { $0.isNumber }
    return !number.isEmpty && name.dropFirst(number.count).first == "-"
      && FileIdentity(folder.isEmpty ? "." : folder) == FileIdentity(dumps.path)
  }

  private func twice(_ output: Output) -> Diagnostic {
    Diagnostic(
      "file.output-twice", "\(output.description) has the name of a numbered file of \(dumps?.option ?? "")",
      help: "write it into another folder")
  }

  private func overwrites(_ input: Input) -> Diagnostic {
    Diagnostic(
      "file.output-is-input",
      "\(dumps?.option ?? "") '\(dumps?.path ?? "")' would overwrite \(input.description)", at: input.range,
      help: "dump into another folder")
  }
}
