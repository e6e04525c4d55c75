import SpadixISA
import Testing

@testable import SpadixTiming

/// Programs of random commands on random targets: whatever they hold, the model ends, and asking it in between for the
/// cycles so far does no harm.
@Suite struct RandomTimeTests {
  /// A linear congruential generator: the same programs everywhere.
  private struct Generator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 11
    }

    mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[Int(below(UInt64(choices.count)))] }

    mutating func target() -> Target {
      var target = Target.gemmini
      target.dim = pick([2, 4, 16, 64])
      target.scratchpadBanks = pick([1, 3, 4])
      target.scratchpadRowsPerBank = pick([100, 1000, 4096])
      target.accumulatorRows = pick([64, 77, 1024])
      target.timing.dmaLatency = Int(below(200))
      target.timing.maxInFlight = 1 + Int(below(40))
      target.timing.busBytes = pick([1, 8, 16, 64])
      target.timing.issueCycles = Int(below(5))
      target.timing.reservationStation.load = 1 + Int(below(9))
      target.timing.reservationStation.store = 1 + Int(below(5))
      target.timing.reservationStation.execute = 4 + Int(below(13))
      target.timing.minimumComputeRows = 1 + Int(below(20))
      return target
    }

    mutating func word() -> UInt64 {
      let rows = below(70) << 48
      let columns = below(70) << 32
      switch below(5) {
      case 0: return (next() << 20) ^ next()
      case 1: return rows | columns | below(3000) | (below(4) << 30)
      case 2: return (below(4) << 48) | (below(5) << 32) | (below(5) << 16) | below(4)
      case 3: return 0x10000 + below(5000)
      default: return rows | columns | 0xFFFF_FFFF
      }
    }

    /// Four fields of 16 bits below the bound: loops stay small, as the machine sees to.
    mutating func fields(below bound: UInt64) -> UInt64 {
      (0..<4).reduce(0) { word, field in word | (below(bound) << UInt64(16 * field)) }
    }

    mutating func command() -> Command {
      let functs: [UInt8] = [
        0, 0, 1, 2, 3, 4, 5, 6, 6, 4, 14, 127, 23, 9, 10, 11, 12, 13, 8, 16, 17, 18, 19, 20, 21, 15, 33, 32, 7,
      ]
      let funct = pick(functs)
      switch funct {
      case 9: return Command(funct: funct, rs1: fields(below: 2), rs2: fields(below: 4))
      case 16...19: return Command(funct: funct, rs1: fields(below: 5), rs2: fields(below: 5))
      default: return Command(funct: funct, rs1: word(), rs2: word())
      }
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>) func ends(_ seed: UInt64) {
    var generator = Generator(state: seed)
    for _ in 0..<50 {
      var timeline = Timeline(Hardware(generator.target()))
      timeline.recordsSteps = true
      let commands = (0..<200).map { _ in generator.command() }
      var last = 0
      var position = 0
      while position < commands.count {
        let end = min(commands.count, position + 1 + Int(generator.below(30)))
        commands.withUnsafeBufferPointer { timeline.run($0, position..<end) }
        position = end
        if generator.below(7) == 0 {
          let cycles = timeline.finish()
          #expect(cycles >= last)
          last = cycles
        }
      }
      #expect(timeline.finish() >= last)
    }
  }

  /// Ranges that the commands come in change no cycle.
  @Test(arguments: 1...8 as ClosedRange<UInt64>) func rangesChangeNothing(_ seed: UInt64) {
    var generator = Generator(state: seed)
    for _ in 0..<50 {
      let hardware = Hardware(generator.target())
      let commands = (0..<600).map { _ in generator.command() }
      let ends = (0..<20).map { _ in Int(generator.below(600)) }.sorted() + [600]
      func cycles(_ ends: [Int]) -> Int {
        var timeline = Timeline(hardware)
        var position = 0
        for end in ends {
          commands.withUnsafeBufferPointer { timeline.run($0, position..<end) }
          position = end
        }
        return timeline.finish()
      }
      #expect(cycles(ends) == cycles([600]))
    }
  }

  /// Products with loads and stores between them, which wait for each other's rows.
  private static func products(_ generator: inout Generator, count: Int) -> [Command] {
    func rows(_ accumulates: UInt64, _ row: UInt64, _ rows: UInt64) -> UInt64 {
      rows << 48 | 16 << 32 | accumulates << 30 | row
    }
    let pooling: UInt64 = 1 << 4 | 2 << 6 | 4 << 24 | 2 << 32 | 2 << 40 | 4 << 48 | 4 << 56
    var commands = [
      Command(funct: Funct.config, rs1: 1, rs2: 16),
      Command(funct: Funct.config, rs1: generator.below(2) == 0 ? 2 : 2 | pooling, rs2: 16),
    ]
    while commands.count < count {
      let row = generator.below(8) * 16
      switch generator.below(6) {
      case 0: commands.append(Command(funct: Funct.moveIn, rs1: 0x10000, rs2: rows(0, row, 16)))
      case 1: commands.append(Command(funct: Funct.moveOut, rs1: 0x20000, rs2: rows(2, row, 16)))
      default:
        let count = 1 + generator.below(16)
        commands.append(
          Command(
            funct: Funct.preload, rs1: generator.below(2) == 0 ? 0xFFFF_FFFF : rows(0, 4096 + row, 16),
            rs2: rows(2 + generator.below(2), row, count)))
        if generator.below(4) == 0 {
          commands.append(Command(funct: Funct.moveIn, rs1: 0x10000, rs2: rows(0, row, 16)))
        }
        commands.append(
          Command(funct: Funct.computePreloaded, rs1: rows(0, generator.below(8) * 16, count), rs2: 0xFFFF_FFFF))
      }
    }
    return commands + [Command(funct: Funct.fence, rs1: 0, rs2: 0)]
  }

  /// Every command of a program of products is taken up and completes once, so that none keeps an entry of the station.
  @Test(arguments: 1...8 as ClosedRange<UInt64>) func everyCommandCompletesOnce(_ seed: UInt64) {
    var generator = Generator(state: seed)
    for _ in 0..<20 {
      var timeline = Timeline(Hardware(Target.gemmini))
      timeline.recordsSteps = true
      let commands = Self.products(&generator, count: 500)
      commands.withUnsafeBufferPointer { timeline.run($0, 0..<$0.count) }
      _ = timeline.finish()
      let steps = timeline.takeSteps().map { Int($0.operation.command) }.sorted()
      #expect(steps == Array(0..<commands.count - 1), "seed \(seed)")
    }
  }
}
