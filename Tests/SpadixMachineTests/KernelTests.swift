import CSpadixKernels
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixMachine

/// The kernels of every implementation against plain Swift.
@Suite struct KernelTests {
  private func kernels() -> [spadix_kernels] { (0..<spadix_kernel_count()).map { spadix_kernel_at($0).pointee } }

  private func withPacked<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: spadix_packed_size(), alignment: 64)
    defer { memory.deallocate() }
    return body(OpaquePointer(memory))
  }

  @Test(arguments: [2, 4, 8, 16, 32, 64]) func tile(_ dim: Int) {
    var random = SplitMix64(seed: 5)
    for _ in 0..<40 {
      let (m, k, n) = (
        Int.random(in: 1...dim, using: &random), Int.random(in: 1...dim, using: &random),
        Int.random(in: 1...dim, using: &random)
      )
      let extreme = Bool.random(using: &random)
      func byte() -> Int8 {
        extreme ? [-128, 127].randomElement(using: &random)! : Int8.random(in: -128...127, using: &random)
      }
      let a = (0..<dim * dim + 128).map { _ in byte() }
      let w = (0..<dim * dim + 128).map { _ in byte() }
      let before = (0..<dim * dim).map { _ in Int32.random(in: Int32.min...Int32.max, using: &random) }
      for accumulate in [0, 1] {
        var expected = before
        for i in 0..<m {
          for j in 0..<n {
            var sum: Int32 = accumulate == 1 ? before[i * dim + j] : 0
            for x in 0..<k { sum &+= Int32(a[i * dim + x]) * Int32(w[x * dim + j]) }
            expected[i * dim + j] = sum
          }
        }
        for it in kernels() {
          var found = before
          withPacked { packed in
            it.pack(packed, w, dim, Int32(k), Int32(n), Int32(dim))
            it.tile(&found, dim, a, dim, Int32(m), Int32(n), Int32(dim), packed, Int32(accumulate))
          }
          #expect(found == expected, "\(String(cString: it.name)), dim \(dim), \(m) x \(k) x \(n)")
        }
      }
    }
  }

  @Test func store() {
    var random = SplitMix64(seed: 6)
    let scales: [Float] = [
      1, 0.5, 0.0123, 1e-9, 1e30, -0.5, .infinity, .nan, 0, Float.leastNonzeroMagnitude * 100, 0x1p-20,
    ]
    for round in 0..<400 {
      var stage = spadix_output_stage()
      let perColumn = (0..<64).map { _ in scales.randomElement(using: &random)! }
      withUnsafeMutableBytes(of: &stage.scales) {
        $0.copyBytes(from: perColumn.flatMap { withUnsafeBytes(of: $0) { Array($0) } })
      }
      stage.zero_point = Int32.random(in: -128...127, using: &random)
      stage.low = Int32.random(in: -128...0, using: &random)
      stage.high = Int32.random(in: 0...127, using: &random)
      let values = (0..<128).map { _ -> Int32 in
        round % 2 == 0
          ? Int32.random(in: Int32.min...Int32.max, using: &random) : Int32.random(in: -400...400, using: &random)
      }
      let columns = Int.random(in: 1...32, using: &random)
      let expected = (0..<4).flatMap { i in
        (0..<32).map { j -> Int8 in
          j < columns
            ? QuantizedArithmetic.requantize(
              values[i * 32 + j], scale: perColumn[j], zeroPoint: stage.zero_point, low: stage.low, high: stage.high)
            : 9
        }
      }
      for it in kernels() {
        var found = [Int8](repeating: 9, count: 128)
        it.store(&found, 32, values, 4, Int32(columns), 32, &stage)
        #expect(found == expected, "\(String(cString: it.name))")
      }
    }
  }

  @Test func moves() {
    var random = SplitMix64(seed: 8)
    for count in [1, 3, 7, 8, 15, 16, 17, 31, 32, 63, 64] {
      let bytes = (0..<count).map { _ in Int8.random(in: -128...127, using: &random) }
      let others = (0..<count).map { _ in Int8.random(in: -128...127, using: &random) }
      let words = (0..<count).map { _ in Int32.random(in: Int32.min...Int32.max, using: &random) }
      let more = (0..<count).map { _ in Int32.random(in: Int32.min...Int32.max, using: &random) }
      for it in kernels() {
        let name = String(cString: it.name)
        for scale: Float in [0.5, 1.7, 100, .nan, .infinity, -1] {
          var scaled = [Int8](repeating: 0, count: count)
          it.scale(&scaled, bytes, count, scale)
          #expect(
            scaled == bytes.map { QuantizedArithmetic.requantize(Int32($0), scale: scale, zeroPoint: 0) }, "\(name)")
        }
        var wide = words
        it.widen(&wide, bytes, count, 1)
        #expect(wide == zip(words, bytes).map { $0 &+ Int32($1) }, "\(name)")
        it.widen(&wide, bytes, count, 0)
        #expect(wide == bytes.map { Int32($0) }, "\(name)")
        var sums = words
        it.add(&sums, more, count)
        #expect(sums == zip(words, more).map { $0 &+ $1 }, "\(name)")
        var best = bytes
        it.maximum(&best, others, count)
        #expect(best == zip(bytes, others).map { max($0, $1) }, "\(name)")
      }
    }
  }

  /// Rows of every length, strided and in one piece, and one row many times.
  @Test func copies() {
    var random = SplitMix64(seed: 9)
    let source = (0..<2048).map { _ in UInt8.random(in: 0...255, using: &random) }
    for bytes in [1, 7, 16, 17, 48, 64, 100] {
      for (toStride, fromStride) in [(bytes, bytes), (100, bytes), (bytes, 120), (100, 0), (112, 100)] {
        let count = Int.random(in: 1...16, using: &random)
        var found = [UInt8](repeating: 3, count: 2048)
        var expected = found
        for row in 0..<count {
          for byte in 0..<bytes { expected[row * toStride + byte] = source[row * fromStride + byte] }
        }
        spadix_copy_rows(&found, toStride, source, fromStride, bytes, count)
        #expect(found == expected, "\(bytes) bytes, strides \(toStride) and \(fromStride)")
      }
    }
  }

  /// The functional model goes one too far at the last float below a power of two, and nowhere else.
  @Test func functionalModelRounding() {
    var stage = spadix_output_stage()
    stage.low = -128
    stage.high = 127
    func round(_ value: Int32, _ scale: Float) -> Int8 {
      stage.scales.0 = scale
      var result: Int8 = 0
      spadix_store_model(&result, 1, [value], 1, 1, 16, &stage)
      return result
    }
    #expect(round(16_777_215, 0x1p-20) == 17)
    #expect(round(-16_777_215, 0x1p-20) == -17)
    for value: Int32 in [-300, -33, -5, -4, -3, -2, -1, 0, 1, 2, 3, 5, 7, 500] {
      for scale: Float in [1, 0.5, 0.25, 0.3, .nan, .infinity] {
        let expected = QuantizedArithmetic.requantize(value, scale: scale, zeroPoint: 0)
        #expect(round(value, scale) == expected, "\(value) * \(scale)")
      }
    }
  }
}
