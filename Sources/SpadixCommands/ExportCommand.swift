import ArgumentParser
import Spadix
import SpadixExport
import SpadixISA
import SpadixMachine
import SpadixSupport
import SpadixTensor

/// `spadix export`: a program as C sources for Gemmini's toolchain, or as a bench for its RTL.
struct ExportCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case c
    case rtl
  }

  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Export a program as C sources, or as a bench for your RTL.",
    discussion: """
      With --format c the folder gets the commands, the DRAM image with the inputs in it, the outputs that the machine computes from \
      them, gemmini_params.h of the target, and a Makefile: `make riscv` builds for Gemmini with \
      riscv64-unknown-elf-gcc, `make check` builds for this computer against a small model and compares.

      With --format rtl it gets a C++ bench for Verilator: `make RTL=/path/to/gen-collateral check` builds your own \
      Gemmini, runs the program on it, and prints cycles, bus bytes and the first wrong byte.
      """)

  @Argument(help: ArgumentHelp("A compiled program.", valueName: "program.spxo"))
  var program: String

  @Option(help: "The format of the sources.")
  var format = Format.c

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made when it is missing.", valueName: "folder"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "The elements of an input, of one sample; inputs left out get seeded random ones.", valueName: "name=file.npy"))
  var input: [NamedFile] = []

  @Option(
    help: ArgumentHelp(
      "What to watch for while the expected outputs are computed: all, none, default, or names of checks. A program with errors is not exported.",
      valueName: "check,..."))
  var check = "default"

  func run() throws {
    var files = try FileArguments(
      inputs: [program] + input.map(\.path), outputs: [OutputArgument("--output", output, .folder)])
    let program = try Program(reading: program)
    let inputs = try inputs(of: program)
    let checks = try CheckSet(parsing: check)
    let (exported, imageBytes, findings): ([ExportedFile], Int, Diagnostics)
    switch format {
    case .c:
      let export = try CExport(program, inputs: inputs, checks: checks)
      (exported, imageBytes, findings) = (export.files, export.imageBytes, export.findings)
    case .rtl:
      let export = try RTLExport(program, inputs: inputs, checks: checks)
      (exported, imageBytes, findings) = (export.files, export.imageBytes, export.findings)
    }
    findings.show(remarks: true)
    try files.add(exported.map(\.name), in: output, of: "--output")
    try Files.write(exported.map { ($0.name, $0.bytes) }, intoFolder: output)
    try StandardOutput.write(
      "\(exported.count) files in \(output): \(program.commands.count) commands, "
        + "\(imageBytes) bytes of DRAM, \(program.hostSteps.count) host steps\n")
  }

  private func inputs(of program: Program) throws -> [Tensor] {
    let runner = try ProgramRunner(program)
    var given: [(name: String, path: String)] = []
    for file in input { given.append((file.name, file.path)) }
    if given.count == runner.inputs.count && !given.isEmpty {
      return try Samples(reading: input.map { ($0.name, $0.path) }, for: runner.inputs)[0]
    }
    guard given.isEmpty else {
      throw Diagnostic(
        "export.inputs",
        "the program has \(runner.inputs.count) inputs; expected all of them or none, found \(given.count)")
    }
    return runner.inputs.enumerated().map { index, port in
      var random = SeededBytes(seed: UInt64(index + 1))
      switch port.type.element {
      case .f32: return Tensor(port.type, .f32((0..<port.type.elementCount).map { _ in random.real() }))
      case .i32: return Tensor(port.type, .i32((0..<port.type.elementCount).map { _ in Int32(random.byte()) }))
      case .i8, .q8: return Tensor(port.type, .i8((0..<port.type.elementCount).map { _ in random.byte() }))
      }
    }
  }
}

/// Inputs where none are given: the same on every computer.
private struct SeededBytes {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func byte() -> Int8 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int8(truncatingIfNeeded: state >> 56)
  }

  mutating func real() -> Float { Float(byte()) / 128 }
}
