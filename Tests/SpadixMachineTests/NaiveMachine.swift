import SpadixISA
import SpadixTensor

/// The oracle of the machine: one element after the other, straight from the description of the instructions.
///
/// It decodes nothing ahead, folds nothing, has no kernels, and shares no code with the machine but `Instruction`.
struct NaiveMachine {
  struct Load {
    var stride = 0, blockStride = 0, pixels = 0
    var scale: Float = 0
    var shrunk = false
  }

  let target: Target
  var dram: [UInt8]
  var scratchpad: [[Int8]]
  var accumulator: [[Int32]]
  var array: [[Int32]]
  var loads = [Load(), Load(), Load()]
  var execute = ConfigExecute(dataflow: .outputStationary)
  var store = ConfigStore(stride: 0)
  var output: ConfigOutput?
  var pair: ConfigOutputPair?
  var table = [Int8](repeating: 0, count: 256)
  var scales: [Float]?
  var biases: [Int32]?
  var weights = LocalTile.garbage(rows: 0, columns: 0)
  var result = LocalTile.garbage(rows: 0, columns: 0)

  init(_ program: Program, dramBytes: Int, fill: Int8) {
    target = program.target
    dram = [UInt8](repeating: 0, count: dramBytes)
    for segment in program.segments {
      for (offset, byte) in segment.bytes.enumerated() { dram[Int(segment.address) + offset] = byte }
    }
    let dim = target.dim
    scratchpad = [[Int8]](repeating: [Int8](repeating: fill, count: dim), count: target.scratchpadRows)
    let word = Int32(bitPattern: 0x0101_0101 &* UInt32(UInt8(bitPattern: fill)))
    accumulator = [[Int32]](repeating: [Int32](repeating: word, count: dim), count: target.accumulatorRows)
    array = [[Int32]](repeating: [Int32](repeating: 0, count: dim), count: dim)
  }

  mutating func run(_ instruction: Instruction) {
    switch instruction {
    case .configExecute(let config):
      if config.setOnlyStrides {
        execute.aStride = config.aStride
        execute.cStride = config.cStride
      } else {
        execute = config
      }
    case .configLoad(let config):
      loads[config.state] = Load(
        stride: config.stride, blockStride: config.blockStride, pixels: max(1, config.pixelRepeats),
        scale: config.scale, shrunk: config.shrunk)
    case .configStore(let config):
      store = config
      output = nil
      scales = nil
      biases = nil
      pair = nil
    case .configOutput(let config): output = config
    case .configOutputScales(let address, let count, let hasBiases):
      scales = (0..<count).map { Float(bitPattern: UInt32(bitPattern: word(Int(address) + 4 * $0))) }
      biases = hasBiases ? (0..<count).map { word(Int(address) + 4 * (count + $0)) } : nil
    case .configOutputTable(let address):
      table = (0..<256).map { Int8(bitPattern: dram[Int(address) + $0]) }
    case .configOutputPair(let config): pair = config
    case .moveIn(let state, let address, let local): moveIn(loads[state], Int(address), local)
    case .moveOut(let address, let local):
      forEachStored(local) { row, column, value, bytes in
        let at = Int(address) + row * store.stride + column * bytes.count
        for (offset, byte) in bytes.enumerated() { dram[at + offset] = byte }
      }
    case .moveOutScratchpad(let destination, let stride, let source):
      // Rows move one after the other, but a pooled image is read as a whole before its first pixel is written.
      var pixels: [(row: Int, column: Int, value: Int8)] = []
      forEachStored(source) { row, column, value, _ in
        if store.pooling == nil {
          scratchpad[destination.row + row * stride][column] = value
        } else {
          pixels.append((destination.row + row * stride, column, value))
        }
      }
      for pixel in pixels { scratchpad[pixel.row][pixel.column] = pixel.value }
    case .preload(let weights, let result): (self.weights, self.result) = (weights, result)
    case .compute(let preloaded, let a, let bias): compute(preloaded, a, bias)
    case .flush, .fence, .counter, .clockGate: break
    case .configNorm, .loopMatmul, .loopConv: preconditionFailure("the oracle has no \(instruction)")
    }
  }

  private func word(_ address: Int) -> Int32 {
    Int32(bitPattern: (0..<4).reduce(0) { $0 | UInt32(dram[address + $1]) << UInt32(8 * $1) })
  }

  private mutating func moveIn(_ load: Load, _ address: Int, _ local: LocalTile) {
    let dim = target.dim
    for row in 0..<local.rows {
      for column in 0..<local.columns {
        let localRow = local.address.row + row + column / dim * load.blockStride
        for pixel in 0..<load.pixels where pixel <= localRow {
          let to = (row: localRow - pixel, column: column % dim + pixel * local.columns)
          if local.address.isAccumulator {
            var value: Int32 = 0
            if address != 0 {
              value =
                load.shrunk
                ? Int32(scaled(dram[address + row * load.stride + column], load.scale))
                : word(address + row * load.stride + 4 * column)
            }
            let old = local.address.accumulates ? accumulator[to.row][to.column] : 0
            accumulator[to.row][to.column] = old &+ value
          } else {
            let byte = address == 0 ? 0 : dram[address + row * load.stride + column]
            scratchpad[to.row][to.column] = address == 0 ? 0 : scaled(byte, load.scale)
          }
        }
      }
    }
  }

  private func scaled(_ byte: UInt8, _ scale: Float) -> Int8 {
    QuantizedArithmetic.requantize(Int32(Int8(bitPattern: byte)), scale: scale, zeroPoint: 0)
  }

  /// One int8 on its way out of the accumulator.
  private func staged(_ value: Int32, _ column: Int) -> Int8 {
    let scale = scales.map { $0[column % target.dim] } ?? store.scale
    let value = value &+ (biases?[column % target.dim] ?? 0)
    let bounds = output ?? ConfigOutput(low: store.activation == .relu ? 0 : -128)
    if output != nil || pair != nil {
      let zeroPoint = Int32(bounds.zeroPoint)
      let byte: Int8
      if let pair {
        byte = Self.combined(value, pair, zeroPoint, Int32(bounds.low)...Int32(bounds.high))
      } else {
        byte = QuantizedArithmetic.requantize(
          value, scale: scale, zeroPoint: zeroPoint, low: Int32(bounds.low), high: Int32(bounds.high))
      }
      return bounds.usesTable ? table[Int(byte) + 128] : byte
    }
    let byte = QuantizedArithmetic.requantize(value, scale: scale, zeroPoint: 0)
    return store.activation == .relu ? max(byte, 0) : byte
  }

  /// Floor division takes the pair apart; products and sums are of the numbers as docs/isa.md says.
  private static func combined(
    _ value: Int32, _ pair: ConfigOutputPair, _ zeroPoint: Int32, _ bounds: ClosedRange<Int32>
  ) -> Int8 {
    let a = Int((Double(value) / 256 + 0.5).rounded(.down))
    let b = Int(value) - 256 * a
    let real: Float
    if pair.isProduct {
      let product = Float((a - Int(pair.zeroPointA)) * (b - Int(pair.zeroPointB))) * pair.factorA
      real = product + pair.offset
    } else {
      let (first, second) = pair.isUnsigned ? (a + 128, b + 128) : (a, b)
      real = pair.offset.addingProduct(Float(second), pair.factorB).addingProduct(Float(first), pair.factorA)
    }
    let code = QuantizedArithmetic.quantize(real, scale: 1, zeroPoint: zeroPoint)
    return Int8(min(max(Int32(code), bounds.lowerBound), bounds.upperBound))
  }

  private func forEachStored(_ tile: LocalTile, _ body: (Int, Int, Int8, [UInt8]) -> Void) {
    let dim = target.dim
    let isAccumulator = tile.address.isAccumulator
    func byte(_ row: Int, _ column: Int) -> Int8 {
      isAccumulator ? staged(accumulator[row][column % dim], column) : scratchpad[row][column % dim]
    }
    if let pooling = store.pooling {
      for outRow in 0..<pooling.outRows {
        for outCol in 0..<pooling.outCols {
          for column in 0..<tile.columns {
            var best = Int8.min
            for windowRow in 0..<pooling.window {
              for windowCol in 0..<pooling.window {
                let row = outRow * pooling.stride + windowRow - pooling.upPad
                let col = outCol * pooling.stride + windowCol - pooling.leftPad
                let inside = row >= 0 && col >= 0 && row < pooling.inRows && col < pooling.inCols
                let lowest = output.map { $0.usesTable ? -128 : $0.low } ?? 0
                let outside = isAccumulator ? lowest : 0
                best = max(best, inside ? byte(tile.address.row + row * pooling.inCols + col, column) : outside)
              }
            }
            body(outRow * pooling.outDim + outCol, column, best, [UInt8(bitPattern: best)])
          }
        }
      }
      return
    }
    for row in 0..<tile.rows {
      for column in 0..<tile.columns {
        let local = tile.address.row + row + column / dim * dim
        if isAccumulator && tile.address.isFullWidth {
          let value = UInt32(bitPattern: accumulator[local][column % dim])
          body(row, column, 0, (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) })
        } else {
          let value = byte(local, column)
          body(row, column, value, [UInt8(bitPattern: value)])
        }
      }
    }
  }

  /// An element of an int8 operand, 0 outside its shape.
  private func element(_ tile: LocalTile, _ i: Int, _ j: Int, transposed: Bool, stride: Int = 1) -> Int32 {
    if tile.address.isGarbage || i >= tile.rows || j >= tile.columns { return 0 }
    let (row, column) = transposed ? (j, i) : (i, j)
    return Int32(scratchpad[tile.address.row + row * stride][column])
  }

  private mutating func compute(_ preloaded: Bool, _ a: LocalTile, _ bias: LocalTile) {
    let dim = target.dim
    let isWeightStationary = execute.dataflow == .weightStationary
    if preloaded {
      for i in 0..<dim {
        for j in 0..<dim {
          array[i][j] = element(weights, i, j, transposed: isWeightStationary && execute.transposeB)
        }
      }
    }
    var values = array
    for i in 0..<dim {
      for j in 0..<dim {
        var sum = isWeightStationary ? element(bias, i, j, transposed: false) : array[i][j]
        for k in 0..<dim {
          let left = element(a, i, k, transposed: execute.transposeA, stride: execute.aStride)
          let right = isWeightStationary ? array[k][j] : element(bias, k, j, transposed: execute.transposeB)
          sum &+= left &* right
        }
        values[i][j] = sum
      }
    }
    if !isWeightStationary { array = values }
    if result.address.isGarbage { return }
    for i in 0..<result.rows {
      for j in 0..<result.columns {
        let row = result.address.row + i * execute.cStride
        if result.address.isAccumulator {
          let old = result.address.accumulates ? accumulator[row][j] : 0
          accumulator[row][j] = old &+ values[i][j]
        } else {
          let shift = isWeightStationary ? 0 : execute.shift
          // Halves are exact in Float64.
          let quotient = (Double(values[i][j]) / Double(UInt64(1) << UInt64(shift))).rounded(.toNearestOrEven)
          let byte = Int8(min(max(quotient, -128), 127))
          scratchpad[row][j] = execute.activation == .relu ? max(byte, 0) : byte
        }
      }
    }
  }
}
