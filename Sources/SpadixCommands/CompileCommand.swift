import ArgumentParser
import Spadix
import SpadixIR
import SpadixPasses
import SpadixSupport

extension Phase: ExpressibleByArgument {}
extension Compiler.Formulation: ExpressibleByArgument {}

struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compile a graph to a program, and report what it costs.",
    discussion: """
      The input is a graph in any phase: in floating point, quantized, lowered to npu operators, or with a plan. \
      Compiling resumes from there and stops after the phase that --emit names.
      """)

  @Argument(help: ArgumentHelp("The graph; - is standard input.", valueName: "graph.spx"))
  var input: String

  @OptionGroup var target: TargetOptions

  @OptionGroup var model: ModelOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write what is emitted to this file; - is standard output.", valueName: "file"))
  var output: String?

  @Option(help: "Stop after this phase and emit it: to --output, or else as text to standard output.")
  var emit: Phase?

  @Option(
    help: ArgumentHelp(
      "Write the graph after every pass, the plan, the tile programs and the program into this folder.",
      valueName: "folder"))
  var dumpDir: String?

  @Option(
    help: ArgumentHelp(
      "Samples to calibrate an input with, instead of the graph's own; random draws those of inputs without from their "
        + "ranges.", valueName: "input=file.npy|random"))
  var calibrate: [NamedFile] = []

  @Option(
    help: "Order of the kernels: the graph's (residency), or of least traffic by the paper's model or an exact search.")
  var formulation = Compiler.Formulation.residency

  @OptionGroup(title: "Plan") var planning: PlanOptions

  @Flag(help: "Leave large data out of text on standard output: easier to read, and no longer an input.")
  var elideData = false

  @OptionGroup(title: "Passes") var passes: PassPrintingOptions
  @OptionGroup(title: "Report") var reporting: ReportOptions

  /// With --report=html, an output with the name of a page is the report's.
  private var reportPath: String? {
    reporting.report == .html && output?.hasSuffix(".html") == true ? output : nil
  }

  private var command: CommandText {
    var command = CommandText("compile", input)
    command.add(target, model, calibrate, formulation)
    return command
  }

  func validate() throws {
    if reportPath != nil, reporting.reportFile != nil {
      throw ValidationError(
        "--output \(output ?? "") and --report-file both name the report; expected a program after --output")
    }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target] + calibrate.files.map(\.path),
      outputs: [
        OutputArgument("--output", output, emit ?? .program == .program || reportPath != nil ? .file : .graph),
        OutputArgument("--dump-dir", dumpDir, .dumps), OutputArgument("--report-file", reporting.reportFile),
        OutputArgument("--reproducer", passes.reproducer, .graph),
      ], standardOutput: "--output")
    let input = try InputFile.read(input, model)
    try files.addFiles(of: input)
    var compiler = Compiler(
      target: try target.load(),
      options: Compiler.Options(
        formulation: formulation, samples: try calibrate.samples(for: input.graph),
        calibratesAtRandom: calibrate.asksForRandom,
        instrumentation: passes.instrumentation, dumpDirectory: dumpDir))
    let progress = ProgressAfterASecond()
    planning.apply(to: &compiler.options)
    compiler.options.watch(progress)
    let compilation = try compiler.compile(input, data: DataStore(), upTo: emit ?? .program)
    progress.end()
    compilation.diagnostics.show(remarks: reporting.verbose)
    let isOutputTaken = try write(compilation)
    try reporting.write(compilation, command: command, path: reportPath, isOutputTaken: isOutputTaken)
  }

  /// Writes what was asked for; whether that was to standard output.
  private func write(_ compilation: Compilation) throws -> Bool {
    let phase = emit ?? .program
    let output = reportPath == nil ? output : nil
    if let output, output != "-" {
      try compilation.write(phase, to: output)
      return false
    }
    guard output == "-" || emit != nil else { return false }
    if let text = compilation.text(of: phase, largeData: elideData ? .elided : .hexadecimal) {
      try StandardOutput.write(text)
    }
    return true
  }
}

extension Compiler.Options {
  /// Shows progress, and lets Ctrl-C end the planning with the best plan so far.
  mutating func watch(_ progress: ProgressAfterASecond) {
    self.progress = { progress.show($0) }
    interruptible = { plan in
      let interruption = Interruption()
      defer { interruption.end() }
      let result = try plan(interruption.cancellation)
      if interruption.cancellation.isCancelled {
        progress.end()
        StandardError.write("interrupted: this is the best plan so far\n")
      }
      return result
    }
  }
}
