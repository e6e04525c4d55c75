import SpadixISA
import SpadixSupport

/// What the arguments of a command say about files, checked before any work.
///
/// An output that is an input would destroy it, two outputs in one file would leave the last of them: neither can be
/// what somebody wants, and both are easily typed.
enum FileArguments {
  /// - Parameters:
  ///   - inputs: paths of files to read, `-` for standard input; names of target presets are passed over.
  ///   - outputs: what the user calls each output (`--trace`), and its path where there is one.
  ///   - standardOutput: the output for which `-` is standard output; for others it is refused, since the command
  ///     prints something else there.
  ///   - dumps: the folder of --dump-dir, which gets numbered files.
  ///
  /// Throws `file.output-is-input`, `file.output-twice` and `file.standard-output`.
  static func check(
    inputs: [String?], outputs: [(option: String, path: String?)], standardOutput: String? = nil,
    dumps: String? = nil
  ) throws {
    if let dumps { try check(inputs: inputs, dumps: dumps) }
    var owners: [FileIdentity: (name: String, isInput: Bool)] = [:]
    for case let path? in inputs where Target.preset(named: path) == nil {
      // Standard input may be a file as well: `spadix opt - -o graph.spx < graph.spx`.
      if let file = FileIdentity(path == "-" ? "/dev/stdin" : path) { owners[file] = ("'\(path)'", true) }
    }
    for case (let option, let path?) in outputs {
      if path == "-" {
        if option == standardOutput { continue }
        throw Diagnostic(
          "file.standard-output", "\(option) -: standard output has the command's own results; expected a file",
          help: "\(option) /dev/stderr writes to the terminal, \(option) ./- to a file of that name")
      }
      guard let file = FileIdentity(path) else { continue }
      if let owner = owners[file] {
        throw owner.isInput
          ? Diagnostic(
            "file.output-is-input", "\(option) '\(path)' would overwrite the input \(owner.name)",
            help: "write to another file, and rename it afterwards")
          : Diagnostic(
            "file.output-twice", "\(option) '\(path)' would overwrite the output of \(owner.name)",
            help: "give each output a file of its own")
      }
      owners[file] = ("\(option)", false)
    }
  }

  /// How many files there will be, and their names, only the passes tell: all numbered names are taken.
  private static func check(inputs: [String?], dumps: String) throws {
    for case let path? in inputs {
      let folder = Files.folder(of: path)
      let name = path.split(separator: "/").last ?? ""
      let number = name.prefix { $0.isNumber }
      guard !number.isEmpty, name.dropFirst(number.count).first == "-",
        FileIdentity(folder.isEmpty ? "." : folder) == FileIdentity(dumps)
      else { continue }
      throw Diagnostic(
        "file.output-is-input", "--dump-dir '\(dumps)' would overwrite the input '\(path)'",
        help: "dump into another folder")
    }
  }
}
