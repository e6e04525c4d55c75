import Foundation
import SpadixISA
import SpadixSupport

/// Compiles a kernel in C for this processor and runs it in a process of its own, to see which commands it gives.
///
/// The process has limits on time, memory and commands, and none of the tensors' bytes. It is no prison: a kernel can do what
/// its user can.
struct KernelRecorder {
  /// What a kernel's process may use before it is ended.
  struct Limits: Sendable {
    /// Of processor time.
    var seconds = 5
    /// Of address space, beside the buffers.
    var memoryBytes = 1 << 30
    /// That are recorded.
    var commands = 16 << 20

    init() {}
  }

  /// Of the process that runs the kernel; the compiler has none.
  var limits = Limits()
  private let layout: KernelLayout
  private let target: Target

  init(_ layout: KernelLayout, on target: Target) {
    self.layout = layout
    self.target = target
  }

  /// The commands of the function `kernel` of a C file.
  ///
  /// Throws `judge.compiler`, `judge.compile`, `judge.endless`, `judge.memory`, `judge.crash`, `judge.commands`.
  func commands(ofSource path: String) throws -> [Command] {
    _ = try Files.read(path)
    let folder = try TemporaryFolder(prefix: "spadix-judge")
    for place in ["", "include/"] {
      try folder.write(PackageResources.gemmini_h, to: place + "gemmini.h")
      try folder.write(parameters.utf8, to: place + "gemmini_params.h")
    }
    try folder.write(PackageResources.recorder_c, to: "recorder.c")
    try folder.write(call.utf8, to: "recorder.h")
    let recorder = try folder.file("recorder")
    try compile(path, to: recorder, in: folder)
    return try run(recorder, path, commands: folder.file("commands"))
  }

  private func compile(_ path: String, to recorder: String, in folder: TemporaryFolder) throws {
    guard let compiler = ChildProcess.find(["cc", "gcc", "clang"]) else {
      throw Diagnostic(
        "judge.compiler", "there is no C compiler: expected cc, gcc or clang on the path",
        help: "on Debian: apt-get install gcc libc6-dev; programs and assembly are judged without one")
    }
    let result = try ChildProcess.run(
      compiler,
      [
        "-std=gnu11", "-O1", "-w", "-fPIE", "-pie", "-I", folder.path, "\(folder.path)/recorder.c",
        Files.absolute(path), "-lm", "-o", recorder,
      ], seconds: 30)
    guard result.isSuccess else {
      let text = result.errors.replacing(folder.path + "/", with: "")
      let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
      let shown = lines.prefix(12).joined(separator: "\n") + (lines.count > 12 ? "\n..." : "")
      let isKernelMissing = text.contains("undefined reference") && text.contains("`kernel'")
      throw Diagnostic(
        "judge.compile", "'\(path)' does not compile:\n\(shown)",
        help: isKernelMissing
          ? "define void kernel(\(prototype))" : "kernels include gemmini.h and define void kernel(\(prototype))")
    }
  }

  private func run(_ recorder: String, _ path: String, commands file: String) throws -> [Command] {
    let result = try ChildProcess.run(recorder, [file], seconds: 3 * limits.seconds)
    let endless = Diagnostic(
      "judge.endless", "'\(path)' did not return within \(limits.seconds) seconds", help: "does a loop have an end?")
    switch result.ending {
    case .timeout, .signal(SIGXCPU), .signal(SIGALRM): throw endless
    case .exit(70), .signal(SIGXFSZ):
      throw Diagnostic(
        "judge.commands", "'\(path)' gave more than \(limits.commands) commands", help: "does a loop have an end?")
    case .exit(71):
      throw Diagnostic("judge.memory", "this system cannot map the tensors at \(KernelLayout.base)")
    case .signal(SIGSEGV), .signal(SIGBUS):
      throw Diagnostic(
        "judge.crash", "'\(path)' reads or writes memory that is not its own",
        help:
          "tensors are the accelerator's memory: a kernel passes their addresses to commands and follows none itself")
    case .signal(let signal):
      throw Diagnostic("judge.crash", "'\(path)' was ended by signal \(signal), \(String(cString: strsignal(signal)))")
    case .exit(let status):
      let words = try recorded(file)
      // The recorder's last command says that the kernel returned.
      guard status == 0, words.count >= 3, words[words.count - 3] == 0xFFFF else {
        throw Diagnostic(
          "judge.crash", "'\(path)' ended its process with status \(status); expected it to return")
      }
      return stride(from: 0, to: words.count - 3, by: 3).map {
        Command(funct: UInt8(truncatingIfNeeded: words[$0]), rs1: words[$0 + 1], rs2: words[$0 + 2])
      }
    }
  }

  private func recorded(_ file: String) throws -> [UInt64] {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)) else {
      throw Diagnostic("judge.crash", "the kernel's commands could not be written", help: "is the disk full?")
    }
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
    }
  }

  // MARK: Sources

  private var parameters: String {
    """
    // The target '\(target.name)'.
    #ifndef GEMMINI_PARAMS_H
    #define GEMMINI_PARAMS_H
    #define DIM \(target.dim)
    #define BANK_NUM \(target.scratchpadBanks)
    #define BANK_ROWS \(target.scratchpadRowsPerBank)
    #define ACC_ROWS \(target.accumulatorRows)
    #endif

    """
  }

  private var prototype: String {
    layout.buffers.map { buffer in
      let element = buffer.type.element == .i32 ? "acc_t" : "elem_t"
      let name = String(buffer.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
      return "\(buffer.role == .output ? "" : "const ")\(element) *\(name.first?.isNumber == true ? "_" + name : name)"
    }.joined(separator: ", ")
  }

  private var call: String {
    let types = layout.buffers.map { _ in "void *" }.joined(separator: ", ")
    let pointers = layout.buffers.map { "(void *)(uintptr_t)0x\(String($0.address, radix: 16))" }.joined(
      separator: ", ")
    return """
      #define RECORDER_BASE 0x\(String(KernelLayout.base, radix: 16))ul
      #define RECORDER_BYTES \(max(4096, layout.byteCount))ul
      #define RECORDER_COMMANDS \(limits.commands)ul
      #define RECORDER_SECONDS \(limits.seconds)
      #define RECORDER_MEMORY \(limits.memoryBytes)ul
      extern void kernel(\(types));
      static void recorder_call(void) { kernel(\(pointers)); }

      """
  }
}
