import SpadixISA

extension Decoder {
  @inline(__always)
  mutating func preload(_ weights: LocalTile, _ result: LocalTile) {
    if _slowPath(preloadCommand >= 0) {
      report(
        .configured, "machine.preload", "the preload replaces another, which no compute has used",
        earlier: Int(preloadCommand))
    }
    preloadCommand = command
    preloadWeights = weights
    preloadResult = result
  }

  mutating func compute(
    _ preloaded: Bool, _ a: LocalTile, _ bias: LocalTile, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    if _slowPath(!execute.isSet) {
      report(.configured, "machine.unconfigured", "the array computes before config_ex sets it")
    }
    if _slowPath(preloadCommand < 0) {
      report(.configured, "machine.preload", "no preload stands before the compute; hardware has no result address")
    }
    preloadCommand = -1
    if preloaded {
      arrayIsOutputStationary = execute.outputStationary
    } else if _slowPath(arrayIsOutputStationary != execute.outputStationary) {
      report(.configured, "machine.array", "the array holds no operand of this dataflow; its content has no meaning")
    }
    var step = DecodedCommand(kind: .compute, command: command)
    var flags: DecodedCommand.Flags = preloaded ? .loadArray : []
    if execute.outputStationary { flags.insert(.outputStationary) }
    if execute.transposeA { flags.insert(.transposeA) }
    if execute.transposeB { flags.insert(.transposeB) }
    if execute.relu { flags.insert(.relu) }
    let weightsTransposed = execute.transposeB && !execute.outputStationary
    let topTransposed = execute.transposeB && execute.outputStationary

    step.a = try operand(a, "A", transposed: execute.transposeA, stride: execute.aStride)
    if _slowPath(a.address.isGarbage && a.rows > 0) {
      report(.garbage, "machine.garbage", "A is garbage; the result has no meaning")
    }
    if preloaded {
      step.b = try operand(preloadWeights, "the preload", transposed: weightsTransposed, stride: 1)
    }
    step.d = try operand(bias, execute.outputStationary ? "B" : "D", transposed: topTransposed, stride: 1)

    let result = preloadResult
    if !result.address.isGarbage {
      guard result.rows <= dim, result.columns <= dim else {
        throw fault(
          "machine.shape", "the result has \(result.rows) rows and \(result.columns) columns; expected at most \(dim)")
      }
      let accumulator = result.address.isAccumulator
      let row = Int(result.address.bits & 0x1FFF_FFFF)
      let end = row + max(result.rows - 1, 0) * execute.cStride + 1
      if _slowPath(end > (accumulator ? accumulatorRows : scratchpadRows)) {
        throw localFault("the result", row, end, accumulator: accumulator)
      }
      if accumulator { flags.insert(.accumulator) }
      if accumulator && result.address.accumulates { flags.insert(.accumulate) }
      if _slowPath(accumulator && execute.outputStationary && execute.shift != 0) {
        warn("the functional model writes output-stationary results to the accumulator without the shift")
      }
      step.c = DecodedCommand.Tile(
        row: Int32(truncatingIfNeeded: row), rows: UInt16(truncatingIfNeeded: result.rows),
        columns: UInt16(truncatingIfNeeded: result.columns))
    }
    shortCompute = preloaded && feedsFewRows(step.a, step.d) ? command : -1
    step.flags = flags
    step.aStride = Int32(truncatingIfNeeded: execute.aStride)
    step.cStride = Int32(truncatingIfNeeded: execute.cStride)
    step.small = UInt8(truncatingIfNeeded: execute.shift)
    chunk.append(step)
  }

  /// Whether a weight-stationary compute keeps the array busy for so few cycles that all of it can wait in a queue.
  private func feedsFewRows(_ a: DecodedCommand.Tile, _ d: DecodedCommand.Tile) -> Bool {
    if execute.outputStationary || execute.transposeA || execute.transposeB { return false }
    return (a.isGarbage ? 1 : Int(a.rows)) <= Target.shortComputeRows
      && (d.isGarbage ? 1 : Int(d.rows)) <= Target.shortComputeRows
  }

  /// A tile that the array reads from the scratchpad; rows and columns are logical, beyond dim they do not count.
  @inline(__always)
  mutating func operand(
    _ tile: LocalTile, _ name: StaticString, transposed: Bool, stride: Int
  ) throws(Finding) -> DecodedCommand.Tile {
    if _slowPath(tile.rows > dim || tile.columns > dim) {
      // Hardware takes the bias field of a garbage operand as it comes.
      if !tile.address.isGarbage {
        report(
          .limits, "machine.shape", "\(name) has \(tile.rows) rows and \(tile.columns) columns; expected at most \(dim)"
        )
      }
    }
    let rows = min(tile.rows, dim)
    let columns = min(tile.columns, dim)
    if tile.address.isGarbage {
      return DecodedCommand.Tile(
        row: -1, rows: UInt16(truncatingIfNeeded: rows), columns: UInt16(truncatingIfNeeded: columns))
    }
    if _slowPath(tile.address.bits & 0xE000_0000 != 0) {
      throw fault(
        "machine.operand-address",
        "\(name) is read from \(hexadecimal(UInt64(tile.address.bits))); expected a scratchpad address")
    }
    let row = Int(tile.address.bits)
    let physical = transposed ? columns : rows
    let end = row + max(physical - 1, 0) * stride + 1
    if _slowPath(end > scratchpadRows) {
      throw localFault("\(name)", row, end, accumulator: false)
    }
    return DecodedCommand.Tile(
      row: Int32(truncatingIfNeeded: row), rows: UInt16(truncatingIfNeeded: rows),
      columns: UInt16(truncatingIfNeeded: columns))
  }
}
