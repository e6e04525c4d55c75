import ArgumentParser
import SpadixISA

/// `spadix targets`: the presets, or one target as a file.
struct TargetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "targets", abstract: "List the targets, or print one as a target file.")

  @Option(help: ArgumentHelp("Print this target as a target file.", valueName: "name|file"))
  var yaml: String?

  func run() throws {
    if let yaml {
      let target = try Target.named(yaml)
      for note in target.notes { StandardError.write("note: \(note)\n") }
      try StandardOutput.write(target.yaml)
      return
    }
    for target in Target.presets {
      let isDefault = target.fingerprint == Target.spadix.fingerprint
      var text = "\(target.name)\(isDefault ? " (default)" : "")  \(target.fingerprint)\n"
      text += "  \(target.dim) x \(target.dim) array, scratchpad \(target.scratchpadBytes / 1024) KiB in "
      text += "\(target.scratchpadBanks) banks of \(target.scratchpadRowsPerBank) rows, "
      text += "accumulator \(target.accumulatorBytes / 1024) KiB\n"
      let names = Capability.all.filter { target[keyPath: $0.path] }.map(\.title)
      text += "  beyond Gemmini's default: \(names.isEmpty ? "nothing" : names.joined(separator: ", "))\n"
      try StandardOutput.write(text)
    }
  }
}
