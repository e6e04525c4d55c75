import Spadix
import SpadixISA
import SpadixMachine
import SpadixSupport
import SpadixTensor

/// Files that a program is exported to.
public struct ExportedFile {
  /// Relative to the folder of the export.
  public var name: String
  /// The whole file.
  public var bytes: [UInt8]

  init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  init(_ name: String, text: String) { self.init(name, Array(text.utf8)) }
}

/// What every exported program consists of: its DRAM with the inputs in it, and the bytes that this must lead to.
struct ExportedProgram {
  let program: Program
  let image: [UInt8]
  let expected: [UInt8]
  /// Outputs, and what programs without bindings name as expectations.
  let results: [Program.Binding]
  let host: ExportedHostSteps
  /// What the checks found; no errors among them.
  let findings: Diagnostics

  /// The most bytes of DRAM that fit a static image.
  private static let maximumImage = 1 << 30

  /// Throws `export.*` for what C sources cannot hold, and what running the program throws: what the checks find is an
  /// error of the program, which would leave other bytes on hardware.
  init(_ program: Program, inputs: [Tensor], checks: CheckSet) throws {
    let end = try program.dramEnd()
    let bytes = Int(end) - Target.firstAddress
    guard bytes <= Self.maximumImage else {
      throw Diagnostic(
        "export.size", "the program uses \(bytes) bytes of DRAM; a static image has at most \(Self.maximumImage)")
    }
    var image = [UInt8](repeating: 0, count: roundUp(bytes, toMultipleOf: 64))
    for segment in program.segments {
      let start = Int(segment.address) - Target.firstAddress
      image.replaceSubrange(start..<start + segment.bytes.count, with: segment.bytes)
    }
    for (binding, tensor) in zip(program.inputs, inputs) { Self.place(tensor.storage.bytes, binding, in: &image) }
    let runner = try ProgramRunner(program, options: Machine.Options(checks: checks))
    let outputs: [Tensor]
    do {
      outputs = try runner.run(inputs)
    } catch let found as Diagnostics where runner.machine?.fault == nil {
      throw Self.withTheWayOut(found)
    }
    findings = runner.findings
    var expected = outputs.flatMap(\.storage.bytes)
    let expectations = program.expectations.map {
      Program.Binding(name: $0.name, address: $0.address, type: TensorType([$0.bytes.count], .i8))
    }
    for it in expectations { expected += try runner.machine?.read(it) ?? [] }
    self.program = program
    self.image = image
    self.expected = expected
    results = program.outputs + expectations
    host = try ExportedHostSteps(program)
  }

  private static func withTheWayOut(_ found: Diagnostics) -> Diagnostics {
    var all = found.all
    if let last = all.lastIndex(where: { $0.severity == .error && $0.help == nil }) {
      all[last].help = "--check=none exports the program as it is, such as to see what hardware makes of it"
    }
    return Diagnostics(all)
  }

  /// The image, and the bytes that it must lead to.
  var dataFiles: [ExportedFile] { [ExportedFile("image.bin", image), ExportedFile("expected.bin", expected)] }

  /// The commands one after the other.
  var commandFile: ExportedFile {
    var words: [UInt64] = []
    words.reserveCapacity(3 * program.commands.count)
    for command in program.commands { words += [UInt64(command.funct), command.rs1, command.rs2] }
    return ExportedFile("commands.bin", littleEndianBytes(words))
  }

  private static func place(_ bytes: [UInt8], _ binding: Program.Binding, in image: inout [UInt8]) {
    for row in 0..<binding.rows {
      let start = Int(binding.address) - Target.firstAddress + row * binding.rowStride
      let source = row * binding.rowBytes
      image.replaceSubrange(start..<start + binding.rowBytes, with: bytes[source..<source + binding.rowBytes])
    }
  }
}

/// A program as C for Gemmini's toolchain.
public struct CExport {
  /// In the order in which they are written.
  public let files: [ExportedFile]
  /// Bytes of the DRAM image, from `Target.firstAddress` on; a multiple of 64.
  public let imageBytes: Int
  /// Warnings and remarks of the checks.
  public let findings: Diagnostics

  /// Throws what `ExportedProgram.init` throws.
  public init(_ program: Program, inputs: [Tensor], checks: CheckSet = .standard) throws {
    let exported = try ExportedProgram(program, inputs: inputs, checks: checks)
    imageBytes = exported.image.count
    findings = exported.findings
    files =
      exported.dataFiles + [
        ExportedFile("image.c", text: CSources.image(commands: false)),
        ExportedFile("program.h", text: CSources.header(program, imageBytes: imageBytes)),
        ExportedFile("program.c", text: CSources.program(program, exported.results)),
        ExportedFile("host.c", text: exported.host.source),
        ExportedFile("model.c", text: CSources.model),
        ExportedFile("gemmini_test.c", text: CSources.test),
        ExportedFile("gemmini_params.h", text: GemminiParameters.header(program.target)),
        ExportedFile("Makefile", text: CSources.makefile),
        ExportedFile("README", text: CSources.readme(program)),
      ]
  }
}

/// Gemmini's parameter header for a target.
enum GemminiParameters {
  static func header(_ target: Target) -> String {
    """
    // Parameters of the target '\(target.name)' for Gemmini's C library. Generated by spadix export.
    #ifndef GEMMINI_PARAMS_H
    #define GEMMINI_PARAMS_H

    #include <limits.h>
    #include <stdint.h>

    #define XCUSTOM_ACC 3
    #define DIM \(target.dim)
    #define ADDR_LEN 32
    #define BANK_NUM \(target.scratchpadBanks)
    #define BANK_ROWS \(target.scratchpadRowsPerBank)
    #define ACC_ROWS \(target.accumulatorRows)
    #define MAX_BYTES 64
    #define MAX_BLOCK_LEN \(target.maxBlockLength)
    #define MAX_BLOCK_LEN_ACC \(target.maxBlockLengthAccumulator)

    typedef int8_t elem_t;
    static const elem_t elem_t_max = 127;
    static const elem_t elem_t_min = -128;
    typedef int32_t acc_t;
    typedef int64_t full_t;

    #define HAS_MVIN_SCALE
    typedef float scale_t;
    typedef uint32_t scale_t_bits;
    typedef int32_t scale_acc_t;
    typedef uint32_t scale_acc_t_bits;
    typedef float acc_scale_t;
    typedef uint32_t acc_scale_t_bits;

    #define row_align(blocks) __attribute__((aligned(blocks * DIM * sizeof(elem_t))))
    #define row_align_acc(blocks) __attribute__((aligned(blocks * DIM * sizeof(acc_t))))

    #define MVIN_SCALE_IDENTITY 1.0
    #define ACC_SCALE_IDENTITY 1.0
    #define ACC_SCALE_T_IS_FLOAT
    #define ACC_SCALE_EXP_BITS 8
    #define ACC_SCALE_SIG_BITS 24
    #define ACC_READ_SMALL_WIDTH
    #define ACC_READ_FULL_WIDTH
    #define HAS_FIRST_LAYER_OPTIMIZATIONS
    \(target.hasNormalizations ? "#define HAS_NORMALIZATIONS" : "")
    #endif

    """
  }
}
