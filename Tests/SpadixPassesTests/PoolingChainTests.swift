import Testing

@testable import SpadixPasses

@Suite struct PoolingChainTests {
  /// Which elements the first result of a chain sees, and by how much the second is further.
  private func reach(_ chain: PoolingChain) -> (seen: Set<Int>, stride: Int) {
    var seen: Set<Int> = [0]
    for stage in chain.stages.reversed() {
      seen = Set(seen.flatMap { position in (0..<stage.window).map { position * stage.stride + $0 } })
    }
    return (seen, chain.stages.map(\.stride).reduce(1, *))
  }

  @Test func chainsSeeEveryElementOfTheWindowAndNoOther() {
    var found = 0
    for window in 1...20 {
      for stride in 1...20 {
        guard let chain = PoolingChain(window: window, stride: stride) else { continue }
        found += 1
        let reach = reach(chain)
        #expect(reach.seen == Set(0..<window), "window \(window), stride \(stride): \(chain.stages)")
        #expect(reach.stride == stride, "window \(window), stride \(stride): \(chain.stages)")
        #expect(chain.stages.allSatisfy { $0.window <= 3 && $0.stride <= 3 })
      }
    }
    #expect(found > 100)
  }

  @Test func whatOneStageCanDoIsOneStage() {
    for window in 1...3 {
      for stride in 1...3 {
        let stages = PoolingChain(window: window, stride: stride)?.stages ?? []
        #expect(stages.map { [$0.window, $0.stride] } == [[window, stride]])
      }
    }
  }

  @Test func stridesWithOtherFactorsHaveNoChain() {
    #expect(PoolingChain(window: 5, stride: 5) == nil)
    #expect(PoolingChain(window: 7, stride: 14) == nil)
  }

  @Test func hostileSizesEnd() {
    #expect(PoolingChain(window: .max, stride: 1) == nil)
    #expect(PoolingChain(window: 65_535, stride: 65_535) == nil)
    #expect(PoolingChain(window: 0, stride: 1) == nil)
  }
}
