import SpadixISA

/// Runs of the commands that make up nearly the whole of a program: moves, preloads and computes.
extension Decoder {
  /// Decodes commands of `range` until the chunk is full or a command of another kind comes, and returns the index of the
  /// first one left. Throws the finding of a refused command; its index is `command`.
  mutating func decodeRun(
    _ commands: UnsafeBufferPointer<Command>, _ range: Range<Int>, into chunk: inout DecodedChunk
  ) throws(Finding) -> Int {
    let isPlain = execute.isPlain
    var index = range.lowerBound
    while index < range.upperBound && chunk.hasRoom {
      let it = commands[index]
      command = Int32(truncatingIfNeeded: index)
      switch it.funct {
      case Funct.preload:
        if isPlain && index + 1 < range.upperBound && decodePair(it, commands[index + 1], &chunk) {
          index += 1
        } else {
          preload(LocalTile(bits: it.rs1), LocalTile(bits: it.rs2))
        }
      case Funct.computePreloaded, Funct.computeAccumulated:
        try compute(
          it.funct == Funct.computePreloaded, LocalTile(bits: it.rs1), LocalTile(bits: it.rs2), &chunk)
      case Funct.moveIn: try moveIn(loads.0, it.rs1, it.rs2, &chunk)
      case Funct.moveIn2: try moveIn(loads.1, it.rs1, it.rs2, &chunk)
      case Funct.moveIn3: try moveIn(loads.2, it.rs1, it.rs2, &chunk)
      case Funct.moveOut: try moveOut(it.rs1, it.rs2, &chunk)
      default: return index
      }
      index += 1
    }
    return index
  }

  /// A preload and the compute behind it, when nothing about them can be wrong or worth a remark: A and the weights in
  /// the scratchpad, no bias, the result in the accumulator. Whatever else comes, here or in `execute.isPlain`, is left
  /// to `preload` and `compute`, which would come to the same step.
  @inline(__always)
  private mutating func decodePair(_ first: Command, _ second: Command, _ chunk: inout DecodedChunk) -> Bool {
    let preloaded = second.funct == Funct.computePreloaded
    let keepsArray = second.funct == Funct.computeAccumulated && arrayIsOutputStationary == false
    guard preloaded || keepsArray, preloadCommand < 0 else { return false }
    let (weights, result, a, bias) = (first.rs1, first.rs2, second.rs1, second.rs2)
    guard UInt32(truncatingIfNeeded: bias) == LocalAddress.garbage.bits,
      isSmall(weights) && isSmall(result) && isSmall(a) && isSmall(bias),
      UInt32(truncatingIfNeeded: weights) == LocalAddress.garbage.bits || end(weights, 1) <= scratchpadRows,
      end(a, execute.aStride) <= scratchpadRows,
      result & 0x8000_0000 != 0, end(result & ~0xE000_0000, execute.cStride) <= accumulatorRows
    else { return false }

    var step = DecodedCommand(kind: .compute, command: command &+ 1)
    step.flags = execute.plainFlags
    if preloaded {
      step.flags.insert(.loadArray)
      step.b = DecodedCommand.Tile(weights)
    }
    if result & 0x4000_0000 != 0 { step.flags.insert(.accumulate) }
    step.a = DecodedCommand.Tile(a)
    step.d = DecodedCommand.Tile(bias)
    step.c = DecodedCommand.Tile(result & ~0xE000_0000)
    step.aStride = Int32(truncatingIfNeeded: execute.aStride)
    step.cStride = Int32(truncatingIfNeeded: execute.cStride)
    step.small = UInt8(truncatingIfNeeded: execute.shift)
    chunk.append(step)
    // What a compute without a preload of its own would find.
    preloadWeights = LocalTile(bits: weights)
    preloadResult = LocalTile(bits: result)
    if preloaded { arrayIsOutputStationary = false }
    shortCompute = preloaded && Int(a >> 48) <= Target.shortComputeRows ? command &+ 1 : -1
    return true
  }

  /// Rows and columns are dim at most.
  @inline(__always)
  private func isSmall(_ tile: UInt64) -> Bool { Int(tile >> 48) <= dim && Int(tile >> 32 & 0xFFFF) <= dim }

  /// Behind the tile's last row, or further; an empty tile counts as a row.
  @inline(__always)
  private func end(_ tile: UInt64, _ stride: Int) -> Int {
    Int(tile & 0xFFFF_FFFF) &+ max(Int(tile >> 48), 1) &* stride
  }
}

extension DecodedCommand.Tile {
  /// The operand of a command whose address has no flags; all ones become the row -1, no operand.
  @inline(__always)
  fileprivate init(_ bits: UInt64) {
    self.init(
      row: Int32(truncatingIfNeeded: bits), rows: UInt16(truncatingIfNeeded: bits >> 48),
      columns: UInt16(truncatingIfNeeded: bits >> 32))
  }
}
