import Foundation
import SpadixSupport
import SpadixTensor
import Testing

@testable import Spadix

private let image = Port(name: "image", type: .f32([1, 2, 3]))
private let mask = Port(name: "mask", type: .i8([2]))

@Suite struct SamplesTests {
  /// Writes a tensor to a file that is removed afterwards.
  private func withFile<Result>(_ tensor: Tensor, _ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "spadix-\(UUID().uuidString).npy"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Files.write(NpyArray.file(of: tensor), to: path)
    return try body(path)
  }

  private func counting(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0) })
  }

  @Test func oneArrayOfTheInputsShapeIsOneSample() throws {
    let samples = try withFile(counting([1, 2, 3])) { try Samples(reading: [("image", $0)], for: [image]) }
    #expect(samples.count == 1)
    #expect(samples[0][0].floats == [0, 1, 2, 3, 4, 5])
  }

  @Test func longerFirstAxisHoldsSeveralSamples() throws {
    let samples = try withFile(counting([4, 2, 3])) { try Samples(reading: [("", $0)], for: [image]) }
    #expect(samples.count == 4)
    #expect(samples[3][0].floats == [18, 19, 20, 21, 22, 23])
    #expect(samples.prefix(2).count == 2)
    #expect(samples.prefix(9).count == 4)
  }

  @Test func axisOfSamplesMayBeAdded() throws {
    let samples = try withFile(counting([2, 1, 2, 3])) { try Samples(reading: [("image", $0)], for: [image]) }
    #expect(samples.count == 2)
  }

  @Test func axisOfTheBatchMayBeLeftOut() throws {
    let samples = try withFile(counting([2, 3])) { try Samples(reading: [("image", $0)], for: [image]) }
    #expect(samples.count == 1)
    #expect(samples[0][0].floats == [0, 1, 2, 3, 4, 5])
  }

  @Test(arguments: [[1, 3, 2], [1, 2, 3, 1], [6], [0, 2, 3]]) func otherShapesAreRefused(shape: [Int]) throws {
    let id = try withFile(counting(shape)) { path in
      diagnosticID { _ = try Samples(reading: [("image", path)], for: [image]) }
    }
    #expect(id == "input.shape")
  }

  @Test func integersAreRealNumbers() throws {
    let integers = Tensor(.i32([1, 2, 3]), .i32([0, 1, 2, 3, 4, 5]))
    let samples = try withFile(integers) { try Samples(reading: [("image", $0)], for: [image]) }
    #expect(samples[0][0].floats == [0, 1, 2, 3, 4, 5])
  }

  @Test func numbersThatTheTypeCannotHoldAreRefused() throws {
    for tensor in [counting([2]), Tensor(.i32([2]), .i32([1, 128]))] {
      let id = try withFile(tensor) { path in diagnosticID { _ = try Samples(reading: [("mask", path)], for: [mask]) } }
      #expect(id == "input.type")
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func numbersThatAreNotFiniteAreRefused(bad: Float) throws {
    let id = try withFile(Tensor(shape: [1, 2, 3], [0, 1, bad, 3, 4, 5])) { path in
      diagnosticID { _ = try Samples(reading: [("image", path)], for: [image]) }
    }
    #expect(id == "input.not-finite")
  }

  @Test func inputsMustBeKnownGivenOnceAndComplete() throws {
    try withFile(counting([1, 2, 3])) { path in
      #expect(diagnosticID { _ = try Samples(reading: [], for: [image]) } == "input.missing")
      #expect(diagnosticID { _ = try Samples(reading: [("x", path)], for: [image]) } == "input.unknown")
      #expect(diagnosticID { _ = try Samples(reading: [("", path)], for: [image, mask]) } == "input.name")
      #expect(
        diagnosticID { _ = try Samples(reading: [("image", path), ("image", path)], for: [image]) }
          == "input.duplicate")
    }
  }

  @Test func inputsMustHaveTheSameNumberOfSamples() throws {
    let id = try withFile(counting([3, 2, 3])) { images in
      try withFile(Tensor(.i8([4]), .i8([1, 2, 3, 4]))) { masks in
        diagnosticID { _ = try Samples(reading: [("image", images), ("mask", masks)], for: [image, mask]) }
      }
    }
    #expect(id == "input.sample-count")
  }

  @Test func randomSamplesDependOnTheSeedAlone() {
    func make(_ seed: UInt64) -> Samples {
      Samples(seed: seed, count: 3, for: [image, mask], ranges: [0...2, nil])
    }
    #expect(make(7)[2] == make(7)[2])
    #expect(make(7)[0] != make(8)[0])
    #expect(make(7)[0] != make(7)[1])
    #expect((0..<3).allSatisfy { make(7)[$0][0].floats.allSatisfy { (0...2).contains($0) } })
  }

  @Test func stackingUndoesSplitting() throws {
    let samples = try withFile(counting([4, 2, 3])) { try Samples(reading: [("image", $0)], for: [image]) }
    #expect(Tensor.stacking((0..<4).map { samples[$0][0] }) == counting([4, 2, 3]))
    #expect(Tensor.stacking([]) == nil)
  }
}
