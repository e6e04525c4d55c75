import SpadixSupport
import Testing

@testable import SpadixISA

private func program(_ text: String) throws -> Program {
  try Program(assembly: SourceText(name: "test.s", text: text))
}

/// Text that is refused: the diagnostic's id and its line.
private let refused: [(text: String, id: String, line: Int?)] = [
  ("fence", "asm.metadata", nil),
  (".target nowhere", "asm.target", 1),
  (".target spadix\n.target spadix", "asm.metadata", 2),
  ("\n  .target {base: spadix, dim: 5}", "target.illegal", 2),
  (".target {base: spadix, speed: 5}", "target.unknown-parameter", 1),
  (".target spadix\n.dram 0", "asm.metadata", 2),
  (".data 0x10000 i8", "asm.metadata", 1),
  (".target spadix\n.data 0x10000", "asm.directive", 2),
  (".target spadix\n.data 0x10000 i16", "asm.directive", 2),
  (".target spadix\n.data 0x10000 i8 i8", "asm.directive", 2),
  (".target spadix\n.data 0xffffffffffffffff i8", "asm.directive", 2),
  (".target spadix\n1 2 3", "asm.value", 2),
  ("1 2 3", "asm.value", 1),
  (".target spadix\n.data 0x10000 i8\n1 128", "asm.value", 3),
  (".target spadix\n.data 0x10000 i32\n0.5", "asm.value", 3),
  (".target spadix\n.data 0x10000 i8\n1*0", "asm.value", 3),
  (".target spadix\n.data 0x10000 i8\n1*2*3", "asm.value", 3),
  (".target spadix\n.data 0x10000 i8\n1*9223372036854775807", "asm.value", 3),
  (".target spadix\n.data 0x10000 i8\n1*1048576\n.data 0x200000 i8\n1", "asm.value", 5),
  (".target spadix\n.unspecified 0x10000", "asm.directive", 2),
  (".target spadix\n.unspecified 0x10000 0", "asm.directive", 2),
  (".target spadix\n.data 0x100 i8\n1", "program.address", nil),
  (".target spadix\n.data 0x10000 i8\n1 2\n.data 0x10001 i8\n3", "program.segment", nil),
  (".target spadix\n.unspecified 0x100 1", "program.address", nil),
]

@Suite struct HandwrittenProgramTests {
  @Test func everyPartIsRead() throws {
    let it = try program(
      """
      ; before
      .target {base: gemmini, name: tiny, dim: 4}  ; a target
      .data 0x10000 i8
      1 -2 3*2     ; four bytes
        127
      .data 0x10010 i32
      -1 258
      .data 0x10020 f32
      0.5
      .expect 0x20000 i8
      7
      .unspecified 0x20000 1
      .operation first = move
      mvin dram=0x10000 to=sp:0[1x4]
      flush
      .operation
      fence
      .operation last
      """)
    #expect(it.target.name == "tiny" && it.target.dim == 4 && !it.target.hasScratchpadStore)
    #expect(it.segments.map(\.address) == [0x10000, 0x10010, 0x10020])
    #expect(
      it.segments.map(\.bytes) == [[1, 254, 3, 3, 127], [255, 255, 255, 255, 2, 1, 0, 0], [0, 0, 0, 0x3F]])
    #expect(it.expectations.map(\.address) == [0x20000])
    #expect(it.expectations.map(\.bytes) == [[7]])
    #expect(it.unspecified == [Program.AddressRange(address: 0x20000, length: 1)])
    #expect(it.commands.map(\.funct) == [Funct.moveIn, Funct.flush, Funct.fence])
    #expect(it.operations == [Program.DebugOperation(text: "first = move", line: 13)])
    #expect(it.debug == [Program.DebugRun(first: 0, count: 2, operation: 0)])
  }

  @Test func presetsAreNamed() throws { #expect(try program(".target gemmini").target == .gemmini) }

  /// What disasm prints of such a program reads back as the same file.
  @Test func disassemblyReadsBack() throws {
    let it = try program(".target spadix\n.data 0x10000 i8\n1 2\n.expect 0x10000 i8\n1\n.operation a; b\nfence")
    #expect(try program(it.assembly()).serialized() == it.serialized())
  }

  @Test(arguments: refused.indices) func isRefused(_ index: Int) throws {
    let it = refused[index]
    do {
      _ = try program(it.text)
      Issue.record("\(it.text) was read")
    } catch {
      let first = try #require((error as? Diagnostics)?.all.first ?? error as? Diagnostic)
      #expect(first.id == it.id)
      #expect(first.range.map { $0.source.position(of: $0.start).line } == it.line)
    }
  }
}
