import SpadixISA

/// The commands that the unrollers of a convolution give out.
extension LoopConvUnroller {
  private func configLoad(_ state: Int, stride: Int, blockStride: Int, pixels: Int = 1) -> Command {
    Command(
      funct: Funct.config,
      rs1: 1 | UInt64(state) << 3 | UInt64(pixels & 0xFF) << 8 | UInt64(blockStride & 0xFFFF) << 16
        | UInt64(Float(1).bitPattern) << 32,
      rs2: UInt64(truncatingIfNeeded: stride))
  }

  private func move(_ funct: UInt8, _ address: UInt64, _ local: LocalAddress, rows: Int, columns: Int) -> Command {
    Command(funct: funct, rs1: address, rs2: LocalTile(local, rows: max(1, rows), columns: max(1, columns)).bits)
  }

  /// Steps a counter; whether it began again.
  @inline(__always)
  private func step(_ counter: inout Int, _ by: Int, _ end: Int, from start: Int = 0) -> Bool {
    counter += by
    if counter < end { return false }
    counter = start
    return true
  }

  mutating func give(_ source: Source) -> Command {
    switch source {
    case .bias: giveBias(&units[source.rawValue])
    case .weights: giveWeights(&units[source.rawValue])
    case .input: giveInput(&units[source.rawValue])
    case .execute: giveExecute(&units[source.rawValue])
    case .store: giveStore(&units[source.rawValue])
    }
  }

  private func giveBias(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    if unit.isConfiguring {
      unit.isConfiguring = false
      return configLoad(2, stride: 0, blockStride: shape.batches * shape.outRows * shape.outCols)
    }
    let most = min(shape.channels, wideChannels)
    let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let local = loop.accumulatorStart + shape.pixel(batch, row, col, channel)
    let command = move(
      Funct.moveIn3, loop.run.noBias ? 0 : loop.registers.bias &+ UInt64(4 * channel), .accumulator(local),
      rows: min(shape.outCols - col, dim), columns: min(shape.channels - channel, most))
    if step(&unit.at.0, most, shape.channels) && step(&unit.at.1, dim, shape.outCols)
      && step(&unit.at.2, 1, shape.outRows) && step(&unit.at.3, 1, shape.batches)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveWeights(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let kernel = loop.pooling.kernel
    let transposed = loop.run.transposeWeights0132
    if unit.isConfiguring {
      unit.isConfiguring = false
      let stride =
        loop.run.depthwise
        ? 1
        : loop.run.transposeWeights1203
          ? kernel * kernel * loop.sizes.outChannels
          : transposed ? loop.sizes.inChannels : loop.tile.weightStride
      return configLoad(
        1, stride: stride,
        blockStride: shape.kernelRows * shape.kernelCols * (transposed ? shape.channels : shape.kernelChannels))
    }
    let most = min(transposed ? shape.kernelChannels : shape.channels, narrowChannels)
    let (channel, col, row, out) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let offset: Int
    if loop.run.depthwise {
      offset = row * kernel + col
    } else if loop.run.transposeWeights1203 {
      offset = ((channel * kernel + row) * kernel + col) * loop.sizes.outChannels + out
    } else if transposed {
      offset = ((row * kernel + col) * loop.sizes.outChannels + out) * loop.sizes.inChannels + channel
    } else {
      offset = ((row * kernel + col) * loop.sizes.inChannels + channel) * loop.tile.weightStride + out
    }
    let local = loop.place.bEnd - shape.weightRows + shape.weight(out, row, col, channel)
    let command = move(
      Funct.moveIn2, loop.registers.weights &+ UInt64(truncatingIfNeeded: offset), .scratchpad(local),
      rows: transposed ? min(shape.channels - out, dim) : min(shape.kernelChannels - channel, dim),
      columns: transposed ? min(shape.kernelChannels - channel, most) : min(shape.channels - out, most))
    if step(&unit.at.0, transposed ? most : dim, shape.kernelChannels) && step(&unit.at.1, 1, shape.kernelCols)
      && step(&unit.at.2, 1, shape.kernelRows) && step(&unit.at.3, transposed ? dim : most, shape.channels)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveInput(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let transposed = loop.run.transposeInput3120
    let down = loop.run.downsample ? 1 : 0
    if unit.isConfiguring {
      unit.isConfiguring = false
      return configLoad(
        0, stride: (transposed ? loop.sizes.batch : loop.tile.inStride) << down, blockStride: shape.inputStride,
        pixels: shape.pixels)
    }
    let most = min(transposed ? shape.batches : shape.kernelChannels, narrowChannels)
    let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
    let isZero = row < 0 || row >= shape.inRowsUnpadded || col < 0 || col >= shape.inColsUnpadded
    let rows: Int
    if col < 0 {
      rows = min(-col, dim)
    } else if col >= shape.inColsUnpadded {
      rows = min(shape.inColsUnpadded + shape.right - col, dim)
    } else {
      rows = min(shape.inColsUnpadded - col, dim << down)
    }
    let offset =
      transposed
      ? ((channel * loop.padding.inCols * loop.sizes.inRows) + row * loop.padding.inCols + col) * shape.batches + batch
      : ((batch * loop.sizes.inRows + row) * loop.padding.inCols + col) * loop.tile.inStride + channel
    let local = loop.place.aStart + shape.input(batch, channel, row + shape.up, col + shape.left)
    let command = move(
      Funct.moveIn, isZero ? 0 : loop.registers.input &+ UInt64(truncatingIfNeeded: offset), .scratchpad(local),
      rows: rows >> down,
      columns: transposed ? min(shape.batches - batch, most) : min(shape.kernelChannels - channel, most))
    if step(&unit.at.0, transposed ? 1 : most, shape.kernelChannels)
      && step(&unit.at.1, max(1, rows), shape.inColsUnpadded + shape.right, from: -shape.left)
      && step(&unit.at.2, 1 << down, shape.inRowsUnpadded + shape.down, from: -shape.up)
      && step(&unit.at.3, transposed ? most : 1, shape.batches)
    {
      unit.isIdle = true
    }
    return command
  }

  private func giveExecute(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let transposed = loop.run.transposeInput3120
    if unit.isConfiguring {
      unit.isConfiguring = false
      return Command(
        funct: Funct.config, rs1: 1 << 7 | UInt64(shape.inRows * shape.inCols & 0xFFFF) << 16,
        rs2: UInt64(shape.outRows * shape.outCols & 0xFFFF) << 48)
    }
    let (col, row, batch, channel, kernelCol, kernelRow, out) = unit.at
    let depth = min(shape.kernelCols - kernelCol, shape.pixels) * min(shape.kernelChannels - channel, dim)
    let rows =
      transposed ? min(shape.batches - batch, dim) : shape.halved(min(shape.outCols - col, shape.columnReach(dim)))
    let columns = min(shape.channels - out, dim)
    if !unit.isCompute {
      unit.isCompute = true
      let rotated = loop.run.rotate180
      let weights =
        loop.place.bEnd - shape.weightRows
        + shape.weight(
          out, rotated ? shape.kernelRows - 1 - kernelRow : kernelRow,
          rotated ? shape.kernelCols - 1 - kernelCol : kernelCol, channel)
      return Command(
        funct: Funct.preload,
        rs1: LocalTile(unit.hasNewWeights ? .scratchpad(weights) : .garbage, rows: depth, columns: columns).bits,
        rs2: LocalTile(
          .accumulator(loop.accumulatorStart + shape.pixel(batch, row, col, out), accumulate: true), rows: rows,
          columns: columns
        ).bits)
    }
    let operand = shape.input(
      batch, channel, shape.halved(row * shape.stride + kernelRow * shape.dilation),
      shape.halved(col * shape.stride + kernelCol * shape.dilation))
    let command = Command(
      funct: unit.hasNewWeights ? Funct.computePreloaded : Funct.computeAccumulated,
      rs1: LocalTile(.scratchpad(loop.place.aStart + operand), rows: rows, columns: depth).bits,
      rs2: LocalTile.garbage(rows: rows, columns: columns).bits)
    unit.isCompute = false
    unit.hasNewWeights = false
    advance(&unit, shape, transposed)
    // Each position that is left out takes two cycles, one for the preload and one for the compute.
    while !unit.isIdle && shape.skips(unit.at.5, unit.at.4, unit.at.1, unit.at.0) {
      unit.skipped += 2
      advance(&unit, shape, transposed)
    }
    return command
  }

  private func advance(_ unit: inout Unit, _ shape: LoopConvShape, _ transposed: Bool) {
    let columnStep =
      transposed || shape.skips(unit.at.5, unit.at.4, unit.at.1, unit.at.0) ? 1 : shape.columnReach(dim)
    let pixelsEnd =
      step(&unit.at.0, columnStep, shape.outCols) && step(&unit.at.1, 1, shape.outRows)
      && step(&unit.at.2, transposed ? dim : 1, shape.batches)
    if !pixelsEnd { return }
    unit.hasNewWeights = true
    if step(&unit.at.3, dim, shape.kernelChannels) && step(&unit.at.4, shape.pixels, shape.kernelCols)
      && step(&unit.at.5, 1, shape.kernelRows) && step(&unit.at.6, dim, shape.channels)
    {
      unit.isIdle = true
    }
  }

  private func giveStore(_ unit: inout Unit) -> Command {
    let loop = unit.loop
    let shape = loop.shape
    let pooling = loop.pooling
    if unit.isConfiguring || unit.isEnding {
      var rs1: UInt64 = 2 | UInt64(loop.run.activation & 3) << 2
      if unit.isConfiguring {
        rs1 |= UInt64(pooling.poolStride & 3) << 4 | UInt64(pooling.poolSize & 3) << 6
        rs1 |= UInt64(loop.tile.poolUpPad & 3) << 8 | UInt64(loop.padding.poolLeftPad & 3) << 10
        rs1 |= UInt64(pooling.poolOutCols & 0xFF) << 24 | UInt64(pooling.tileRows & 0xFF) << 32
        rs1 |= UInt64(pooling.tileCols & 0xFF) << 40 | UInt64(shape.outRows & 0xFF) << 48
        rs1 |= UInt64(shape.outCols & 0xFF) << 56
      } else {
        unit.isIdle = true
      }
      unit.isConfiguring = false
      return Command(
        funct: Funct.config, rs1: rs1, rs2: UInt64(loop.tile.outStride) | UInt64(Float(1).bitPattern) << 32)
    }
    if loop.run.noPool {
      let (channel, col, row, batch) = (unit.at.0, unit.at.1, unit.at.2, unit.at.3)
      let offset =
        loop.run.transposeOutput1203
        ? ((row * loop.sizes.outCols + col) * loop.sizes.batch + batch) * loop.sizes.outChannels + channel
        : ((batch * loop.sizes.outRows + row) * loop.sizes.outCols + col) * loop.tile.outStride + channel
      let command = move(
        Funct.moveOut, loop.registers.output &+ UInt64(truncatingIfNeeded: offset),
        .accumulator(loop.accumulatorStart + shape.pixel(batch, row, col, channel)),
        rows: min(shape.outCols - col, dim),
        columns: min(shape.channels - channel, dim))
      if step(&unit.at.0, dim, shape.channels) && step(&unit.at.1, dim, shape.outCols)
        && step(&unit.at.2, 1, shape.outRows) && step(&unit.at.3, 1, shape.batches)
      {
        unit.isIdle = true
      }
      return command
    }
    let (channel, batch) = (unit.at.0, unit.at.1)
    let offset = batch * pooling.poolOutCols * loop.sizes.poolOutRows * loop.tile.outStride + channel
    let command = move(
      Funct.moveOut, loop.registers.output &+ UInt64(truncatingIfNeeded: offset),
      .accumulator(loop.accumulatorStart + shape.pixel(batch, 0, 0, channel)), rows: 1,
      columns: min(shape.channels - channel, dim))
    if step(&unit.at.0, dim, shape.channels) && step(&unit.at.1, 1, shape.batches) { unit.isEnding = true }
    return command
  }
}
