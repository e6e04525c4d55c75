import ArgumentParser
import Spadix
import SpadixISA
import SpadixMachine
import SpadixSupport

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a program on the machine.",
    discussion: """
      An input with more samples than the program takes at a time, such as 500 images for a program of one, is run \
      sample by sample; outputs are stacked the same way.
      """)

  @Argument(help: ArgumentHelp("A compiled program, a recorded one, or assembly (.s).", valueName: "program.spxo"))
  var program: String

  @Option(
    help: ArgumentHelp(
      "The elements of an input; the name can be left out where there is only one.", valueName: "name=file.npy"))
  var input: [NamedFile] = []

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write each output into this folder, as NAME.npy.", valueName: "folder"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      """
      Run on this target. Its timing may differ from that of the program's target, to ask what cycles would be; a \
      program for a target that differs in anything else is refused.
      """, valueName: "name|file"))
  var target: String?

  @OptionGroup var settings: TargetSettingOptions

  @Option(help: ArgumentHelp("What to watch for: all, none, default, or names of checks.", valueName: "check,..."))
  var check = "default"

  @Option(help: ArgumentHelp("Stop a run after so many commands.", valueName: "n"))
  var maxCommands: Int?

  @Flag(help: "Print what the first sample counted, with modelled cycles, as JSON; the summary goes to standard error.")
  var counters = false

  @Option(
    help: ArgumentHelp("Write the modelled timeline of the first sample for Perfetto.", valueName: "trace.json"))
  var trace: String?

  @Option(help: ArgumentHelp("Compute with these kernels instead of the fastest.", valueName: "name"))
  var kernels: String?

  @Flag(help: "Say on standard error how long the machine took for each sample.")
  var measure = false

  func validate() throws {
    if let maxCommands, maxCommands < 1 { throw ValidationError("--max-commands \(maxCommands): expected 1 or more") }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [program, target] + input.map(\.path),
      outputs: [OutputArgument("--output", output, .folder), OutputArgument("--trace", trace)])
    var program = try Program(reading: program)
    if target != nil || !settings.set.isEmpty {
      let target = try target.map { try Target.named($0, settings: settings.set) } ?? program.target.with(settings.set)
      try program.expect(target, named: self.target, settings.set)
      // The same machine with other timing answers what-if questions.
      program.target = target
    }
    let options = Machine.Options(
      checks: try CheckSet(parsing: check), maximumCommands: maxCommands ?? Int.max, kernels: kernels,
      time: counters || trace != nil, symbols: counters)
    let runner = try ProgramRunner(program, options: options)
    let samples = try Samples(reading: input.map { ($0.name, $0.path) }, for: runner.inputs)
    var results = OutputFiles(runner.outputs)
    if let output { try files.add(results.names, in: output, of: "--output") }
    var progress = Progress()
    defer { progress.clear() }
    var first: Machine?
    for sample in 0..<samples.count {
      progress.show("sample \(sample + 1) of \(samples.count)")
      let isFirst = sample == 0
      results.add(try runner.run(samples[sample]) { if isFirst && trace != nil { $0.recordTrace() } })
      if isFirst { first = runner.machine }
      if measure, let machine = runner.machine { StandardError.write(speed(of: machine)) }
    }
    progress.clear()
    runner.findings.show(remarks: true)
    if let trace, let timeline = first?.trace { try Files.write(timeline.json(), to: trace) }
    let summary = try summary(runner, samples.count, results)
    if counters, let first {
      // Programs read the JSON: nothing else goes to standard output.
      StandardError.write(summary)
      try StandardOutput.write(first.counters.json(for: program).text(pretty: true) + "\n")
    } else {
      try StandardOutput.write(summary)
    }
  }

  private func speed(of machine: Machine) -> String {
    let seconds = machine.elapsed / .seconds(1)
    let multiplications = Double(machine.counters.total.usefulMACs)
    return "\((seconds * 1e4).rounded() / 10) ms on the machine, "
      + "\((multiplications / seconds / 1e8).rounded() / 10) GMAC/s\n"
  }

  private func summary(_ runner: ProgramRunner, _ samples: Int, _ results: OutputFiles) throws -> String {
    var text =
      "\(samples) \(samples == 1 ? "sample" : "samples"), \(runner.program.commands.count) commands each, "
      + "\(runner.program.hostSteps.count) host steps, on \(runner.program.target.name)\n"
    if let output { try results.write(to: output) }
    for (index, tensor) in try results.tensors().enumerated() {
      text += "  \(runner.outputs[index].name): \(tensor.type)"
      if let output { text += " -> \(output)/\(results.names[index])" }
      text += "\n"
    }
    return text
  }
}

extension Program {
  /// Throws `program.target` when the program is for another target.
  ///
  /// - Parameter argument: what `--target` was: the name of a preset or the path of a file; nil where it was not given.
  func expect(_ target: Target, named argument: String?, _ settings: [TargetSetting] = []) throws {
    guard target.fingerprint != self.target.fingerprint else { return }
    let options = settings.map { "--set \($0.text)" }.joined(separator: " ")
    guard let argument else {
      throw Diagnostic(
        "program.target",
        "\(options) changes more than the timing of '\(self.target.name)', which the program is for",
        help: "compile it again with \(options)")
    }
    throw Diagnostic(
      "program.target",
      "the program is for target '\(self.target.name)' (\(self.target.fingerprint)); expected '\(argument)' "
        + "(\(target.fingerprint))",
      notes: self.target.name == target.name ? differences(target) : [],
      help: "compile it again with --target \(argument), or leave --target out")
  }

  /// The parameters in which a target of the same name differs: lines of its file, up to those of time.
  private func differences(_ other: Target) -> [Diagnostic.Note] {
    let files = [target.yaml, other.yaml].map { yaml in
      yaml.split(separator: "\n").prefix { !$0.hasPrefix("timing:") }.map { $0.split(separator: " ").prefix(2) }
    }
    return zip(files[0], files[1]).filter { $0 != $1 }.map { own, expected in
      Diagnostic.Note("\(own.joined(separator: " ")) in the program, \(expected.last ?? "") expected")
    }
  }
}
