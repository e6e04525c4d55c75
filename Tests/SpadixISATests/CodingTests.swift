import SpadixSupport
import Testing

@testable import SpadixISA

/// A command of a format with random bits in all its fields.
private func randomCommand(_ format: CommandFormat, _ random: inout SplitMix64) -> Command {
  var command = Command(funct: format.funct, rs1: format.subtype ?? 0)
  for field in format.fields {
    let bits = (random.next() >> UInt64(64 - field.width)) << UInt64(field.low)
    if field.operand == 1 { command.rs1 |= bits } else { command.rs2 |= bits }
  }
  return command
}

@Suite struct CodingTests {
  /// What decodes encodes to the same bits: no field is lost, moved or cut.
  @Test(arguments: CommandFormat.all.map(\.mnemonic)) func decodingIsInverse(_ mnemonic: String) throws {
    let format = try #require(CommandFormat.named(mnemonic))
    var random = SplitMix64(seed: 42)
    for _ in 0..<2000 {
      var command = randomCommand(format, &random)
      // Values that mean the same as others: state 3 does not exist, pooling is off with stride 0.
      if mnemonic == "config_ld" && command.rs1 >> 3 & 3 == 3 { continue }
      if mnemonic == "config_ex" { command.rs1 &= ~(1 << 4) }
      if mnemonic == "config_st" && command.rs1 >> 4 & 3 == 0 { command.rs1 &= 0xF }
      let instruction = try Instruction(decoding: command)
      #expect(instruction.command == command, "\(Assembly.text(command))")
    }
  }

  @Test(arguments: CommandFormat.all.map(\.mnemonic)) func textReadsBack(_ mnemonic: String) throws {
    let format = try #require(CommandFormat.named(mnemonic))
    var random = SplitMix64(seed: 7)
    for round in 0..<2000 {
      var command = randomCommand(format, &random)
      // Every other command has bits that belong to no field.
      if round % 2 == 0 { command.rs2 ^= random.next() }
      let text = Assembly.text(command)
      let source = SourceText(name: "test", text: text)
      #expect(try Assembly.parse(text[...], in: source, at: 0) == command, "\(text)")
    }
  }

  @Test func unknownFunctionNumbersAreRefused() {
    for funct in [24, 25, 31, 36, 100, 125] {
      #expect(throws: Diagnostic.self) { try Instruction(decoding: Command(funct: UInt8(funct))) }
    }
  }

  @Test func fieldsDoNotOverlap() {
    for format in CommandFormat.all {
      var used: [Int: UInt64] = [1: format.subtype == nil ? 0 : 3, 2: 0]
      for field in format.fields {
        let mask = (UInt64.max >> UInt64(64 - field.width)) << UInt64(field.low)
        #expect(used[field.operand]! & mask == 0, "\(format.mnemonic) \(field.name)")
        used[field.operand]! |= mask
      }
    }
  }

  /// Bits as docs/isa.md has them, written out.
  @Test func encodingsByHand() {
    let tile = LocalTile(.scratchpad(0x123), rows: 4, columns: 16)
    #expect(
      Instruction.moveIn(state: 0, dram: 0x10000, local: tile).command
        == Command(funct: 2, rs1: 0x10000, rs2: 0x0004_0010_0000_0123))
    #expect(Instruction.moveIn(state: 2, dram: 1, local: tile).command.funct == 14)
    let result = LocalTile(.accumulator(3, accumulate: true), rows: 2, columns: 1)
    #expect(
      Instruction.preload(weights: .garbage(rows: 16, columns: 16), result: result).command
        == Command(funct: 6, rs1: 0x0010_0010_FFFF_FFFF, rs2: 0x0002_0001_C000_0003))
    #expect(
      Instruction.configExecute(ConfigExecute(dataflow: .weightStationary)).command
        == Command(funct: 0, rs1: 0x3F80_0000_0001_0004, rs2: 1 << 48))
    #expect(
      Instruction.configLoad(ConfigLoad(state: 1, stride: 64, blockStride: 16)).command
        == Command(funct: 0, rs1: 0x3F80_0000_0010_0109, rs2: 64))
    #expect(
      Instruction.configStore(ConfigStore(stride: 64, activation: .relu, scale: 0.5)).command
        == Command(funct: 0, rs1: 6, rs2: 0x3F00_0000_0000_0040))
    #expect(
      Instruction.configOutput(ConfigOutput(zeroPoint: -3, low: -128, high: 127)).command
        == Command(funct: 32, rs1: 0x7F80FD))
    #expect(
      Instruction.configOutput(ConfigOutput(usesTable: true)).command == Command(funct: 32, rs1: 0x17F8000))
    #expect(Instruction.configOutputTable(dram: 0x12340).command == Command(funct: 34, rs1: 0x12340))
    #expect(
      Instruction.configOutputPair(
        ConfigOutputPair(isProduct: true, zeroPointA: -2, zeroPointB: 3, factorA: 0.5, factorB: 1, offset: 2)
      ).command == Command(funct: 35, rs1: 0x4000_0000_0003_FE01, rs2: 0x3F80_0000_3F00_0000))
    #expect(
      Instruction.moveOutScratchpad(destination: .scratchpad(5), destinationStride: 2, source: tile).command
        == Command(funct: 23, rs1: 0x2_0000_0005, rs2: tile.bits))
  }

  @Test(arguments: [
    ("mvin dram=0x10000 to=sp:0[16x16] speed=3", "asm.unknown-field"),
    ("teleport", "asm.unknown-command"),
    ("mvin dram=0x10000 to=sp:0[16]", "asm.value"),
    ("mvin dram=0x10000 to=sp:99999999999[1x1]", "asm.value"),
    ("config_ld stride=1 stride=2", "asm.duplicate-field"),
    ("config_ld block_stride=65536", "asm.value"),
    ("config_output zero_point=128", "asm.value"),
    ("raw funct=256", "asm.value"),
  ]) func badTextIsRefused(_ text: String, _ id: String) {
    let source = SourceText(name: "test", text: text)
    do {
      _ = try Assembly.parse(text[...], in: source, at: 0)
      Issue.record("'\(text)' was accepted")
    } catch let diagnostic as Diagnostic {
      #expect(diagnostic.id == id)
    } catch {
      Issue.record("\(error)")
    }
  }
}
