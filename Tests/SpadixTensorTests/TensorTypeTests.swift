import Testing

@testable import SpadixTensor

@Suite("Tensor types")
struct TensorTypeTests {
  @Test("sizes and strides")
  func sizes() {
    let type = TensorType.f32([2, 3, 4])
    #expect(type.elementCount == 24)
    #expect(type.byteCount == 96)
    #expect(type.strides == [12, 4, 1])
    #expect(TensorType.q8([], scale: 1).elementCount == 1)
  }

  @Test(
    "shapes that cannot be",
    arguments: [[0], [-1], [2, 0], [1 << 29], [1 << 20, 1 << 20], [Int.max, Int.max], [Int.max, 2, 0]])
  func impossible(shape: [Int]) { #expect(TensorType.checkedElementCount(shape) == nil) }

  @Test("as in the textual graph")
  func description() {
    #expect(TensorType.f32([1, 2]).description == "f32[1, 2]")
    #expect(TensorType.q8([4], scale: 0.05, zeroPoint: -3).description == "q8<0.05, -3>[4]")
    let symmetric = Quantization(axis: 0, scales: [0.5, 0.25])
    #expect(TensorType([2], .q8(symmetric)).description == "q8<axis = 0, [0.5, 0.25]>[2]")
    let affine = Quantization(axis: 0, scales: [0.5, 0.25], zeroPoints: [0, 1])
    #expect(TensorType([2], .q8(affine)).description == "q8<axis = 0, [0.5, 0.25], [0, 1]>[2]")
  }

  @Test("the zero of a quantized tensor is its zero point")
  func zeros() {
    #expect(Tensor(zeros: .q8([2], scale: 1, zeroPoint: -5)).int8s == [-5, -5])
    let affine = Quantization(axis: 0, scales: [0.5, 0.25], zeroPoints: [7, 1])
    #expect(Tensor(zeros: TensorType([2], .q8(affine))).int8s == [7, 1])
    #expect(Tensor(zeros: .f32([2])).floats == [0, 0])
  }

  @Test("equality is bit for bit")
  func equality() {
    #expect(Tensor(shape: [1], [.nan]) == Tensor(shape: [1], [.nan]))
    #expect(Tensor(shape: [1], [0]) != Tensor(shape: [1], [-0.0]))
  }
}
