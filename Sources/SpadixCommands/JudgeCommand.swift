import ArgumentParser
import Spadix
import SpadixISA
import SpadixJudge
import SpadixMachine
import SpadixReport
import SpadixSupport

struct JudgeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge", abstract: "Say whether a kernel computes what a graph says, and what it costs.",
    discussion: """
      A kernel in C defines `void kernel(...)`, whose parameters are the graph's inputs, data and outputs, in the order of \
      its text, and gives commands by the macros of Gemmini's own header. It is compiled for this processor, and its \
      commands run on the machine. Every element is held against the integer reference. The exit status is 2 for a kernel \
      that is wrong. docs/judging.md has an example.
      """)

  @Argument(help: ArgumentHelp("A kernel in C, assembly (.s), or a program.", valueName: "kernel.c|.s|.spxo"))
  var kernel: String?

  @Option(help: ArgumentHelp("What is to be computed: a graph in int8, quantized or lowered.", valueName: "graph.spx"))
  var reference: String

  @Option(
    help: ArgumentHelp(
      "The target: a preset or a target file. (default: that of a program, and gemmini for C)", valueName: "name|file"))
  var target: String?

  @OptionGroup var settings: TargetSettingOptions

  @Option(help: ArgumentHelp("Samples of random inputs; the first holds only the ends of their range.", valueName: "n"))
  var samples = 3

  @Option(help: "Seed of the inputs.")
  var seed: UInt64 = 1

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @Flag(help: "List the tensors and their addresses instead, for kernels in assembly.")
  var layout = false

  @Option(name: .shortAndLong, help: ArgumentHelp("Write the kernel's program to this file.", valueName: "file"))
  var output: String?

  func validate() throws {
    if !(1...1000).contains(samples) { throw ValidationError("--samples \(samples): expected 1 to 1000") }
    if layout == (kernel != nil) { throw ValidationError("expected a kernel, or --layout") }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [kernel, reference, target], outputs: [OutputArgument("--output", output)])
    let input = try CompilerInput(reading: reference)
    try files.addFiles(of: input)
    var judge = try KernelJudge(
      reference: input.graph, on: Target.named(target ?? Target.gemmini.name, settings: settings.set))
    guard let kernel else {
      try StandardOutput.write(judge.layout.text)
      return
    }
    // A program says itself what it is for.
    if target == nil, settings.set.isEmpty, !kernel.hasSuffix(".c") {
      judge = try KernelJudge(reference: input.graph, on: Program(reading: kernel).target)
    }
    judge.samples = samples
    judge.seed = seed
    let program = try judge.program(reading: kernel)
    let verdict = try judge.judge(program, named: kernel)
    if let output { try program.write(to: output) }
    let text = VerdictText(verdict)
    try StandardOutput.write(json ? text.json.text(pretty: true) + "\n" : text.text)
    if !verdict.isRight { throw ExitStatus.mismatch }
  }
}

/// A verdict for people and for programs.
private struct VerdictText {
  let verdict: KernelVerdict

  init(_ verdict: KernelVerdict) { self.verdict = verdict }

  var text: String {
    let total = verdict.counters.total
    let samples = verdict.samples == 1 ? "1 sample" : "\(verdict.samples) samples"
    var text = "\(verdict.kernel) on \(verdict.target): "
    text += verdict.isRight ? "right, every element of \(samples)\n" : "WRONG\n"
    if let wrong = verdict.firstWrong {
      let index = wrong.index.map(String.init).joined(separator: ", ")
      text +=
        "  %\(wrong.output)[\(index)] of sample \(wrong.sample) is \(wrong.found), expected \(wrong.expected); "
        + "\(wrong.count) of \(wrong.elementCount) elements differ\n"
    }
    text += "  cycles \(total.cycles.total) (modelled): "
    text +=
      total.cycles.parts.map { "\($0.key) \($0.cycles)" }.joined(separator: ", ")
      + "\n  array busy in \(total.arrayCycles) cycles\n"
    text +=
      "  DRAM bytes \(total.dramReadBytes) read, \(total.dramWrittenBytes) written; \(verdict.commands) commands\n"
    text += "  scratchpad \(verdict.scratchpadKiB) KiB, accumulator \(verdict.accumulatorKiB) KiB\n"
    for finding in verdict.findings { text += finding.description }
    return text
  }

  var json: JSONValue {
    let total = verdict.counters.total
    func classes(_ bytes: [Int]) -> JSONValue {
      .object(zip(Counters.classes, bytes).map { JSONValue.Member($0, .integer($1)) })
    }
    return [
      "format": "spadix-verdict-1", "kernel": .string(verdict.kernel), "reference": .string(verdict.reference),
      "target": .string(verdict.target), "samples": .integer(verdict.samples), "right": .boolean(verdict.isRight),
      "first_wrong": verdict.firstWrong.map(Self.json) ?? .null,
      "cycles_modelled": .integer(total.cycles.total),
      "cycles_bound_by": .object(total.cycles.parts.map { .init($0.key, .integer($0.cycles)) }),
      "array_cycles_modelled": .integer(total.arrayCycles), "useful_macs": .integer(total.usefulMACs),
      "commands": .integer(verdict.commands), "dram_read": classes(total.dramRead),
      "dram_written": classes(total.dramWritten), "scratchpad_kib": .number(verdict.scratchpadKiB),
      "accumulator_kib": .number(verdict.accumulatorKiB),
      "findings": .array(
        verdict.findings.map {
          ["severity": .string($0.severity.rawValue), "id": .string($0.id), "message": .string($0.message)]
        }),
    ]
  }

  private static func json(_ wrong: KernelVerdict.WrongElement) -> JSONValue {
    [
      "sample": .integer(wrong.sample), "output": .string(wrong.output),
      "index": .array(wrong.index.map { .integer($0) }), "expected": .integer(wrong.expected),
      "found": .integer(wrong.found), "wrong_elements": .integer(wrong.count), "elements": .integer(wrong.elementCount),
    ]
  }
}
