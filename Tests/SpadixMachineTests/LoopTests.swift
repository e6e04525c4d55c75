import Foundation
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixISA
@testable import SpadixMachine

private let cases = Int(ProcessInfo.processInfo.environment["SPADIX_FUZZ_CASES"] ?? "") ?? 300
private let firstSeed = UInt64(ProcessInfo.processInfo.environment["SPADIX_FUZZ_SEED"] ?? "") ?? 1

/// Hardware loops against what they compute, by its definition: nothing here knows of tiles, rows or halves.
@Suite struct LoopTests {
  @Test func products() throws {
    for seed in firstSeed..<firstSeed + UInt64(cases) { try LoopCase.product(seed).check(seed) }
  }

  @Test func residualAdditions() throws {
    for seed in firstSeed..<firstSeed + UInt64(cases) { try LoopCase.residualAddition(seed).check(seed) }
  }

  @Test func convolutions() throws {
    for seed in firstSeed..<firstSeed + UInt64(cases) { try LoopCase.convolution(seed).check(seed) }
  }
}

/// A program with one hardware loop and the bytes it must leave.
private struct LoopCase {
  var random: SplitMix64
  var program: Program
  let dim: Int
  /// What sets the case apart, for failures.
  var title = ""

  static let (a, b, d, c): (UInt64, UInt64, UInt64, UInt64) = (0x10000, 0x18000, 0x20000, 0x28000)

  init(_ seed: UInt64) {
    random = SplitMix64(seed: seed)
    dim = [2, 4, 8, 16].randomElement(using: &random)!
    program = Program(
      target: Target(
        name: "loops", dim: dim, scratchpadBanks: 2, scratchpadRowsPerBank: 2048, accumulatorRows: 1024,
        dramBytes: 1 << 18))
  }

  func check(_ seed: UInt64) throws {
    let result = try Conformance(program)
    let place = "seed \(seed), dim \(dim), \(title)"
    try #require(result.fault == nil && result.findings == [], "\(place)")
    try #require(result.first == nil, "\(place)")
    try #require(result.strayStore == nil, "\(place)")
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  mutating func flag() -> Bool { Bool.random(using: &random) }
  mutating func scale() -> Float {
    [1, 0.5, Float.random(in: 0.01...1.2, using: &random)].randomElement(using: &random)!
  }

  mutating func emit(_ instructions: [Instruction]) { program.commands += instructions.map(\.command) }

  /// Random elements in DRAM, every one of which belongs to the operand or lies between its rows.
  mutating func bytes(_ address: UInt64, _ count: Int) -> [Int8] {
    let values = (0..<count).map { _ in Int8.random(in: -128...127, using: &random) }
    program.segments.append(
      Program.Segment(name: "\(address)", address: address, bytes: values.map { UInt8(bitPattern: $0) }))
    return values
  }

  mutating func words(_ address: UInt64, _ count: Int) -> [Int32] {
    let values = (0..<count).map { _ in Int32.random(in: -40_000...40_000, using: &random) }
    program.segments.append(Program.Segment(name: "\(address)", address: address, bytes: littleEndianBytes(values)))
    return values
  }

  /// Rows of a result, `stride` bytes apart.
  mutating func expect(_ rows: [[UInt8]], stride: Int) {
    for (index, row) in rows.enumerated() {
      let address = Self.c + UInt64(index * stride)
      program.expectations.append(Program.Segment(name: "row \(index)", address: address, bytes: row))
    }
  }

  /// An int8 behind the scale of a load.
  static func scaled(_ value: Int8, _ scale: Float) -> Int32 {
    Int32(QuantizedArithmetic.requantize(Int32(value), scale: scale, zeroPoint: 0))
  }

  static func stored(_ value: Int32, _ store: ConfigStore) -> UInt8 {
    let low: Int32 = store.activation == .relu ? 0 : -128
    return UInt8(bitPattern: QuantizedArithmetic.requantize(value, scale: store.scale, zeroPoint: 0, low: low))
  }
}

// MARK: Products and additions

extension LoopCase {
  static func product(_ seed: UInt64) -> LoopCase {
    var it = LoopCase(seed)
    it.makeProduct()
    return it
  }

  private mutating func makeProduct() {
    let bounds = LoopBounds(
      padI: number(0...dim - 1), padJ: number(0...dim - 1), padK: number(0...dim - 1), i: number(1...3),
      j: number(1...3), k: number(1...3))
    let (m, n, depth) = (bounds.i * dim - bounds.padI, bounds.j * dim - bounds.padJ, bounds.k * dim - bounds.padK)
    let transposed = number(0...2)
    let (transposeA, transposeB) = (transposed == 1, transposed == 2)
    let aStride = (transposeA ? m : depth) + number(0...5)
    let bStride = (transposeB ? depth : n) + number(0...5)
    let a = bytes(Self.a, (transposeA ? depth : m) * aStride)
    let b = bytes(Self.b, (transposeB ? n : depth) * bStride)
    // No D, one row of it for all, int32, int8 with a scale.
    let kind = number(0...3)
    let (lowD, full) = (kind == 3, flag())
    let dStride = kind == 1 ? 0 : n + number(0...5)
    let dRows = kind == 1 ? 1 : m
    let dScale = lowD ? scale() : 1
    var sums = [Int32](repeating: 0, count: m * n)
    if lowD {
      let d = bytes(Self.d, dRows * dStride)
      for i in 0..<m {
        for j in 0..<n {
          sums[i * n + j] = Self.scaled(d[i * dStride + j], dScale)
        }
      }
    } else if kind > 0 {
      let d = words(Self.d, max(dRows * dStride, n))
      for i in 0..<m { for j in 0..<n { sums[i * n + j] = d[i * dStride + j] } }
    }
    for i in 0..<m {
      for j in 0..<n {
        for k in 0..<depth {
          let left = Int32(transposeA ? a[k * aStride + i] : a[i * aStride + k])
          let right = Int32(transposeB ? b[j * bStride + k] : b[k * bStride + j])
          sums[i * n + j] += left * right
        }
      }
    }
    let cStride = n + number(0...5)
    let size = full ? 4 : 1
    let store = ConfigStore(stride: cStride * size, activation: !full && flag() ? .relu : .none, scale: scale() / 64)
    emit([
      .configExecute(
        ConfigExecute(dataflow: .weightStationary, transposeA: transposeA, transposeB: transposeB)),
      .configLoad(ConfigLoad(state: 0, stride: aStride, blockStride: dim)),
      .configLoad(ConfigLoad(state: 1, stride: bStride, blockStride: dim)),
      .configLoad(
        ConfigLoad(state: 2, stride: dStride * (lowD ? 1 : 4), scale: dScale, shrunk: lowD, blockStride: dim)),
      .configStore(store), .loopMatmul(.bounds(bounds)), .loopMatmul(.addressesAB(a: Self.a, b: Self.b)),
      .loopMatmul(.addressesDC(d: kind == 0 ? 0 : Self.d, c: Self.c)),
      .loopMatmul(.stridesAB(a: UInt64(aStride), b: UInt64(bStride))),
      .loopMatmul(.stridesDC(d: UInt64(dStride), c: UInt64(cStride))),
      .loopMatmul(
        .run(
          LoopMatmulRun(
            accumulate: kind > 0, fullC: full, lowD: lowD, transposeA: transposeA, transposeB: transposeB))),
    ])
    expect(
      (0..<m).map { i in
        let row = Array(sums[i * n..<(i + 1) * n])
        return full ? littleEndianBytes(row) : row.map { Self.stored($0, store) }
      }, stride: cStride * size)
  }

  static func residualAddition(_ seed: UInt64) -> LoopCase {
    var it = LoopCase(seed)
    it.makeResidualAddition()
    return it
  }

  private mutating func makeResidualAddition() {
    let bounds = LoopBounds(
      padI: number(0...dim - 1), padJ: number(0...dim - 1), i: number(1...3), j: number(1...3), k: 0)
    let (m, n) = (bounds.i * dim - bounds.padI, bounds.j * dim - bounds.padJ)
    let strides = (0..<3).map { _ in n + number(0...5) }
    let (a, b) = (bytes(Self.a, m * strides[0]), bytes(Self.b, m * strides[1]))
    let scales = (scale(), scale())
    let store = ConfigStore(stride: strides[2], activation: flag() ? .relu : .none, scale: scale())
    emit([
      .configExecute(ConfigExecute(dataflow: .weightStationary)),
      .configLoad(ConfigLoad(state: 0, stride: strides[0], scale: scales.0, shrunk: true, blockStride: dim)),
      .configLoad(ConfigLoad(state: 1, stride: strides[1], scale: scales.1, shrunk: true, blockStride: dim)),
      .configStore(store), .loopMatmul(.bounds(bounds)), .loopMatmul(.addressesAB(a: Self.a, b: Self.b)),
      .loopMatmul(.addressesDC(d: 0, c: Self.c)),
      .loopMatmul(.stridesAB(a: UInt64(strides[0]), b: UInt64(strides[1]))),
      .loopMatmul(.stridesDC(d: 0, c: UInt64(strides[2]))), .loopMatmul(.run(LoopMatmulRun(residualAdd: true))),
    ])
    expect(
      (0..<m).map { i in
        (0..<n).map { j in
          let sum = Self.scaled(a[i * strides[0] + j], scales.0) + Self.scaled(b[i * strides[1] + j], scales.1)
          return Self.stored(sum, store)
        }
      }, stride: strides[2])
  }
}

// MARK: Convolutions

extension LoopCase {
  static func convolution(_ seed: UInt64) -> LoopCase {
    var it = LoopCase(seed)
    it.makeConvolution()
    return it
  }

  /// Weights lie as [row][column][in][out], or as one of the two orders that the loop transposes from.
  private enum WeightOrder: CaseIterable { case plain, o1203, o0132 }

  private mutating func makeConvolution() {
    let (batches, inChannels, outChannels) = (number(1...2), number(1...dim + 3), number(1...dim + 3))
    let (kernel, stride, dilation) = (number(1...3), number(1...2), number(1...2))
    let extent = (kernel - 1) * dilation + 1
    let padding = number(0...kernel - 1)
    let (inRows, inCols) = (number(extent...extent + 4), number(extent...extent + 4))
    let outRows = (inRows + 2 * padding - extent) / stride + 1
    let outCols = (inCols + 2 * padding - extent) / stride + 1
    let order = WeightOrder.allCases.randomElement(using: &random)!
    let (rotates, transposesOutput, hasBias) = (flag(), flag(), flag())
    title = "\(batches) x \(inRows) x \(inCols) x \(inChannels) to \(outChannels), kernel \(kernel), stride \(stride), "
    title += "padding \(padding), dilation \(dilation), \(order), \(rotates), \(transposesOutput), \(hasBias)"
    let inStride = inChannels + number(0...3)
    let weightStride = order == .plain ? outChannels + number(0...3) : outChannels
    let outStride = transposesOutput ? outChannels : outChannels + number(0...3)
    let input = bytes(Self.a, batches * inRows * inCols * inStride)
    let weights = bytes(Self.b, kernel * kernel * inChannels * max(weightStride, outChannels))
    let bias = words(Self.d, outChannels)
    let store = ConfigStore(
      stride: transposesOutput ? batches * outChannels : outStride, activation: flag() ? .relu : .none,
      scale: scale() / 64)
    func weight(_ y: Int, _ x: Int, _ i: Int, _ o: Int) -> Int32 {
      let (row, col) = rotates ? (kernel - 1 - y, kernel - 1 - x) : (y, x)
      switch order {
      case .plain: return Int32(weights[((row * kernel + col) * inChannels + i) * weightStride + o])
      case .o1203: return Int32(weights[((i * kernel + row) * kernel + col) * outChannels + o])
      case .o0132: return Int32(weights[((row * kernel + col) * outChannels + o) * inChannels + i])
      }
    }
    func pixel(_ batch: Int, _ row: Int, _ col: Int, _ o: Int) -> Int32 {
      var sum = hasBias ? bias[o] : 0
      for y in 0..<kernel {
        for x in 0..<kernel {
          let (r, c) = (row * stride + y * dilation - padding, col * stride + x * dilation - padding)
          if r < 0 || c < 0 || r >= inRows || c >= inCols { continue }
          let first = ((batch * inRows + r) * inCols + c) * inStride
          for i in 0..<inChannels { sum += Int32(input[first + i]) * weight(y, x, i, o) }
        }
      }
      return sum
    }
    func row(_ batch: Int, _ row: Int, _ col: Int) -> [UInt8] {
      (0..<outChannels).map { Self.stored(pixel(batch, row, col, $0), store) }
    }
    // What the tile reads beyond the padded image, below and to the right.
    let down = max(0, outRows * stride + extent - 1 - padding - inRows)
    let right = max(0, outCols * stride + extent - 1 - padding - inCols)
    emit([
      .configExecute(
        ConfigExecute(dataflow: .weightStationary, transposeB: order == .o0132, aStride: stride)),
      .configStore(store),
      .loopConv(
        .sizes(
          LoopConvSizes(
            batch: batches, inRows: inRows, inChannels: inChannels, outChannels: outChannels, outRows: outRows,
            poolOutRows: outRows, outCols: outCols, stride: stride, padding: padding))),
      .loopConv(
        .pooling(
          LoopConvPooling(
            poolPadding: 0, poolStride: 1, poolSize: 1, poolOutCols: outCols, kernel: kernel,
            tileChannels: outChannels, tileCols: outCols, tileRows: outRows, tileBatches: batches))),
      .loopConv(
        .padding(
          LoopConvPadding(
            leftPad: padding, kernelChannels: inChannels, kernelCols: kernel, kernelRows: kernel, inCols: inCols,
            poolLeftPad: 0, downPad: down, upPad: padding, rightPad: right))),
      .loopConv(
        .tile(
          LoopConvTile(
            kernelDilation: dilation, poolDownPad: 0, poolUpPad: 0, poolRightPad: 0, outRows: outRows,
            outCols: outCols, outStride: outStride, weightStride: weightStride, inStride: inStride))),
      .loopConv(.weightsOutput(weights: Self.b, output: Self.c)),
      .loopConv(.biasInput(bias: Self.d, input: Self.a)),
      .loopConv(
        .run(
          LoopConvRun(
            noBias: !hasBias, rotate180: rotates, transposeOutput1203: transposesOutput,
            transposeWeights1203: order == .o1203, transposeWeights0132: order == .o0132, noPool: true))),
    ])
    let pixels = (0..<outRows).flatMap { y in (0..<outCols).map { (y, $0) } }
    if transposesOutput {
      expect(pixels.flatMap { y, x in (0..<batches).map { row($0, y, x) } }, stride: outChannels)
    } else {
      expect((0..<batches).flatMap { batch in pixels.map { row(batch, $0, $1) } }, stride: outStride)
    }
  }
}
