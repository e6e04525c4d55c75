import SpadixISA
import SpadixSupport
import Testing

@testable import SpadixMachine

/// What the checks keep about rows and bytes, against plain sets.
@Suite struct TrackingTests {
  @Test func rows() throws {
    var random = SplitMix64(seed: 11)
    for _ in 0..<50 {
      let count = Int.random(in: 1...300, using: &random)
      var written = try WrittenRows(count: count)
      var expected: Set<Int> = []
      for _ in 0..<200 {
        let stride = Int.random(in: 0...3, using: &random)
        let row = Int.random(in: 0..<count, using: &random)
        let most = stride == 0 ? 4 : (count - 1 - row) / stride + 1
        let rows = Int.random(in: 0...min(most, 20), using: &random)
        let all = (0..<rows).map { row + $0 * stride }
        #expect(written.contains(row, rows, stride) == expected.isSuperset(of: all))
        #expect(written.firstMissing(row, rows, stride) == all.first { !expected.contains($0) })
        if Bool.random(using: &random) {
          written.insert(row, rows, stride)
          expected.formUnion(all)
        }
      }
      #expect(written.prefix <= (0..<count).first { !expected.contains($0) } ?? count)
    }
  }

  /// Transfers of all kinds: rows that touch, that overlap, that run backwards, and that lie far apart.
  private func transfer(_ random: inout SplitMix64, command: Int32) -> Transfer {
    var step = DecodedCommand(kind: .load, command: command)
    step.dram = UInt64.random(in: 200_000...202_000, using: &random)
    step.stride = [0, 3, 16, 64, 100, -40, 9000, -9000].randomElement(using: &random)!
    step.a = DecodedCommand.Tile(
      row: 0, rows: UInt16.random(in: 1...16, using: &random), columns: UInt16.random(in: 1...150, using: &random))
    return Transfer(step)
  }

  private func bytes(_ it: Transfer) -> Set<Int> {
    Set((0..<it.rows).flatMap { Int(it.address($0))..<Int(it.address($0)) + it.bytes })
  }

  @Test func values() throws {
    var random = SplitMix64(seed: 12)
    for _ in 0..<20 {
      let values = try DramValues(count: 1 << 20)
      var expected: Set<Int> = []
      for index in 0..<60 {
        let it = transfer(&random, command: Int32(index))
        let missing = (0..<it.rows).first { row in
          !(Int(it.address(row))..<Int(it.address(row)) + it.bytes).allSatisfy(expected.contains)
        }
        #expect(values.firstMissingRow(it) == missing)
        if let missing {
          let start = Int(it.address(missing))
          #expect(
            values.firstMissing(start, it.bytes) == (start..<start + it.bytes).first { !expected.contains($0) })
        }
        if index % 2 == 0 {
          values.insert(it)
          expected.formUnion(bytes(it))
        }
      }
    }
  }

  /// Every load of bytes stored since the last fence is found, every second store too, and nothing else.
  @Test func order() throws {
    var random = SplitMix64(seed: 13)
    let program = Program(target: .gemmini)
    var decoder = Decoder(target: program.target, checks: [])
    var found = 0
    for _ in 0..<100 {
      var order = try DramOrder(program, checks: [.fences, .writeOrder])
      var stored: Set<Int> = []
      for index in 0..<Int32(40) {
        let it = transfer(&random, command: index)
        let meets = !stored.isDisjoint(with: bytes(it))
        order.findings = FindingLog()
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
          decoder.command = index
          order.fence(decoder)
          stored = []
        case 1...4:
          order.load(it)
          #expect(order.findings.kept.map(\.id) == (meets ? ["machine.fence"] : []))
          found += order.findings.count
        default:
          order.store(it)
          let overlapsItself = it.rows > 1 && it.stride.magnitude < it.bytes
          #expect(order.findings.count == (meets ? 1 : 0) + (overlapsItself ? 1 : 0))
          stored.formUnion(bytes(it))
        }
      }
    }
    #expect(found > 100)
  }
}
