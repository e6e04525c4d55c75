import SpadixISA
import SpadixSupport
import SpadixTensor
import Testing

private func sample() -> Program {
  let tile = LocalTile(.scratchpad(0), rows: 2, columns: 16)
  var program = Program(
    target: .spadix,
    commands: [
      Instruction.configLoad(ConfigLoad(state: 0, stride: 16, blockStride: 16)).command,
      Instruction.moveIn(state: 0, dram: 0x10000, local: tile).command,
      Instruction.configStore(ConfigStore(stride: 16)).command,
      Instruction.moveOut(dram: 0x20000, local: tile).command,
      Instruction.fence.command,
    ])
  program.segments = [Program.Segment(name: "weights", address: 0x10000, bytes: (0..<200).map { UInt8($0) })]
  program.inputs = [
    Program.Binding(name: "x", address: 0x30000, type: .q8([1, 2, 3], scale: 0.1, zeroPoint: -3), rowStride: 16)
  ]
  let scales = Quantization(axis: 1, scales: [0.1, 0.25], zeroPoints: [0, 1])
  program.outputs = [Program.Binding(name: "y", address: 0x20000, type: TensorType([4, 2], .q8(scales)))]
  program.symbols = [Program.Symbol(name: "w", address: 0x10000, length: 200, kind: .weights)]
  program.operations = [
    Program.DebugOperation(text: "%0 = npu.copy \"a\"\n", line: 12), Program.DebugOperation(text: "%1", line: 0),
  ]
  program.debug = [
    Program.DebugRun(first: 1, count: 1, operation: 0), Program.DebugRun(first: 2, count: 1, operation: 1),
    Program.DebugRun(first: 3, count: 1, operation: 0),
  ]
  program.hostSteps = [
    Program.HostStep(before: 5, graph: "graph @g() {\n}\n", inputs: program.inputs, outputs: [], reason: "no softmax")
  ]
  program.expectations = [Program.Segment(name: "expect", address: 0x20000, bytes: [1, 2, 3])]
  program.unspecified = [Program.AddressRange(address: 0x20001, length: 1)]
  return program
}

private func expectSame(_ one: Program, _ other: Program) {
  #expect(one.target == other.target)
  #expect(one.commands == other.commands)
  #expect(one.segments.map(\.bytes) == other.segments.map(\.bytes))
  #expect(one.inputs == other.inputs)
  #expect(one.outputs == other.outputs)
  #expect(one.symbols == other.symbols)
  #expect(one.operations == other.operations)
  #expect(one.debug == other.debug)
  #expect(one.hostSteps == other.hostSteps)
  #expect(one.expectations.map(\.bytes) == other.expectations.map(\.bytes))
  #expect(one.unspecified == other.unspecified)
}

@Suite struct ProgramTests {
  @Test func fileReadsBack() throws {
    let bytes = sample().serialized()
    let again = try Program(file: bytes, name: "test")
    expectSame(sample(), again)
    #expect(again.serialized() == bytes)
  }

  @Test(arguments: [Program.Listing.loops, .unrolled, .annotated]) func assemblyReadsBack(
    _ listing: Program.Listing
  ) throws {
    let text = sample().assembly(listing)
    let again = try Program(assembly: SourceText(name: "test", text: text))
    #expect(again.serialized() == sample().serialized())
  }

  @Test func everyTruncationIsADiagnostic() {
    let bytes = sample().serialized()
    for length in stride(from: 0, to: bytes.count, by: 3) {
      #expect(throws: Diagnostic.self) { try Program(file: Array(bytes[..<length]), name: "test") }
    }
  }

  /// Any byte may be anything: the reader gives a program or a diagnostic.
  @Test func alteredFilesDoNotCrash() {
    var random = SplitMix64(seed: 99)
    let bytes = sample().serialized()
    for _ in 0..<3000 {
      var altered = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        altered[Int.random(in: altered.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do {
        _ = try Program(file: altered, name: "test")
      } catch {
        #expect(error is Diagnostic, "\(error)")
      }
    }
  }

  @Test func anAlteredTargetIsFound() throws {
    let text = sample().assembly().replacing("\"accumulator_rows\":1024", with: "\"accumulator_rows\":2048")
    #expect(throws: Diagnostic.self) { try Program(assembly: SourceText(name: "test", text: text)) }
  }

  @Test func operationsOfCommandsAreFound() {
    let program = sample()
    #expect(program.operation(ofCommand: 0) == nil)
    #expect(program.operation(ofCommand: 1)?.line == 12)
    #expect(program.operation(ofCommand: 2)?.text == "%1")
    #expect(program.operation(ofCommand: 3)?.line == 12)
    #expect(program.operation(ofCommand: 4) == nil)
  }

  @Test func absurdBindingsAreRefused() throws {
    let text = sample().assembly()
    for (from, to) in [
      ("\"shape\":[1,2,3]", "\"shape\":[268435456,2,3]"), ("\"shape\":[1,2,3]", "\"shape\":[-1,2,3]"),
      ("\"rowStride\":16", "\"rowStride\":9223372036854775807"), ("\"rowStride\":16", "\"rowStride\":-1"),
      ("\"before\":5", "\"before\":6"), ("\"address\":65536", "\"address\":4294967295"),
    ] {
      #expect(text.contains(from))
      let source = SourceText(name: "test", text: text.replacing(from, with: to))
      #expect(throws: Diagnostic.self) { try Program(assembly: source) }
    }
  }
}
