import Testing

@testable import SpadixISA

/// Loops found among commands issue the same commands.
@Suite struct CommandLoopsTests {
  private func commands(_ count: Int, _ body: (Int) -> [Command]) -> [Command] { (0..<count).flatMap(body) }

  @Test func nestedLoopsAreFoundWithTheirSteps() {
    let program = commands(5) { outer in
      commands(4) { inner in
        [
          Command(funct: 6, rs1: .max, rs2: UInt64(1000 * outer + 16 * inner)),
          Command(funct: 5, rs1: UInt64(7 * inner), rs2: .max),
        ]
      } + [Command(funct: 3, rs1: 0x10000 &- UInt64(64 * outer), rs2: 9)]
    }
    let loops = CommandLoops(program)
    #expect(loops.unrolled == program)
    #expect(loops.leafCount == 3)
    guard case .loop(5, let body) = loops.nodes.first, case .loop(4, let inner) = body.first,
      case .command(let preload) = inner.first, case .command(let store) = body.last
    else {
      Issue.record("expected a loop of 5 around one of 4, found \(loops.nodes)")
      return
    }
    #expect(preload.steps == [CommandLoops.Step(rs1: 0, rs2: 1000), CommandLoops.Step(rs1: 0, rs2: 16)])
    #expect(store.steps == [CommandLoops.Step(rs1: 0 &- 64, rs2: 0)])
  }

  @Test func kindsDoNotTakeTurns() {
    let program = commands(6) { [Command(funct: 2, rs1: $0 < 3 ? 0 : UInt64(0x10000), rs2: 0)] }
    let loops = CommandLoops(program) { Int($0.funct) | ($0.rs1 > 0 ? 256 : 0) }
    #expect(loops.unrolled == program)
    #expect(loops.leafCount == 2)
  }

  /// Whatever the commands are: random nests, cut and disturbed.
  @Test(arguments: 1...200) func unrollsToTheSameCommands(seed: Int) {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func random(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    var program: [Command] = []
    for _ in 0..<random(6) + 1 {
      let body = (0..<random(5) + 1).map { _ in
        (Command(funct: UInt8(random(4)), rs1: random(1 << 20), rs2: random(1 << 20)), random(3) * 16, random(3) &- 1)
      }
      let (outer, inner) = (random(5) + 1, random(6) + 1)
      for i in 0..<outer {
        for j in 0..<inner {
          for (command, first, second) in body {
            var next = command
            next.rs1 &+= first &* j &+ 4096 &* i
            next.rs2 &+= second &* j
            if random(40) == 0 { next.rs1 ^= 1 }
            program.append(next)
          }
        }
      }
    }
    let loops = CommandLoops(program)
    #expect(loops.unrolled == program, "seed \(seed)")
    #expect(loops.leafCount <= program.count)
  }

  @Test func nothingIsNothing() {
    #expect(CommandLoops([]).nodes.isEmpty)
    #expect(CommandLoops([]).unrolled.isEmpty)
  }
}
