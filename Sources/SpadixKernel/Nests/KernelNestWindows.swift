import SpadixISA
import SpadixSupport

/// The input of a contraction: windows of it, and the image rows of a group.
extension KernelNest {
  /// In a group, the image rows of the contraction's input that come from DRAM for this strip.
  ///
  /// Those that a tile needs come some channels at a time: its products begin with the first ones.
  func loadImageRows(_ sink: inout some TileSink) {
    guard let strip, let rows = strip.input, let window else { return }
    let together = max(1, Target.requestBytes / dim) * dim
    func load(_ image: Range<Int>, _ sink: inout some TileSink) {
      if image.isEmpty { return }
      let step = image.count > 1 ? together : window.inputChannels
      for channel in stride(from: 0, to: window.inputChannels, by: step) {
        let channels = channel..<min(window.inputChannels, channel + step)
        for y in image {
          loadRow(
            y, of: input, view, to: rows, in: buffers.input!, columns: window.inputColumns, channels: channels, &sink)
        }
      }
    }
    var next = strip.loads.lowerBound
    for first in stride(from: strip.rows.lowerBound, to: strip.rows.upperBound, by: geometry.tiling.tileRows) {
      let stored = first..<min(strip.rows.upperBound, first + geometry.tiling.tileRows)
      let last = window.inputRow(kernel.accumulatorRows(stored).upperBound - 1, tapRow: window.kernelRows - 1)
      let end = max(next, min(strip.loads.upperBound, last + 1))
      load(next..<end, &sink)
      next = end
    }
    load(next..<max(next, strip.loads.upperBound), &sink)
  }

  /// In a group, the image rows of addends that come from DRAM for this strip.
  func loadAddendRows(_ sink: inout some TileSink) {
    guard let strip else { return }
    for (index, identity) in kernel.identities.enumerated() {
      guard let rows = strip.identities[index] else { continue }
      for y in strip.identityLoads[index] {
        loadRow(
          y, of: .input(identity.input), identity.view, to: rows, in: buffers.identities[index].addend!,
          columns: kernel.columns, channels: 0..<kernel.channels, &sink)
      }
    }
  }

  private func loadRow(
    _ y: Int, of input: TileOperand, _ view: TileKernel.DRAMView, to rows: ImageRows, in buffer: BufferID,
    columns: Int, channels: Range<Int>, _ sink: inout some TileSink
  ) {
    sink.append(
      .load(
        TileLoad(
          Transfer(
            input, offset: view.offset + y * view.row + channels.lowerBound, rows: columns, rowStride: view.pixel,
            columns: channels.count,
            local: LocalPlace(buffer, row: rows.start(of: y) + channels.lowerBound / dim * columns),
            blockStride: columns))))
  }

  /// In a group, image rows of the result that come back from DRAM.
  func spill(_ sink: inout some TileSink) {
    guard let strip, let rows = strip.output else { return }
    for y in strip.spills {
      for block in 0..<geometry.blockCount {
        sink.append(
          .store(
            TileStore(
              Transfer(
                .output, offset: y * output.columns * output.channels + block * dim, rows: output.columns,
                rowStride: output.channels, columns: min(dim, output.channels - block * dim),
                local: LocalPlace(buffers.output!, row: rows.start(of: y) + block * output.columns),
                blockStride: output.columns))))
      }
    }
  }

  func loadWindow(
    _ tile: OutputTile, _ slice: ContractionSlice, _ blocks: Range<Int>, _ state: inout State,
    _ sink: inout some TileSink
  ) {
    let region = geometry.inputRegion(tile, slice)
    var missing = region.rows
    if let held = state.window, held.image == tile.image, held.blocks == blocks, held.columns == region.columns,
      region.rows.lowerBound >= held.rows.lowerBound, region.rows.lowerBound <= held.rows.upperBound
    {
      missing = max(held.rows.upperBound, region.rows.lowerBound)..<max(held.rows.upperBound, region.rows.upperBound)
      let end = max(held.rows.upperBound, region.rows.upperBound)
      state.window!.rows = max(held.rows.lowerBound, end - geometry.tiling.windowRows)..<end
    } else {
      state.window = Window(image: tile.image, blocks: blocks, columns: region.columns, rows: region.rows)
    }
    if missing.isEmpty || region.columns.isEmpty || blocks.isEmpty { return }
    if geometry.hasFlatInput { state.windowSlot = (state.windowSlot + 1) % geometry.tiling.windowRows }
    func load(_ columns: Range<Int>, slot: Int) {
      sink.append(
        .load(
          TileLoad(
            Transfer(
              input,
              offset: view.offset + tile.image * view.image + missing.lowerBound * view.row
                + columns.lowerBound * view.pixel + blocks.lowerBound * dim,
              rows: columns.count, rowStride: view.pixel, lines: missing.count, lineStride: view.row,
              columns: min(window!.inputChannels, blocks.upperBound * dim) - blocks.lowerBound * dim,
              local: LocalPlace(buffers.input!, slot: slot, row: columns.lowerBound - region.columns.lowerBound),
              blockStride: buffers.windowPlane, linePitch: geometry.windowPitch,
              firstLine: missing.lowerBound + geometry.ringShift,
              ring: geometry.hasFlatInput ? 1 : geometry.tiling.windowRows, partLines: geometry.partLines,
              partStride: geometry.partLines > 0 ? buffers.windowSlot : 0))))
    }
    if geometry.tiling.windowCopies == 1 {
      load(region.columns, slot: max(0, state.windowSlot))
      return
    }
    for copy in 0..<geometry.tiling.windowCopies {
      let columns = geometry.columns(ofCopy: copy)
      if columns.isEmpty { continue }
      if window!.isStrided {
        gather(missing, columns, copy, image: tile.image, blocks, &sink)
      } else {
        load(columns, slot: copy)
      }
    }
  }

  /// Loads what some output columns see of image rows through a column of taps.
  private func gather(
    _ rows: Range<Int>, _ columns: Range<Int>, _ tapColumn: Int, image: Int, _ blocks: Range<Int>,
    _ sink: inout some TileSink
  ) {
    let window = window!
    let channels = min(window.inputChannels, blocks.upperBound * dim) - blocks.lowerBound * dim
    for first in rows.prefix(window.strideRows) {
      sink.append(
        .load(
          TileLoad(
            Transfer(
              input,
              offset: view.offset + image * view.image + first * view.row
                + window.inputColumn(columns.lowerBound, tapColumn: tapColumn) * view.pixel + blocks.lowerBound * dim,
              rows: columns.count, rowStride: window.strideColumns * view.pixel,
              lines: ceilDivide(rows.upperBound - first, window.strideRows), lineStride: window.strideRows * view.row,
              columns: channels, local: LocalPlace(buffers.input!, slot: tapColumn, row: columns.lowerBound),
              blockStride: buffers.windowPlane, linePitch: geometry.windowPitch, firstLine: window.gatheredRow(first),
              ring: geometry.tiling.windowRows))))
    }
  }

  /// The columns of copies of the window that stay zeros.
  func zeroEdges(_ sink: inout some TileSink) {
    if geometry.tiling.windowCopies == 1 { return }
    let lines = geometry.mostWindowBlocks * geometry.tiling.windowRows
    for copy in 0..<geometry.tiling.windowCopies {
      let read = geometry.columns(ofCopy: copy)
      if read.isEmpty { continue }
      for columns in [0..<read.lowerBound, read.upperBound..<geometry.windowPitch] where !columns.isEmpty {
        sink.append(
          .zero(
            TileZero(
              LocalPlace(buffers.input!, slot: copy, row: columns.lowerBound), rows: columns.count, lines: lines,
              linePitch: geometry.windowPitch)))
      }
    }
  }
}
