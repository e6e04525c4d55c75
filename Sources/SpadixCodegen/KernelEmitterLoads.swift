import SpadixISA

/// Loads of weights and input windows.
extension KernelEmitter {
  mutating func loadWeights(_ blocks: Range<Int>, _ slice: ContractionSlice, slot: Int, image: Int) {
    let contraction = kernel.contraction!
    let row = layout.weights + slot * layout.weightSlotRows
    switch contraction.weights {
    case .ones: break
    case .dense(let constant):
      loadMatrixColumns(
        start: constantAddress(constant), contraction.inputChannels, kernel.channels, blocks, slice, to: row)
    case .activation(let input, let transposed):
      let matrix = contraction.inputChannels * kernel.channels
      let start = inputs[input].address + UInt64(image * matrix)
      if transposed {
        loadTransposed(start: start, blocks, slice, to: row)
      } else {
        loadMatrixColumns(start: start, contraction.inputChannels, kernel.channels, blocks, slice, to: row)
      }
    case .packed(let packed): loadPacked(packed, blocks, slice, to: row)
    case .diagonal(let constant): expandDiagonals(constant, blocks, slice, to: row)
    }
  }

  /// Loads columns of a row-major matrix [taps * channels, outputs]; each block of outputs becomes consecutive rows.
  mutating func loadMatrixColumns(
    start: UInt64, _ channels: Int, _ outputs: Int, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let contracted = geometry.contractedChannels(blocks.lowerBound, slice)
    let blockRows = slice.taps.count * contracted
    // Rows of all taps follow one another in the matrix unless the slice leaves channels out.
    let pieces: [(matrixRow: Int, row: Int, count: Int)] =
      contracted == channels
      ? [(slice.taps.lowerBound * channels, 0, blockRows)]
      : slice.taps.map {
        ($0 * channels + inputBlocks.lowerBound * dim, ($0 - slice.taps.lowerBound) * contracted, contracted)
      }
    let together = blocksTogether(stride: blockRows)
    writer.configureLoad(.weights, stride: outputs, blockStride: together > 1 ? blockRows : dim)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      let columns = min(outputs, last * dim) - first * dim
      for piece in pieces {
        for done in stride(from: 0, to: piece.count, by: dim) {
          writer.moveIn(
            .weights, dram: start + UInt64((piece.matrixRow + done) * outputs + first * dim),
            to: scratchpad(row + (first - blocks.lowerBound) * blockRows + piece.row + done),
            rows: min(dim, piece.count - done), columns: columns)
        }
      }
    }
  }

  /// Loads rows of a row-major matrix [outputs, channels] as they are; the array transposes them.
  mutating func loadTransposed(
    start: UInt64, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let channels = kernel.contraction!.inputChannels
    let inputBlocks = geometry.inputBlocks(of: blocks.lowerBound, in: slice)
    let firstOutput = blocks.lowerBound * dim
    let outputs = min(kernel.channels, blocks.upperBound * dim) - firstOutput
    let together = blocksTogether(stride: outputs)
    writer.configureLoad(.weights, stride: channels, blockStride: together > 1 ? outputs : dim)
    for first in stride(from: inputBlocks.lowerBound, to: inputBlocks.upperBound, by: together) {
      let last = min(inputBlocks.upperBound, first + together)
      for done in stride(from: 0, to: outputs, by: dim) {
        writer.moveIn(
          .weights, dram: start + UInt64((firstOutput + done) * channels + first * dim),
          to: scratchpad(row + (first - inputBlocks.lowerBound) * outputs + done), rows: min(dim, outputs - done),
          columns: min(channels, last * dim) - first * dim)
      }
    }
  }

  mutating func loadPacked(
    _ packed: PackedWeights, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    writer.configureLoad(.weights, stride: dim, blockStride: dim)
    var next = row
    for block in blocks {
      let all = packed.channelCount[block]
      let first = geometry.inputBlocks(of: block, in: slice).lowerBound * dim - packed.firstChannel[block]
      let contracted = geometry.contractedChannels(block, slice)
      for tap in slice.taps {
        let matrixRow = tap * all + first
        for done in stride(from: 0, to: contracted, by: dim) {
          writer.moveIn(
            .weights,
            dram: constantAddress(packed.constant) + UInt64(packed.offset[block] + (matrixRow + done) * dim),
            to: scratchpad(next + done), rows: min(dim, contracted - done), columns: geometry.channels(of: block))
        }
        next += contracted
      }
    }
  }

  /// Makes the diagonal matrices of depthwise weights from compact taps: the taps times a matrix with a single one at
  /// (c, c) is column c of every tap's diagonal, and a result stride of `dim` puts it into place.
  mutating func expandDiagonals(
    _ constant: ConstantID, _ blocks: Range<Int>, _ slice: ContractionSlice, to row: Int
  ) {
    let taps = slice.taps.count
    let together = blocksTogether(stride: taps)
    writer.configureLoad(.weights, stride: kernel.channels, blockStride: together > 1 ? taps : dim)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      for done in stride(from: 0, to: taps, by: dim) {
        writer.moveIn(
          .weights,
          dram: constantAddress(constant) + UInt64((slice.taps.lowerBound + done) * kernel.channels + first * dim),
          to: scratchpad(layout.taps + (first - blocks.lowerBound) * taps + done), rows: min(dim, taps - done),
          columns: min(kernel.channels, last * dim) - first * dim)
      }
    }
    // The taps of all blocks follow one another, and so do their diagonals: a one-hot matrix serves them all at once.
    writer.configureExecute(sourceStride: 1, resultStride: dim)
    let widest = geometry.channels(of: blocks.lowerBound)
    let narrowest = geometry.channels(of: blocks.upperBound - 1)
    for channel in 0..<widest {
      let rows = taps * (channel < narrowest ? blocks.count : blocks.count - 1)
      for done in stride(from: 0, to: rows, by: dim) {
        writer.compute(
          weights: done == 0 ? scratchpad(layout.oneHot + dim - 1 + channel * dim - channel) : nil, weightRows: widest,
          source: scratchpad(layout.taps + done), result: scratchpad(row + done * dim + channel),
          rows: min(dim, rows - done), columns: widest)
      }
    }
  }

  mutating func loadWindow(image: Int, rows: Range<Int>, columns: Range<Int>, blocks: Range<Int>) {
    let contraction = kernel.contraction!
    let view = contraction.view
    let plane = PlaneLayout(
      pitch: geometry.windowPitch, ring: geometry.tiling.windowRows, firstColumn: columns.lowerBound)
    let together = blocksTogether(stride: layout.windowPlane)
    writer.configureLoad(.pixels, stride: view.pixel, blockStride: together > 1 ? layout.windowPlane : dim)
    let start = inputs[contraction.input].address + UInt64(view.offset + image * view.image)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: together) {
      let last = min(blocks.upperBound, first + together)
      let channels = min(contraction.inputChannels, last * dim) - first * dim
      let window = layout.window + (first - blocks.lowerBound) * layout.windowPlane
      for span in pixelSpans(rows, columns, plane, view) {
        for done in stride(from: 0, to: span.count, by: dim) {
          writer.moveIn(
            .pixels, dram: start + UInt64(span.offset + done * view.pixel + first * dim),
            to: scratchpad(window + span.row + done), rows: min(dim, span.count - done), columns: channels)
        }
      }
    }
  }

  /// Spans of pixels that are evenly spaced in DRAM and follow one another in a plane.
  func pixelSpans(
    _ rows: Range<Int>, _ columns: Range<Int>, _ plane: PlaneLayout, _ view: TileKernel.DRAMView
  ) -> [(offset: Int, row: Int, count: Int)] {
    var spans: [(offset: Int, row: Int, count: Int)] = []
    for y in rows {
      let offset = y * view.row + columns.lowerBound * view.pixel
      let row = plane.row(y, columns.lowerBound)
      if let last = spans.last, last.row + last.count == row, last.offset + last.count * view.pixel == offset {
        spans[spans.count - 1].count += columns.count
      } else {
        spans.append((offset, row, columns.count))
      }
    }
    return spans
  }
}
