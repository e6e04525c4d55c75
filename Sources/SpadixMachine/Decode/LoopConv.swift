import SpadixISA
import SpadixSupport

/// One hardware convolution while it is expanded (in the order of the functional model).
private struct ConvLoop {
  let run: LoopConvRun
  let dim: Int
  let batches, outRows, outCols, channels: Int
  let kernelRows, kernelCols, kernelChannels: Int
  let stride, dilation, pixels: Int
  /// Padding of the input as loaded: halved when the input is dilated.
  let up, down, left, right: Int
  /// As given: decides which positions of a dilated input are zeros.
  let upPad, leftPad: Int
  let inRowsUnpadded, inColsUnpadded: Int
  let inRows, inCols: Int
  var aStart = 0
  var bStart = 0
  var biasStart = 0
  var resultStart = 0

  init(_ registers: LoopConvRegisters, _ run: LoopConvRun, dim: Int) {
    let padding = registers.padding
    let tile = registers.tile
    self.run = run
    self.dim = dim
    batches = registers.pooling.tileBatches
    outRows = tile.outRows
    outCols = tile.outCols
    channels = registers.pooling.tileChannels
    kernelRows = padding.kernelRows
    kernelCols = padding.kernelCols
    kernelChannels = padding.kernelChannels
    stride = registers.sizes.stride
    // The functional model knows eight bits of this field.
    dilation = tile.kernelDilation & 0xFF
    pixels = max(run.maxPixelsPerRow, 1)
    upPad = padding.upPad
    leftPad = padding.leftPad
    func word(_ value: Int) -> Int { Int(Int16(truncatingIfNeeded: value)) }
    let dilatedRows = word(kernelRows + (dilation - 1) * (kernelRows - 1))
    let dilatedCols = word(kernelCols + (dilation - 1) * (kernelCols - 1))
    let allRows = word(outRows * stride + dilatedRows - 1)
    let allCols = word(outCols * stride + dilatedCols - 1)
    let rows = word(allRows - padding.upPad - padding.downPad)
    let cols = word(allCols - padding.leftPad - padding.rightPad)
    func halved(_ value: Int) -> Int { run.inputDilated ? (value + 1) >> 1 : value }
    (up, down) = (halved(padding.upPad), halved(padding.downPad))
    (left, right) = (halved(padding.leftPad), halved(padding.rightPad))
    inRowsUnpadded = run.inputDilated ? (rows + 1) / 2 : rows
    inColsUnpadded = run.inputDilated ? (cols + 1) / 2 : cols
    inRows = run.inputDilated ? word(inRowsUnpadded + up + down) : allRows
    inCols = run.inputDilated ? word(inColsUnpadded + left + right) : allCols
  }

  /// Downsampling keeps every second row and column of the input.
  func sampled(_ value: Int) -> Int { run.downsample ? value >> 1 : value }
  var pitch: Int { sampled(inCols) }
  /// Rows of one block of channels of one image.
  var plane: Int { sampled(inRows) * sampled(inCols) }
  var weightRows: Int {
    run.transposeWeights0132
      ? ceiling(kernelChannels) * kernelCols * kernelRows * channels
      : ceiling(channels) * kernelCols * kernelRows * kernelChannels
  }
  var inputRows: Int {
    plane * (run.transposeInput3120 ? ceiling(batches) * kernelChannels : ceiling(kernelChannels) * batches)
  }
  func ceiling(_ value: Int) -> Int { ceilDivide(value, dim) }

  func a(_ batch: Int, _ channel: Int, _ row: Int, _ col: Int) -> Int {
    let block =
      run.transposeInput3120
      ? (batch / dim) * kernelChannels + channel : (channel / dim) * batches + batch
    return aStart + block * plane + sampled(row) * pitch + sampled(col)
  }

  func b(_ outChannel: Int, _ row: Int, _ col: Int, _ channel: Int) -> Int {
    let (block, width, inner) =
      run.transposeWeights0132
      ? (channel / dim, channels, outChannel) : (outChannel / dim, kernelChannels, channel)
    return bStart + ((block * kernelRows + row) * kernelCols + col) * width + inner
  }

  /// Accumulator row of a pixel, from the first row of the tile.
  func pixel(_ batch: Int, _ row: Int, _ col: Int, _ channel: Int) -> Int {
    (((channel / dim) * batches + batch) * outRows + row) * outCols + col
  }
}

extension Decoder {
  mutating func run(_ loop: LoopConvCommand, _ chunk: inout DecodedChunk) throws(Finding) {
    if let run = convolution.take(loop) { try expand(run, &chunk) }
  }

  private mutating func expand(_ run: LoopConvRun, _ chunk: inout DecodedChunk) throws(Finding) {
    var loop = ConvLoop(convolution, run, dim: dim)
    guard !run.inputDilated || loop.stride == 1 else {
      throw fault("machine.loop", "loop_conv_ws of a dilated input has stride \(loop.stride); expected 1")
    }
    let sizes = [loop.batches, loop.outRows, loop.outCols, loop.channels, loop.kernelRows, loop.kernelCols]
    if sizes.contains(0) || loop.kernelChannels == 0 {
      report(
        .limits, "machine.shape",
        "loop_conv_ws has \(loop.batches) x \(loop.outRows) x \(loop.outCols) x \(loop.channels) results of "
          + "\(loop.kernelRows) x \(loop.kernelCols) x \(loop.kernelChannels) products; expected at least one of each")
      return
    }
    try checkFits(loop)
    loop.aStart = run.aHalf == 2 ? scratchpadRows / 2 : 0
    loop.bStart = (run.bHalf == 2 ? scratchpadRows : scratchpadRows / 2) - loop.weightRows
    loop.biasStart = convolutionRows.bias
    loop.resultStart = convolutionRows.result
    if loop.aStart < loop.bStart + loop.weightRows && loop.bStart < loop.aStart + loop.inputRows {
      report(
        .limits, "machine.shape",
        "loop_conv_ws puts \(loop.inputRows) rows of its input at row \(loop.aStart), over \(loop.weightRows) rows of "
          + "weights at row \(loop.bStart)")
    }
    if convolution.bias != 0 {
      convolutionRows.bias = (convolutionRows.bias + accumulatorRows / 2) % accumulatorRows
    }
    if convolution.output != 0 {
      convolutionRows.result = (convolutionRows.result + accumulatorRows / 2) % accumulatorRows
    }
    if convolution.bias != 0 { try loadBias(loop, &chunk) }
    if convolution.input != 0 { try loadInput(loop, &chunk) }
    if convolution.weights != 0 { try loadWeights(loop, &chunk) }
    try multiply(loop, &chunk)
    if convolution.output != 0 {
      if run.noPool { try storeTile(loop, &chunk) } else { try storePooled(loop, &chunk) }
    }
  }

  /// Every loop below is bounded by the rows that fit the memories.
  private mutating func checkFits(_ loop: ConvLoop) throws(Finding) {
    func product(_ factors: [Int]) -> Int {
      factors.reduce(1) { result, factor in
        let (value, overflow) = result.multipliedReportingOverflow(by: max(factor, 0))
        return overflow ? Int.max : value
      }
    }
    let results = product([loop.ceiling(loop.channels), loop.batches, loop.outRows, loop.outCols])
    let inputs = product([loop.ceiling(loop.kernelChannels), loop.batches, loop.inRows, loop.inCols])
    let weights = product([loop.ceiling(loop.channels), loop.kernelRows, loop.kernelCols, loop.kernelChannels])
    let steps = product([
      results, loop.kernelRows, loop.kernelCols, loop.ceiling(loop.kernelChannels),
    ])
    let area = product([
      loop.inRowsUnpadded + loop.up + loop.down, loop.inColsUnpadded + loop.left + loop.right,
    ])
    guard results <= accumulatorRows, inputs <= 16 * scratchpadRows, weights <= 16 * scratchpadRows, steps < 1 << 24,
      area <= 1 << 24
    else {
      throw fault(
        "machine.loop",
        "loop_conv_ws of \(loop.batches) x \(loop.outRows) x \(loop.outCols) x \(loop.channels) results does not fit: "
          + "\(results) result rows in an accumulator of \(accumulatorRows), \(weights) weight rows")
    }
    guard loop.weightRows <= scratchpadRows / 2 else {
      throw fault(
        "machine.loop",
        "loop_conv_ws needs \(loop.weightRows) rows of weights; expected at most half the scratchpad, "
          + "\(scratchpadRows / 2)")
    }
  }

  private mutating func loadBias(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    let plane = loop.batches * loop.outRows * loop.outCols
    configure(ConfigLoad(state: 2, stride: 0, blockStride: plane & ConfigLoad.maximumBlockStride))
    let width = min(loop.channels, target.maxBlockLengthAccumulator * dim)
    for batch in 0..<loop.batches {
      for row in 0..<loop.outRows {
        for col in Swift.stride(from: 0, to: loop.outCols, by: dim) {
          for channel in Swift.stride(from: 0, to: loop.channels, by: width) {
            try chunk.makeRoom(store)
            let address = LocalAddress.accumulator(loop.biasStart + loop.pixel(batch, row, col, channel))
            let tile = LocalTile(
              address, rows: min(loop.outCols - col, dim), columns: min(loop.channels - channel, width))
            let dram = loop.run.noBias ? 0 : convolution.bias &+ UInt64(4 * channel)
            try moveIn(loads.2, dram, tile.bits, &chunk)
          }
        }
      }
    }
  }

  private mutating func loadInput(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    let transposed = loop.run.transposeInput3120
    let factor = loop.run.downsample ? 2 : 1
    let width = min(transposed ? loop.batches : loop.kernelChannels, target.maxBlockLength * dim)
    let pitch = transposed ? convolution.sizes.batch : convolution.tile.inStride
    configure(
      ConfigLoad(
        state: 0, stride: pitch * factor,
        blockStride: ((transposed ? loop.kernelChannels : loop.batches) * loop.plane) & ConfigLoad.maximumBlockStride,
        pixelRepeats: loop.pixels))
    let batchStep = transposed ? width : 1
    let channelStep = transposed ? 1 : width
    for batch in Swift.stride(from: 0, to: loop.batches, by: batchStep) {
      for row in Swift.stride(from: -loop.up, to: loop.inRowsUnpadded + loop.down, by: factor) {
        var col = -loop.left
        while col < loop.inColsUnpadded + loop.right {
          var count = min(loop.inColsUnpadded - col, dim * factor)
          if col < 0 {
            count = min(-col, dim)
          } else if col >= loop.inColsUnpadded {
            count = min(loop.inColsUnpadded + loop.right - col, dim)
          }
          let outside = row < 0 || row >= loop.inRowsUnpadded || col < 0 || col >= loop.inColsUnpadded
          for channel in Swift.stride(from: 0, to: loop.kernelChannels, by: channelStep) {
            try chunk.makeRoom(store)
            let local = loop.a(batch, channel, row + loop.up, col + loop.left)
            let columns = min(transposed ? loop.batches - batch : loop.kernelChannels - channel, width)
            let tile = LocalTile(.scratchpad(local), rows: loop.sampled(count), columns: columns)
            let dram = outside ? 0 : inputAddress(loop, batch, row, col, channel)
            try moveIn(loads.0, dram, tile.bits, &chunk)
          }
          col += count
        }
      }
    }
  }

  private func inputAddress(_ loop: ConvLoop, _ batch: Int, _ row: Int, _ col: Int, _ channel: Int) -> UInt64 {
    let sizes = convolution.sizes
    let cols = convolution.padding.inCols
    let offset =
      loop.run.transposeInput3120
      ? ((channel * sizes.inRows + row) * cols + col) &* sizes.batch &+ batch
      : ((batch * sizes.inRows + row) * cols + col) &* convolution.tile.inStride &+ channel
    return convolution.input &+ UInt64(truncatingIfNeeded: offset)
  }

  private mutating func loadWeights(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    let run = loop.run
    let kernel = convolution.pooling.kernel
    let sizes = convolution.sizes
    let transposed = run.transposeWeights0132
    let stride =
      run.depthwise
      ? 1
      : run.transposeWeights1203
        ? kernel * kernel * sizes.outChannels : transposed ? sizes.inChannels : convolution.tile.weightStride
    let area = loop.kernelRows * loop.kernelCols
    configure(
      ConfigLoad(
        state: 1, stride: stride,
        blockStride: (area * (transposed ? loop.channels : loop.kernelChannels)) & ConfigLoad.maximumBlockStride))
    let width = min(transposed ? loop.kernelChannels : loop.channels, target.maxBlockLength * dim)
    let outStep = transposed ? dim : width
    let inStep = transposed ? width : dim
    for out in Swift.stride(from: 0, to: loop.channels, by: outStep) {
      for row in 0..<loop.kernelRows {
        for col in 0..<loop.kernelCols {
          for channel in Swift.stride(from: 0, to: loop.kernelChannels, by: inStep) {
            try chunk.makeRoom(store)
            let rows = min(transposed ? loop.channels - out : loop.kernelChannels - channel, dim)
            let columns = min(transposed ? loop.kernelChannels - channel : loop.channels - out, width)
            var offset = (row * kernel + col) * sizes.inChannels + channel
            offset = offset &* convolution.tile.weightStride &+ out
            if run.depthwise {
              offset = row * kernel + col
            } else if run.transposeWeights1203 {
              offset = ((channel * kernel + row) * kernel + col) &* sizes.outChannels &+ out
            } else if transposed {
              offset = ((row * kernel + col) * sizes.outChannels + out) &* sizes.inChannels &+ channel
            }
            let tile = LocalTile(.scratchpad(loop.b(out, row, col, channel)), rows: rows, columns: columns)
            try moveIn(loads.1, convolution.weights &+ UInt64(truncatingIfNeeded: offset), tile.bits, &chunk)
          }
        }
      }
    }
  }

  private mutating func multiply(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    if loop.run.transposeInput3120 {
      execute.aStride = (loop.inRows * loop.inCols) & 0xFFFF
      execute.cStride = (loop.outRows * loop.outCols) & 0xFFFF
    }
    for out in stride(from: 0, to: loop.channels, by: dim) {
      for row in 0..<loop.kernelRows {
        for col in stride(from: 0, to: loop.kernelCols, by: loop.pixels) {
          for channel in stride(from: 0, to: loop.kernelChannels, by: dim) {
            try multiply(loop, out, row, col, channel, &chunk)
          }
        }
      }
    }
  }

  /// All products with one tile of weights, which stays in the array.
  private mutating func multiply(
    _ loop: ConvLoop, _ out: Int, _ kernelRow: Int, _ kernelCol: Int, _ channel: Int, _ chunk: inout DecodedChunk
  ) throws(Finding) {
    let run = loop.run
    let dilated = run.inputDilated
    let transposed = run.transposeInput3120
    let reach = dilated ? 2 * dim : dim
    let columns = min(loop.channels - out, dim)
    let depth = min(loop.kernelCols - kernelCol, loop.pixels) * min(loop.kernelChannels - channel, dim)
    let weights = loop.b(
      out, run.rotate180 ? loop.kernelRows - kernelRow - 1 : kernelRow,
      run.rotate180 ? loop.kernelCols - kernelCol - 1 : kernelCol, channel)
    func halved(_ value: Int) -> Int { dilated ? (value + 1) >> 1 : value }
    var fresh = true
    for batch in stride(from: 0, to: loop.batches, by: transposed ? dim : 1) {
      for row in 0..<loop.outRows {
        // Between the pixels of a dilated input lie zeros.
        if dilated && (kernelRow * loop.dilation + row - loop.upPad) % 2 != 0 { continue }
        var col = 0
        while col < loop.outCols {
          if dilated && (kernelCol * loop.dilation + col - loop.leftPad) % 2 != 0 {
            col += 1
            continue
          }
          try chunk.makeRoom(store)
          let inRow = halved(row * loop.stride + kernelRow * loop.dilation)
          let inCol = halved(col * loop.stride + kernelCol * loop.dilation)
          let rows = transposed ? min(loop.batches - batch, dim) : halved(min(loop.outCols - col, reach))
          let a = loop.a(batch, channel, inRow, inCol)
          let c = loop.resultStart + loop.pixel(batch, row, col, out)
          preload(
            LocalTile(fresh ? .scratchpad(weights) : .garbage, rows: depth, columns: columns),
            LocalTile(.accumulator(c, accumulate: true), rows: rows, columns: columns))
          try compute(
            fresh, LocalTile(.scratchpad(a), rows: rows, columns: depth), .garbage(rows: rows, columns: columns),
            &chunk)
          col += transposed ? 1 : reach
          fresh = false
        }
      }
    }
  }

  private mutating func storeTile(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    let sizes = convolution.sizes
    for batch in 0..<loop.batches {
      for row in 0..<loop.outRows {
        for col in stride(from: 0, to: loop.outCols, by: dim) {
          for channel in stride(from: 0, to: loop.channels, by: dim) {
            try chunk.makeRoom(store)
            let source = LocalAddress.accumulator(loop.resultStart + loop.pixel(batch, row, col, channel))
            let tile = LocalTile(
              source, rows: min(loop.outCols - col, dim), columns: min(loop.channels - channel, dim))
            let offset =
              loop.run.transposeOutput1203
              ? ((row * sizes.outCols + col) * sizes.batch + batch) &* sizes.outChannels &+ channel
              : ((batch * sizes.outRows + row) * sizes.outCols + col) &* convolution.tile.outStride &+ channel
            try moveOut(convolution.output &+ UInt64(truncatingIfNeeded: offset), tile.bits, &chunk)
          }
        }
      }
    }
  }

  private mutating func storePooled(_ loop: ConvLoop, _ chunk: inout DecodedChunk) throws(Finding) {
    let pooling = convolution.pooling
    let stride = convolution.tile.outStride
    // The functional model takes any activation for relu.
    let activation: ConfigStore.Activation = loop.run.activation == 0 ? .none : .relu
    let scale = store.scale
    let window = Pooling(
      window: pooling.poolSize & 3, stride: pooling.poolStride & 3, upPad: convolution.tile.poolUpPad & 3,
      leftPad: convolution.padding.poolLeftPad & 3, outDim: pooling.poolOutCols & 0xFF,
      outRows: pooling.tileRows & 0xFF, outCols: pooling.tileCols & 0xFF, inRows: loop.outRows & 0xFF,
      inCols: loop.outCols & 0xFF)
    try configure(
      ConfigStore(
        stride: stride, activation: activation, scale: scale, pooling: window.stride == 0 ? nil : window), &chunk)
    let plane = convolution.sizes.poolOutRows * pooling.poolOutCols
    for batch in 0..<loop.batches {
      for channel in Swift.stride(from: 0, to: loop.channels, by: dim) {
        try chunk.makeRoom(store)
        let source = LocalAddress.accumulator(loop.resultStart + loop.pixel(batch, 0, 0, channel))
        let tile = LocalTile(source, rows: 0, columns: min(loop.channels - channel, dim))
        let offset = UInt64(batch * plane) &* UInt64(stride) &+ UInt64(channel)
        try moveOut(convolution.output &+ offset, tile.bits, &chunk)
      }
    }
    try configure(ConfigStore(stride: stride, activation: activation, scale: scale), &chunk)
  }
}
