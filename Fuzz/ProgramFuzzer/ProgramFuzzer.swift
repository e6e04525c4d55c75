import SpadixISA
import SpadixSupport

/// libFuzzer's entry; its library brings main. Whatever the bytes, they run or give a diagnostic, within limits.
///
/// They are tried as a program file, as assembly text, as a target file, and as commands for a small target, so that
/// mutations reach the machine itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  if let program = try? Program(file: bytes, name: "fuzz") { Trial.run(program) }
  if let text = String(validating: bytes, as: UTF8.self) {
    let source = SourceText(name: "fuzz", text: text)
    if let target = try? Target(yaml: source) { Trial.readBack(target) }
    if let program = try? Program(assembly: source) { Trial.run(program) }
  }
  Trial.run(Program(target: small, commands: commands(bytes), segments: [data]))
  return 0
}

private let small = Target(
  name: "fuzz", dim: 4, scratchpadBanks: 2, scratchpadRowsPerBank: 64, accumulatorRows: 64, hasScratchpadStore: true,
  hasOutputStage: true, hasPooledScratchpadStore: true, hasNormalizations: true, dramBytes: 1 << 20)
private let data = Program.Segment(name: "data", address: 0x10000, bytes: [UInt8](repeating: 7, count: 4096))

/// 17 bytes each: function number, operands.
private func commands(_ bytes: [UInt8]) -> [Command] {
  func word(_ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }
  return stride(from: 0, to: bytes.count - 16, by: 17).map {
    Command(funct: bytes[$0] & 127, rs1: word($0 + 1), rs2: word($0 + 9))
  }
}
