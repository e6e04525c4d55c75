import Foundation
import SpadixISA
import Testing

@testable import SpadixTiming

/// How fast the model is: `make bench-timing`. A program of one's own is given by `SPADIX_BENCHMARK_PROGRAM`.
@Suite struct SpeedTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(.enabled(if: environment["SPADIX_BENCHMARK"] != nil)) func operationsPerSecond() throws {
    let program = try Self.environment["SPADIX_BENCHMARK_PROGRAM"].map { try Program(reading: $0) }
    let commands = program?.commands ?? Self.tiles(20_000)
    let hardware = Hardware(.gemmini)
    var reader = OperationReader(hardware)
    let operations = commands.enumerated().map { reader.read($1, index: $0) }
    var best = Double.infinity
    var cycles = 0
    for _ in 0..<5 {
      let start = clock()
      var accelerator = Accelerator(hardware)
      operations.withUnsafeBufferPointer { accelerator.run($0, count: $0.count) }
      cycles = accelerator.finish()
      best = min(best, Double(clock() - start) / Double(CLOCKS_PER_SEC))
    }
    let rate = Double(operations.count) / best / 1e6
    print(String(format: "%d operations, %d cycles: %.1f M operations a second", operations.count, cycles, rate))
    #expect(rate > 1)
  }

  /// Tiles as the compiler emits them: loads of A and weights, products, a store.
  private static func tiles(_ count: Int) -> [Command] {
    var all: [Instruction] = [
      .configExecute(ConfigExecute(dataflow: .weightStationary)),
      .configLoad(ConfigLoad(state: 0, stride: 256, blockStride: 16)), .configStore(ConfigStore(stride: 256)),
    ]
    for tile in 0..<count {
      let half = 2048 * (tile & 1)
      let address = UInt64(0x10000 + 0x400 * (tile & 0xFF))
      for block in 0..<2 {
        let row = half + 512 * block
        all.append(.moveIn(state: 0, dram: address, local: LocalTile(.scratchpad(row), rows: 16, columns: 64)))
        all.append(.moveIn(state: 0, dram: address, local: LocalTile(.scratchpad(8192 + row), rows: 16, columns: 64)))
      }
      let result = 512 * (tile & 1)
      for depth in 0..<16 {
        all.append(
          .preload(
            weights: LocalTile(.scratchpad(8192 + half + 16 * depth), rows: 16, columns: 16),
            result: LocalTile(.accumulator(result, accumulate: depth > 0), rows: 16, columns: 16)))
        all.append(
          .compute(
            preloaded: true, a: LocalTile(.scratchpad(half + 16 * depth), rows: 16, columns: 16),
            bias: .garbage(rows: 16, columns: 16)))
      }
      all.append(.moveOut(dram: address, local: LocalTile(.accumulator(result), rows: 16, columns: 16)))
    }
    return all.map(\.command)
  }
}
