import Foundation
import SpadixSupport
import SpadixTensor
import Testing

@Suite("Seeded generator")
struct RandomGeneratorTests {
  @Test("SplitMix64 gives the published sequence")
  func splitMix() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
    #expect(generator.next() == 9_817_491_932_198_370_423)
  }

  @Test("uniform numbers fill their interval")
  func uniform() {
    let values = RandomTensor.uniform(count: 10_000, seed: 3, low: -2, high: 6)
    #expect(values.allSatisfy { (-2..<6).contains($0) })
    #expect(abs(values.reduce(0, +) / 10_000 - 2) < 0.1)
    #expect(values == RandomTensor.uniform(count: 10_000, seed: 3, low: -2, high: 6))
    #expect(values != RandomTensor.uniform(count: 10_000, seed: 4, low: -2, high: 6))
  }

  @Test("Laplace numbers have their mean deviation and are clipped")
  func laplace() {
    let values = RandomTensor.laplace(count: 100_000, seed: 5, scale: 0.5)
    let deviation = values.map(\.magnitude).reduce(0, +) / 100_000
    #expect(abs(deviation - 0.5) < 0.01)
    #expect(abs(values.reduce(0, +) / 100_000) < 0.01)
    #expect(values.allSatisfy { $0.magnitude <= 4 })
  }

  @Test("the k-th Laplace number is the documented function of the k-th uniform one")
  func laplaceLaw() {
    let uniform = RandomTensor.uniform(count: 5000, seed: 8, low: 0, high: 1)
    let values = RandomTensor.laplace(count: 5000, seed: 8, scale: 1)
    for (u, value) in zip(uniform, values) {
      let v = Double(2 * u - 1)
      let expected = (v < 0 ? -1 : 1) * min(-log(1 - abs(v)), 8)
      #expect(abs(Double(value) - expected) <= 1e-6 * max(1, abs(expected)))
    }
  }

  @Test("integers reach both bounds")
  func integers() {
    let values = RandomTensor.integers(count: 1000, seed: 1, low: -3, high: 3)
    #expect(Set(values) == [-3, -2, -1, 0, 1, 2, 3])
  }

  @Test("the elements that graphs with seeds have relied on since their ranges were computed")
  func fixedElements() {
    #expect(RandomTensor.uniform(count: 2, seed: 1, low: 0, high: 1).map(\.bitPattern) == [0x3f11_0a2d, 0x3f3e_eb8d])
  }
}
