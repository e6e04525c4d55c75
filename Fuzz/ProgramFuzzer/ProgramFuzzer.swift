import SpadixISA
import SpadixMachine
import SpadixSupport

/// libFuzzer's entry: any bytes as a program file run or give a diagnostic, within limits.
///
/// The bytes are tried as a file, and as commands for a small target, so that mutations reach the machine itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  if let program = try? Program(file: bytes, name: "fuzz") { run(program) }
  if let text = String(validating: bytes, as: UTF8.self) {
    _ = try? Target(yaml: SourceText(name: "fuzz", text: text))
    _ = try? Program(assembly: SourceText(name: "fuzz", text: text))
  }
  run(Program(target: small, commands: commands(bytes), segments: [data]))
  return 0
}

private let small = Target(
  name: "fuzz", dim: 4, scratchpadBanks: 2, scratchpadRowsPerBank: 64, accumulatorRows: 64, hasScratchpadStore: true,
  hasOutputStage: true, hasPooledScratchpadStore: true, hasNormalizations: true, dramBytes: 1 << 20)
private let data = Program.Segment(name: "data", address: 0x10000, bytes: [UInt8](repeating: 7, count: 4096))

/// 17 bytes a command.
private func commands(_ bytes: [UInt8]) -> [Command] {
  func word(_ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }
  return stride(from: 0, to: bytes.count - 16, by: 17).map {
    Command(funct: bytes[$0] & 127, rs1: word($0 + 1), rs2: word($0 + 9))
  }
}

private func run(_ program: Program) {
  let options = Machine.Options(checks: .all, maximumCommands: 2000, memoryLimit: 1 << 22, time: true)
  guard let machine = try? Machine(program, options: options) else { return }
  machine.run()
  for finding in machine.findings { _ = finding.diagnostic(in: program).description }
  _ = machine.counters
}
