import CSpadixKernels
import SpadixISA

/// Stores: what leaves local memory, and how int8 leave the accumulator.
extension Executor {
  /// Sets the output stage to a configuration.
  @inline(__always)
  private func prepare(_ configuration: borrowing StoreConfiguration) {
    stage.pointee.zero_point = configuration.zeroPoint
    stage.pointee.low = configuration.low
    stage.pointee.high = configuration.high
    let scales = UnsafeMutableRawPointer(stage).assumingMemoryBound(to: Float.self)
    if configuration.perChannel {
      scales.update(from: channelScales, count: dim)
    } else {
      scales.update(repeating: configuration.scale, count: max(dim, 16))
    }
  }

  /// Rows of int8 on their way out of the accumulator: scaled, or combined from pairs, and then through the table. The
  /// output stage is prepared.
  @inline(__always)
  private func leave(
    _ destination: UnsafeMutablePointer<Int8>, _ pitch: Int, _ row: Int, _ rows: Int, _ columns: Int,
    _ configuration: borrowing StoreConfiguration
  ) {
    if _fastPath(configuration.onlyScales) {
      kernels.store(
        destination, pitch, accumulator + row * dim, Int32(rows), Int32(columns), Int32(dim), stage)
      return
    }
    // One row after the other, because rows may lie over one another.
    for index in 0..<rows {
      let to = destination + index * pitch
      var from = UnsafePointer(accumulator + (row + index) * dim)
      if configuration.hasBiases {
        for column in 0..<columns { words[column] = from[column] &+ channelBiases[column] }
        from = UnsafePointer(words)
      }
      if let pair = configuration.pair {
        for column in 0..<columns { to[column] = combined(from[column], pair, configuration) }
      } else {
        kernels.store(to, pitch, from, 1, Int32(columns), Int32(dim), stage)
      }
      if configuration.usesTable {
        for column in 0..<columns { to[column] = table[Int(to[column]) + 128] }
      }
    }
  }

  /// The two int8 of one element of the accumulator, combined.
  @inline(__always)
  private func combined(
    _ element: Int32, _ pair: ConfigOutputPair, _ configuration: borrowing StoreConfiguration
  ) -> Int8 {
    let b = Int32(Int8(truncatingIfNeeded: element))
    let a = Int32((Int64(element) - Int64(b)) >> 8)
    let value: Float
    if pair.isProduct {
      let product = (a &- Int32(pair.zeroPointA)) &* (b &- Int32(pair.zeroPointB))
      value = Float(product) * pair.factorA + pair.offset
    } else {
      let shift: Int32 = pair.isUnsigned ? 128 : 0
      value = pair.offset.addingProduct(Float(b &+ shift), pair.factorB)
        .addingProduct(Float(a &+ shift), pair.factorA)
    }
    let rounded = value.rounded(.toNearestOrEven)
    // What is no number is the lowest value.
    let whole = rounded.magnitude < 0x1p32 ? Int64(rounded) : rounded > 0 ? 1 << 32 : -1 << 32
    return Int8(
      truncatingIfNeeded: min(
        max(whole + Int64(configuration.zeroPoint), Int64(configuration.low)), Int64(configuration.high)))
  }

  func store(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    if it.flags.contains(.pooled) {
      let pooling = configuration.pooling!
      let destination = (dram + Int(it.dram)).assumingMemoryBound(to: Int8.self)
      pool(it, configuration, pooling, destination, rowBytes: it.stride)
      return
    }
    if it.flags.contains(.normalizing) {
      storeNormalized(it, configuration)
      return
    }
    let rows = Int(it.a.rows)
    let columns = Int(it.a.columns)
    let isStaged = it.flags.contains(.accumulator) && !it.flags.contains(.fullWidth)
    if isStaged { prepare(configuration) }
    var row = Int(it.a.row)
    var done = 0
    while done < columns {
      let count = min(dim, columns - done)
      let destination = dram + Int(it.dram)
      if isStaged {
        leave((destination + done).assumingMemoryBound(to: Int8.self), it.stride, row, rows, count, configuration)
      } else if it.flags.contains(.fullWidth) {
        spadix_copy_rows(destination + 4 * done, it.stride, accumulator + row * dim, 4 * dim, 4 * count, rows)
      } else {
        spadix_copy_rows(destination + done, it.stride, scratchpad + row * dim, dim, count, rows)
      }
      done += dim
      row += dim
    }
  }

  func storeScratchpad(_ it: DecodedCommand, _ configuration: borrowing StoreConfiguration) {
    let destination = scratchpad + Int(it.c.row) * dim
    let pitch = Int(it.cStride) * dim
    if it.flags.contains(.pooled) {
      let pooling = configuration.pooling!
      pool(it, configuration, pooling, destination, rowBytes: pitch)
      return
    }
    let row = Int(it.a.row)
    let columns = Int(it.a.columns)
    if it.flags.contains(.accumulator) {
      prepare(configuration)
      leave(destination, pitch, row, Int(it.a.rows), columns, configuration)
    } else {
      // Source and destination may overlap: rows move one after the other.
      for r in 0..<Int(it.a.rows) {
        UnsafeMutableRawPointer(destination + r * pitch).copyMemory(
          from: scratchpad + (row + r) * dim, byteCount: columns)
      }
    }
  }

  /// Scales the image once, then takes the maximum of each window.
  private func pool(
    _ it: DecodedCommand, _ configuration: borrowing StoreConfiguration, _ pooling: Pooling,
    _ destination: UnsafeMutablePointer<Int8>, rowBytes: Int
  ) {
    let columns = Int(it.a.columns)
    let pixels = pooling.pixelsRead
    if image.count < pixels * dim + 64 { image = [Int8](repeating: 0, count: pixels * dim + 64) }
    prepare(configuration)
    let outside = it.flags.contains(.accumulator) ? configuration.outside : 0
    // The closure cannot capture what is borrowed.
    let configuration = copy configuration
    image.withUnsafeMutableBufferPointer { buffer in
      guard let scaled = buffer.baseAddress else { return }
      if it.flags.contains(.accumulator) {
        leave(scaled, dim, Int(it.a.row), pixels, columns, configuration)
      } else {
        scaled.update(from: scratchpad + Int(it.a.row) * dim, count: pixels * dim)
      }
      for outRow in 0..<pooling.outRows {
        for outCol in 0..<pooling.outCols {
          let out = destination + (outRow * pooling.outDim + outCol) * rowBytes
          bytes.update(repeating: -128, count: columns)
          for windowRow in 0..<pooling.window {
            let row = outRow * pooling.stride + windowRow - pooling.upPad
            for windowCol in 0..<pooling.window {
              let col = outCol * pooling.stride + windowCol - pooling.leftPad
              if row < 0 || col < 0 || row >= pooling.inRows || col >= pooling.inCols {
                for column in 0..<columns where bytes[column] < outside { bytes[column] = outside }
              } else {
                kernels.maximum(bytes, scaled + (row * pooling.inCols + col) * dim, columns)
              }
            }
          }
          out.update(from: bytes, count: columns)
        }
      }
    }
  }
}
