import SpadixIR
import SpadixISA
import SpadixPlan
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixCodegen
@testable import SpadixKernel

/// Small random convolutions, as tile kernels with the places that they can have on a target.
private func kernel(seed: Int, target: Target) throws -> TileForm {
  var generator = SplitMix64(seed: UInt64(seed) &* 7919)
  func pick(_ values: [Int]) -> Int { values.randomElement(using: &generator)! }
  let size = [1, pick([1, 2, 3, 4]), pick([1, 3, 4]), pick([3, 4, 8, 9])]
  let window = [min(size[1], pick([1, 1, 2, 3])), min(size[2], pick([1, 1, 2, 3]))]
  let isDepthwise = generator.next() % 4 == 0
  let padding = window == [1, 1] ? 0 : pick([0, 1])
  let graph = NpuGraphs.convolution(
    input: size, kernel: window, outputs: isDepthwise ? size[3] : pick([2, 8, 12]),
    strides: [1, 1], padding: [padding, padding, padding, padding], groups: isDepthwise ? size[3] : 1,
    zeroPoint: Int32(pick([0, 0, 3])), isPooled: generator.next() % 5 == 0)
  let kernels = try CodeGenerator(target: target).prepare(graph, data: DataStore())
  guard case .tile(let forms) = kernels.kernels[0] else { throw Unexpected() }
  return forms.first { $0.serves([false]) } ?? forms[0]
}

private struct Unexpected: Error {}

/// All tilings that the rules of nests allow.
private func legalTilings(_ kernel: TileKernel, _ places: KernelPlaces, _ target: Target) -> [Tiling] {
  let blocks = ceilDivide(kernel.channels, target.dim)
  let inputBlocks = max(1, ceilDivide(kernel.contraction?.window.inputChannels ?? 1, target.dim))
  let taps = kernel.contraction?.window.taps ?? 1
  let rules = NestRules(kernel: kernel, places: places, target: target, step: 0)
  var found: [Tiling] = []
  for rows in 1...kernel.store.rows {
    for columns in 1...kernel.store.columns {
      for tileBlocks in 1...blocks {
        let chunks = ceilDivide(blocks, tileBlocks)
        for group in 1...chunks {
          for (pinned, spare) in (0...group).flatMap({ pinned in (0...1).map { (pinned, $0) } }) {
            for window in 1...max(1, kernel.contraction?.window.inputRows ?? 1) {
              for sliceBlocks in 1...inputBlocks {
                for sliceTaps in 1...taps {
                  for multipliesPadding in kernel.bias?.paddingTaps == nil ? [false] : [false, true] {
                    var tiling = Tiling(
                      tileRows: rows, tileColumns: columns, blocks: tileBlocks, chunksPerGroup: group,
                      pinnedChunks: pinned, sparePlaces: spare, windowRows: window, sliceBlocks: sliceBlocks,
                      sliceTaps: sliceTaps, multipliesPadding: multipliesPadding)
                    if (try? rules.check(tiling)) == nil { continue }
                    found.append(tiling)
                    tiling.windowCopies = kernel.contraction?.window.kernelColumns ?? 1
                    if tiling.windowCopies > 1, (try? rules.check(tiling)) != nil { found.append(tiling) }
                    tiling.windowCopies = 1
                    for parts in 2..<max(3, window + 1) {
                      tiling.windowParts = parts
                      if (try? rules.check(tiling)) != nil { found.append(tiling) }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  return found
}

@Suite struct TilingTests {
  private static let targets = [
    Target(name: "small", dim: 8, scratchpadBanks: 4, scratchpadRowsPerBank: 64, accumulatorRows: 32),
    Target(name: "wide", dim: 4, scratchpadBanks: 4, scratchpadRowsPerBank: 128, accumulatorRows: 64),
    Target(
      name: "stage", dim: 4, scratchpadBanks: 4, scratchpadRowsPerBank: 128, accumulatorRows: 64,
      hasScratchpadStore: true, hasOutputStage: true, hasOutputBiases: true),
  ]
  private static func target(_ seed: Int) -> Target { seed < 50 ? targets[seed % 2] : targets[2] }

  private static func nest(
    _ kernel: TileKernel, _ tiling: Tiling, _ places: KernelPlaces, _ target: Target
  ) -> KernelNest {
    KernelNest(
      KernelGeometry(kernel: kernel, tiling: tiling, dim: target.dim), places: places,
      constants: NestConstants(
        identity: ConstantID(0), diagonals: kernel.identities.map { _ in ConstantID(0) }),
      accumulatorRows: target.accumulatorRows)
  }

  /// The tiling that the search likes best, beside the best of all legal ones: in time, and in bytes.
  @Test(arguments: 0..<70) func noLegalTilingIsMuchBetter(seed: Int) throws {
    let target = Self.target(seed)
    let kernel = try kernel(seed: seed, target: target).kernel
    let places = KernelPlaces(kernel, inputs: [false], output: false)
    var search = TilingSearch(kernel: kernel, places: places, time: KernelTime(target))
    let found = search.run()
    var time = KernelTime(target)
    var best: [Objective: (value: Int, tiling: Tiling)] = [:]
    let objectives: [Objective] = [.time, .bytes]
    for tiling in legalTilings(kernel, places, target) {
      let nest = Self.nest(kernel, tiling, places, target)
      if nest.workingRows > target.scratchpadRows { continue }
      let cost = time.cost(of: nest)
      for objective in objectives where objective.value(cost) < best[objective]?.value ?? Int.max {
        best[objective] = (objective.value(cost), tiling)
      }
    }
    for objective in objectives {
      let least = try #require(best[objective])
      let chosen = try #require(found.map { objective.value($0.cost) }.min())
      #expect(chosen * 100 <= least.value * 102, "seed \(seed), \(objective.text): \(least.tiling)")
    }
  }

  /// A tiling is given up for another one only where it takes no less time: what the search expects it to take at least
  /// is never more than what it takes.
  @Test(arguments: 0..<50) func noTilingIsGivenUpTooEarly(seed: Int) throws {
    let target = Self.targets[seed % 2]
    let kernel = try kernel(seed: seed, target: target).kernel
    let places = KernelPlaces(kernel, inputs: [false], output: seed % 3 == 0)
    var time = KernelTime(target)
    for tiling in legalTilings(kernel, places, target) {
      let nest = Self.nest(kernel, tiling, places, target)
      let cost = time.cost(of: nest)
      let work = time.work(of: nest)
      #expect(time.cost(of: nest, limit: (cost.time + 1, work)) == cost, "seed \(seed): \(tiling)")
      #expect(time.cost(of: nest, limit: (0, work)) == nil, "seed \(seed): \(tiling)")
    }
  }

  /// The validator's own account of rows and bytes agrees with those that the search and the emitter use.
  @Test(arguments: 0..<70) func accountsAgree(seed: Int) throws {
    let target = Self.target(seed)
    let kernel = try kernel(seed: seed, target: target).kernel
    for output in [false, true] {
      let places = KernelPlaces(kernel, inputs: [false], output: output)
      for tiling in legalTilings(kernel, places, target) {
        let program = Self.nest(kernel, tiling, places, target).program()
        let account = NestAccount(kernel, tiling, places, dim: target.dim)
        let cost = TileCost(program, dim: target.dim)
        #expect(account.rows == program.workingRows, "seed \(seed): \(tiling)")
        #expect(account.readBytes == cost.readBytes, "seed \(seed): \(tiling)")
        #expect(account.writtenBytes == cost.writtenBytes, "seed \(seed): \(tiling)")
      }
    }
  }
}
