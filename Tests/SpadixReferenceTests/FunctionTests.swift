import SpadixIR
import SpadixReference
import SpadixTensor
import Testing

@Suite("Functions, by hand")
struct FunctionTests {
  @Test("a broadcast repeats axes of size 1, aligned at the last")
  func broadcast() throws {
    let a = Tensor(shape: [2, 1], [1, 10])
    let b = Tensor(shape: [3], [1, 2, 3])
    let y = try Binary(.mul).evaluate([a, b], .f32([2, 3]))
    #expect(y.floats == [1, 2, 3, 10, 20, 30])
    let chosen = try Select().evaluate(
      [Tensor(shape: [3], [0, 1, 0]), a, Tensor(shape: [], [7])], .f32([2, 3]))
    #expect(chosen.floats == [7, 1, 7, 7, 10, 7])
  }

  @Test("slices go backwards, gathers count negative indices from the back")
  func selection() throws {
    let x = Tensor(shape: [2, 3], [0, 1, 2, 3, 4, 5])
    let slice = Slice(starts: [1, 2], sizes: [2, 2], steps: [-1, -2])
    #expect(try slice.evaluate([x], .f32([2, 2])).floats == [5, 3, 2, 0])
    let indices = Tensor(.i32([2]), .i32([-1, 0]))
    #expect(try Gather(axis: 1).evaluate([x, indices], .f32([2, 2])).floats == [2, 0, 5, 3])
    #expect(throws: (any Error).self) {
      try Gather(axis: 1).evaluate([x, Tensor(shape: [1], [3])], .f32([2, 1]))
    }
  }

  @Test("rows are normalized by their own mean and variance")
  func layerNorm() throws {
    let x = Tensor(shape: [2, 2], [1, 3, 10, 10])
    let y = try LayerNorm(epsilon: 0).evaluate(
      [Tensor(shape: [1, 2], [1, 3]), Tensor(shape: [2], [2, 3]), Tensor(shape: [2], [0, 1])], .f32([1, 2]))
    #expect(y.floats == [-2, 4])
    #expect(try LayerNorm(epsilon: 1).evaluate([x], .f32([2, 2])).floats[2...] == [0, 0])
  }

  @Test("int8 is dequantized, computed and quantized; a table gives the same")
  func quantized() throws {
    let input = Quantization(scale: 0.5, zeroPoint: 3)
    let output = Quantization(scale: 0.25, zeroPoint: -10)
    let elements = (0..<300).map { Int8(truncatingIfNeeded: $0) }
    let x = Tensor(TensorType([300], .q8(input)), .i8(elements))
    let function = OperatorFunction(Unary(.leakyRelu, alpha: 0.5))
    let y = try function.evaluate([x], TensorType([300], .q8(output)))
    let few = try function.evaluate(
      [Tensor(TensorType([3], .q8(input)), .i8([1, 3, 7]))], TensorType([3], .q8(output)))
    // Real inputs -1, 0 and 2: -0.5, 0 and 2.
    #expect(few.int8s == [-12, -10, -2])
    #expect([y.int8s[1], y.int8s[3], y.int8s[7]] == [-12, -10, -2])
  }

  @Test("rounding to the integers of a scale saturates at their ends")
  func fakeQuantize() throws {
    let function = FakeQuantize(scale: 0.5, zeroPoint: 128, bounds: [0, 255])
    let y = try function.evaluate([Tensor(shape: [4], [0.3, -0.25, 100, -100])], .f32([4]))
    #expect(y.floats == [0.5, 0, 63.5, -64])
    #expect(function.quantization == Quantization(scale: 0.5, zeroPoint: 0))
    #expect(FakeQuantize(scale: 1, zeroPoint: 0, bounds: [0, 15]).quantization == nil)
  }
}
