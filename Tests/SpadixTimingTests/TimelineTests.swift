import Testing

@testable import SpadixISA
@testable import SpadixTiming

/// Small programs whose cycles were measured on Gemmini's RTL (docs/machine.md: latency 60 unless said otherwise, one
/// cycle between commands, 32 requests in flight). Where the arithmetic is short it stands beside.
private func cycles(
  _ instructions: [Instruction], latency: Int = 60, _ change: (inout Target.Timing) -> Void = { _ in }
) -> Int {
  var target = Target.gemmini
  target.timing.dmaLatency = latency
  target.timing.maxInFlight = 32
  change(&target.timing)
  var timeline = Timeline(Hardware(target))
  let commands = instructions.map(\.command)
  commands.withUnsafeBufferPointer { timeline.run($0, 0..<$0.count) }
  return timeline.finish()
}

private let dram: UInt64 = 0x10000

private func configLoad(_ stride: Int, scale: Float = 1, shrunk: Bool = false, pixels: Int = 1) -> Instruction {
  .configLoad(
    ConfigLoad(
      state: 0, stride: stride, scale: scale, shrunk: shrunk, blockStride: 16, pixelRepeats: pixels))
}

private func load(
  _ local: LocalAddress, _ address: UInt64 = dram, rows: Int = 16, columns: Int = 16
) -> Instruction {
  .moveIn(state: 0, dram: address, local: LocalTile(local, rows: rows, columns: columns))
}

private let configStore = Instruction.configStore(ConfigStore(stride: 64))
private func store(_ local: LocalAddress, rows: Int = 16, columns: Int = 16) -> Instruction {
  .moveOut(dram: dram, local: LocalTile(local, rows: rows, columns: columns))
}

private let configExecute = Instruction.configExecute(ConfigExecute(dataflow: .weightStationary))
private func product(
  _ weights: LocalAddress, _ result: LocalAddress, rows: Int = 16, a: Int = 0
) -> [Instruction] {
  [
    .preload(
      weights: LocalTile(weights, rows: 16, columns: 16), result: LocalTile(result, rows: 16, columns: 16)),
    .compute(
      preloaded: !weights.isGarbage, a: LocalTile(.scratchpad(a), rows: rows, columns: 16),
      bias: .garbage(rows: 16, columns: 16)),
  ]
}

@Suite struct LoadTimeTests {
  /// 4 cycles to the station, 2 to the controller, 2 to the DMA, latency 60 + 7 to the first beat, 5 to completion.
  @Test func oneRow() { #expect(cycles([configLoad(16), load(.scratchpad(0), rows: 1)]) == 82) }

  /// A request a cycle, all 16 in flight together.
  @Test func rowsAreInFlightTogether() { #expect(cycles([configLoad(16), load(.scratchpad(0))]) == 82 + 15) }

  /// The latency is paid once.
  @Test func latency() { #expect(cycles([configLoad(16), load(.scratchpad(0))], latency: 0) == 97 - 60) }

  /// 64 bytes are one request of four beats.
  @Test func wideRows() { #expect(cycles([configLoad(64), load(.scratchpad(0), columns: 64)]) == 82 + 63) }

  /// Loads that do not depend on each other keep the bus busy: 64 cycles each, the latency once.
  @Test func loadsOverlap() {
    let loads = (0..<5).map { load(.scratchpad(64 * $0), columns: 64) }
    #expect(cycles([configLoad(64)] + loads) == 145 + 4 * 64)
  }

  /// 32 requests of 16 bytes are in flight, so the third load waits for the answers of the first.
  @Test func requestsInFlight() {
    let loads = (0..<5).map { load(.scratchpad(16 * $0)) }
    #expect(cycles([configLoad(16)] + loads) == 233)
  }

  @Test func accumulator() {
    #expect(cycles([configLoad(64), load(.accumulator(0)), load(.accumulator(16))]) == 207)
  }

  /// One row is read and repeated on chip, a row a cycle.
  @Test func repeatedRow() {
    #expect(cycles([configLoad(0), load(.accumulator(0)), load(.accumulator(16))]) == 114)
    #expect(cycles([configLoad(0), load(.scratchpad(0), columns: 64), load(.scratchpad(0), columns: 64)]) == 209)
  }

  /// Zeros do not touch memory: a row of a block a cycle.
  @Test func zeros() {
    #expect(
      cycles([
        configLoad(64), load(.scratchpad(0), 0), load(.scratchpad(64), 0, columns: 64),
        load(.scratchpad(128), 0, rows: 1),
      ]) == 91)
  }

  /// Each row is written once for each of the pixels that it is repeated for.
  @Test(arguments: [(1, 97), (2, 113), (3, 129), (4, 145)]) func pixels(_ pixels: Int, _ expected: Int) {
    #expect(cycles([configLoad(64, pixels: pixels), load(.scratchpad(32), columns: 4)]) == expected)
  }

  /// Rows that are not aligned take more and larger requests: whole beats.
  @Test(arguments: [(0, 85), (16, 101), (4, 117), (32, 85), (60, 101)])
  func unalignedWideRows(_ offset: Int, _ expected: Int) {
    let it = cycles([configLoad(64), load(.scratchpad(0), dram + UInt64(offset), columns: 64)], latency: 0)
    #expect(it == expected)
  }

  @Test(arguments: [(0, 37), (16, 37), (4, 53), (60, 53)]) func unalignedRows(_ offset: Int, _ expected: Int) {
    #expect(
      cycles([configLoad(64), load(.scratchpad(0), dram + UInt64(offset))], latency: 0) == expected)
  }

  /// Four multipliers scale a row of 16; on the RTL 186 and 894, of which a part depends on how the unit comes out of
  /// reset.
  @Test func scaledRows() {
    #expect(abs(cycles([configLoad(16, scale: 0.5), load(.scratchpad(0))]) - 186) <= 4)
    let loads = (0..<8).map { load(.scratchpad(16 * $0)) }
    #expect(abs(cycles([configLoad(16, scale: 0.5)] + loads) - 894) <= 9)
  }
}

@Suite struct StoreTimeTests {
  /// Read, scaled in 8 stages, a beat, latency 60 + 7 to its acknowledgement.
  @Test func oneRow() { #expect(cycles([configStore, store(.accumulator(0), rows: 1)]) == 87) }

  /// Five rows are in the scaling unit at a time: 25 cycles for 16.
  @Test func scalingBounds() {
    #expect(cycles([configStore, store(.accumulator(0))], latency: 0) == 51)
    let stores = (0..<4).map { store(.accumulator(16 * $0)) }
    #expect(cycles([configStore] + stores, latency: 0) == 126)
  }

  /// 32 writes are in flight.
  @Test func writesInFlight() {
    let stores = (0..<4).map { store(.accumulator(16 * $0)) }
    #expect(cycles([configStore] + stores) == 204)
  }

  /// Four blocks are collected before their four beats: 7 cycles a row.
  @Test func wideRows() {
    let stores = (0..<3).map { store(.accumulator(64 * $0), columns: 64) }
    #expect(cycles([configStore] + stores) == 422)
  }

  /// Rows of the scratchpad pass by the scaling unit.
  @Test func scratchpad() {
    let stores = (0..<3).map { store(.scratchpad(16 * $0)) }
    #expect(cycles([configStore] + stores, latency: 0) == 69)
  }

  /// Every pixel of a window is read: 16 reads for 4 pixels.
  @Test func pooled() {
    let pooling = Pooling(
      window: 2, stride: 1, upPad: 0, leftPad: 0, outDim: 2, outRows: 2, outCols: 2, inRows: 3, inCols: 3)
    let config = Instruction.configStore(ConfigStore(stride: 64, pooling: pooling))
    let it = cycles([configExecute, config, store(.accumulator(0), rows: 0), store(.accumulator(0), rows: 0)])
    #expect(it == 137)
  }
}

@Suite struct ArrayTimeTests {
  private let before = [configExecute, configLoad(16)]

  /// The first weights take 16 cycles alone, the others shift in behind the rows before; 38 from the last row to its result.
  @Test func newWeights() {
    let products = (0..<6).flatMap { product(.scratchpad(8192 + 16 * $0), .accumulator(16 * $0), a: 16 * $0) }
    #expect(cycles(before + products) == 160)
  }

  /// Weights and A in one bank take turns.
  @Test func sameBank() {
    let products = (0..<6).flatMap { product(.scratchpad(512 + 16 * $0), .accumulator(16 * $0), a: 16 * $0) }
    #expect(cycles(before + products) == 240)
  }

  /// Short computes with resident weights take 4 cycles, until six results are on their way.
  @Test func shortComputes() {
    var products = product(.scratchpad(8192), .accumulator(0))
    for index in 1..<14 { products += product(.garbage, .accumulator(16 * index), rows: 4, a: 16 * index) }
    #expect(cycles(before + products) == 166)
  }

  /// config_ex waits until the array is empty, and flushes it meanwhile.
  @Test func configurationDrains() {
    let one = product(.scratchpad(8192), .accumulator(0))
    let three = (0..<3).flatMap { product(.scratchpad(8192), .accumulator(16 * $0)) }
    #expect(cycles(before + one + [configExecute] + one + [configExecute] + three) == 258)
  }

  /// A store waits for its result, and the array goes on.
  @Test func storesWaitForResults() {
    var all = [configExecute, Instruction.configStore(ConfigStore(stride: 64))]
    for index in 0..<3 {
      all += product(.scratchpad(8192), .accumulator(16 * index))
      all.append(store(.accumulator(16 * index)))
    }
    #expect(cycles(all) == 253)
  }
}

@Suite struct OrderTimeTests {
  /// A load into rows that a compute reads waits for it; one into other rows does not.
  @Test func loadsWaitForReaders() {
    let products = (0..<4).flatMap { product(.scratchpad(8192 + 16 * $0), .accumulator(16 * $0), a: 16 * $0) }
    let base = [configExecute, configLoad(16)] + products
    let free = cycles(base + [load(.scratchpad(4096))])
    let bound = cycles(base + [load(.scratchpad(48))])
    #expect(free < bound)
    // 16 rows of the last compute from cycle 90 on, then a load that begins 91 - 6 later than at the beginning.
    #expect(bound == 91 + 97 - 6)
  }

  /// A pooled store is taken to read to the end of its bank, and no further.
  @Test func pooledStoresHoldTheirBank() {
    let pooling = Pooling(
      window: 2, stride: 1, upPad: 0, leftPad: 0, outDim: 2, outRows: 2, outCols: 2, inRows: 3, inCols: 3)
    let config = Instruction.configStore(ConfigStore(stride: 64, pooling: pooling))
    func after(_ row: Int) -> Int {
      cycles([
        configLoad(64), config, store(.accumulator(0), rows: 0), load(.accumulator(row)),
      ])
    }
    #expect(after(400) > after(512))
  }

  /// The processor goes on two cycles after the accelerator has become idle.
  @Test func fences() {
    let one = cycles([configLoad(16), load(.scratchpad(0))])
    #expect(cycles([configLoad(16), load(.scratchpad(0)), .fence, load(.scratchpad(64))]) == one + 1 + one - 1)
  }

  /// Nothing that a program says makes the model wait for ever.
  @Test func programsThatHardwareWouldNotEnd() {
    let preload = Instruction.preload(
      weights: .garbage(rows: 16, columns: 16), result: LocalTile(.accumulator(0), rows: 16, columns: 16))
    #expect(cycles([configExecute, preload, preload, preload, store(.accumulator(0)), load(.accumulator(0))]) > 0)
    let compute = product(.garbage, .accumulator(0))[1]
    #expect(cycles([compute, compute, store(.accumulator(0)), configExecute, preload]) > 0)
    #expect(
      cycles([.loopMatmul(.bounds(LoopBounds(i: 0, j: 0, k: 0))), .loopMatmul(.run(LoopMatmulRun()))]) > 0)
  }

  /// More entries, or more requests in flight, never take longer.
  @Test func parameters() {
    let loads = (0..<16).map { load(.scratchpad(16 * $0)) }
    let all = [configLoad(16)] + loads
    #expect(cycles(all) { $0.maxInFlight = 64 } < cycles(all))
    #expect(cycles(all) { $0.maxInFlight = 1 } > cycles(all))
    #expect(cycles(all) { $0.reservationStation.load = 2 } >= cycles(all))
    #expect(cycles(all) { $0.issueCycles = 100 } > cycles(all))
  }
}
