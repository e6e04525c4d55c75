import Testing

@testable import Spadix

@Suite struct SignalQualityTests {
  private func quality(_ values: [Float], _ reference: [Float]) -> SignalQuality {
    var quality = SignalQuality()
    quality.add(values, reference: reference)
    return quality
  }

  @Test func equalValuesHaveNoNoise() {
    let quality = quality([1, -2, 3], [1, -2, 3])
    #expect(quality.decibels == .infinity)
    #expect(quality.maximumError == 0)
    #expect((quality.cosine - 1).magnitude < 1e-12)
  }

  @Test func tenthOfTheAmplitudeIsTwentyDecibels() {
    let quality = quality([10, 1], [10, 0])
    #expect((quality.decibels - 20).magnitude < 1e-9)
    #expect(quality.maximumError == 1)
  }

  @Test func cosineIsThatOfTheAngle() {
    #expect((quality([1, 1], [1, 0]).cosine - 0.5.squareRoot()).magnitude < 1e-12)
    #expect(quality([0, 1], [1, 0]).cosine == 0)
    #expect(quality([-1, 0], [1, 0]).cosine == -1)
    #expect(quality([0, 0], [0, 0]).cosine == 1)
    #expect(quality([0, 0], [1, 0]).cosine == 0)
  }

  @Test func noSignalIsAllNoise() {
    #expect(quality([1], [0]).decibels == -.infinity)
  }

  @Test func samplesAddUp() {
    var sum = quality([1, 2], [1, 1])
    sum.add([3], reference: [4])
    #expect(sum.decibels == quality([1, 2, 3], [1, 1, 4]).decibels)
  }
}
