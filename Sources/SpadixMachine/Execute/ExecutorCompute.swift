import CSpadixKernels

extension Executor {
  func compute(_ it: DecodedCommand) {
    if it.flags.contains(.outputStationary) {
      computeOutputStationary(it)
      return
    }
    if it.flags.contains(.loadArray) { loadWeights(it) }
    if it.c.isGarbage { return }
    let rows = Int(it.c.rows)
    let columns = Int(it.c.columns)
    let isPlain =
      it.d.isGarbage && !it.a.isGarbage && it.flags.contains(.accumulator) && !it.flags.contains(.transposeA)
      && Int(it.a.rows) >= rows && Int(it.a.columns) >= weightRows
    if isPlain {
      kernels.tile(
        accumulator + Int(it.c.row) * dim, Int(it.cStride) * dim, scratchpad + Int(it.a.row) * dim,
        Int(it.aStride) * dim, Int32(rows), Int32(columns), Int32(dim), packed,
        it.flags.contains(.accumulate) ? 1 : 0)
      return
    }
    copyOperand(it.a, transposed: it.flags.contains(.transposeA), stride: Int(it.aStride))
    copyBias(it.d)
    kernels.tile(words, dim, bytes, dim, Int32(dim), Int32(dim), Int32(dim), packed, 1)
    writeResult(it, words, shift: 0)
  }

  private func loadWeights(_ it: DecodedCommand) {
    let rows = Int(it.b.rows)
    let columns = Int(it.b.columns)
    if it.b.isGarbage {
      weightRows = 0
      kernels.pack(packed, scratchpad, dim, 0, 0, Int32(dim))
    } else if it.flags.contains(.transposeB) {
      weightRows = rows
      copyOperand(it.b, transposed: true, stride: 1)
      kernels.pack(packed, bytes, dim, Int32(rows), Int32(columns), Int32(dim))
    } else {
      weightRows = rows
      kernels.pack(packed, scratchpad + Int(it.b.row) * dim, dim, Int32(rows), Int32(columns), Int32(dim))
    }
  }

  private func computeOutputStationary(_ it: DecodedCommand) {
    if it.flags.contains(.loadArray) {
      copyBias(it.b)
      sums.update(from: words, count: dim * dim)
    }
    if !it.a.isGarbage && !it.d.isGarbage {
      copyOperand(it.d, transposed: it.flags.contains(.transposeB), stride: 1)
      kernels.pack(packedOnce, bytes, dim, Int32(it.d.rows), Int32(it.d.columns), Int32(dim))
      copyOperand(it.a, transposed: it.flags.contains(.transposeA), stride: Int(it.aStride))
      kernels.tile(sums, dim, bytes, dim, Int32(dim), Int32(dim), Int32(dim), packedOnce, 1)
    }
    if watchesMesh {
      for cell in 0..<dim * dim where sums[cell] >= 1 << 19 || sums[cell] < -(1 << 19) {
        findings.add(
          Finding(
            "machine.mesh-width", Int(it.command),
            "an output-stationary sum leaves the 20 bits of the mesh; hardware saturates it"))
        break
      }
    }
    if !it.c.isGarbage { writeResult(it, sums, shift: Int(it.small)) }
  }

  /// The logical tile, zero-extended to dim x dim, into `bytes`.
  private func copyOperand(_ tile: DecodedCommand.Tile, transposed: Bool, stride: Int) {
    bytes.update(repeating: 0, count: dim * dim)
    if tile.isGarbage { return }
    let source = scratchpad + Int(tile.row) * dim
    let pitch = stride * dim
    for i in 0..<Int(tile.rows) {
      for j in 0..<Int(tile.columns) {
        bytes[i * dim + j] = transposed ? source[j * pitch + i] : source[i * pitch + j]
      }
    }
  }

  /// An int8 tile, widened and zero-extended to dim x dim, into `words`.
  private func copyBias(_ tile: DecodedCommand.Tile) {
    words.update(repeating: 0, count: dim * dim)
    if tile.isGarbage { return }
    let source = scratchpad + Int(tile.row) * dim
    for i in 0..<Int(tile.rows) {
      for j in 0..<Int(tile.columns) { words[i * dim + j] = Int32(source[i * dim + j]) }
    }
  }

  private func writeResult(_ it: DecodedCommand, _ values: UnsafeMutablePointer<Int32>, shift: Int) {
    let columns = Int(it.c.columns)
    for i in 0..<Int(it.c.rows) {
      let row = (Int(it.c.row) + i * Int(it.cStride)) * dim
      if it.flags.contains(.accumulator) {
        // The functional model leaves out the shift here.
        for j in 0..<columns {
          let value = values[i * dim + j]
          accumulator[row + j] = it.flags.contains(.accumulate) ? accumulator[row + j] &+ value : value
        }
      } else {
        for j in 0..<columns {
          let value = Self.saturate(Self.shiftRight(values[i * dim + j], shift))
          scratchpad[row + j] = it.flags.contains(.relu) ? max(value, 0) : value
        }
      }
    }
  }

  /// Shifts right, rounding to nearest, ties to even.
  static func shiftRight(_ value: Int32, _ shift: Int) -> Int32 {
    if shift == 0 { return value }
    let quotient = value >> Int32(shift)
    let remainder = value & ((1 << Int32(shift)) &- 1)
    let half = Int32(truncatingIfNeeded: 1 << (shift - 1))
    let up = remainder > half || (remainder == half && quotient & 1 != 0)
    return up ? quotient &+ 1 : quotient
  }

  static func saturate(_ value: Int32) -> Int8 { Int8(truncatingIfNeeded: min(max(value, -128), 127)) }
}
