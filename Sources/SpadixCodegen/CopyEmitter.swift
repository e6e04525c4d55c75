import SpadixISA

/// Emits a copy kernel: loads and stores, without the array.
struct CopyEmitter {
  let kernel: CopyKernel
  let inputs: [OperandLocation]
  let inputIsResident: [Bool]
  let output: OperandLocation
  let outputIsResident: Bool
  /// First row of the bounce buffer.
  let workingRow: Int
  let constantAddress: (ConstantID) -> UInt64
  var writer: CommandWriter

  /// Two buffers, filled and emptied in turn.
  static func workingRows(_ target: Target) -> Int { 2 * columnBlocks(target) * target.dim }

  /// Column blocks that one move takes: as many as it can, fewer where two buffers of them would fill the scratchpad.
  private static func columnBlocks(_ target: Target) -> Int {
    max(1, min(target.maxBlockLength, target.scratchpadRows / (8 * target.dim)))
  }

  mutating func run() {
    for (index, input) in inputs.enumerated() where !inputIsResident[index] { writer.willRead(buffer: input.buffer) }
    if !outputIsResident { writer.willWrite(buffer: output.buffer) }
    var turn = 0
    for block in kernel.blocks {
      if case .input(let index) = block.source, inputIsResident[index] {
        storeResident(block, inputs[index], kernel.inputChannels[index])
      } else if outputIsResident {
        loadResident(block)
      } else {
        bounce(block, &turn)
      }
    }
  }

  private func source(_ block: CopyKernel.Block) -> (address: UInt64, stride: Int) {
    switch block.source {
    case .input(let index): (inputs[index].address + UInt64(block.sourceOffset), block.sourceStride)
    case .fill(let constant): (constantAddress(constant), 0)
    }
  }

  private mutating func bounce(_ block: CopyKernel.Block, _ turn: inout Int) {
    let target = writer.target
    let dim = target.dim
    let source = source(block)
    writer.configureLoad(.pixels, stride: source.stride, blockStride: dim)
    writer.configureStore(ConfigStore(stride: block.destinationStride))
    let width = Self.columnBlocks(target) * dim
    for column in stride(from: 0, to: block.bytes, by: width) {
      let columns = min(width, block.bytes - column)
      for row in stride(from: 0, to: block.rows, by: dim) {
        let rows = min(dim, block.rows - row)
        let buffer = LocalAddress.scratchpad(workingRow + turn * width)
        turn = 1 - turn
        writer.moveIn(
          .pixels, dram: source.address + UInt64(row * source.stride + column), to: buffer, rows: rows,
          columns: columns)
        writer.moveOut(
          dram: output.address + UInt64(block.destinationOffset + row * block.destinationStride + column),
          from: buffer, rows: rows, columns: columns)
      }
    }
  }

  private mutating func storeResident(_ block: CopyKernel.Block, _ input: OperandLocation, _ channels: Int) {
    let dim = writer.target.dim
    let resident = input.resident!
    writer.configureStore(ConfigStore(stride: block.destinationStride))
    let firstPixel = block.sourceOffset / channels
    for column in stride(from: 0, to: channels, by: dim) {
      for row in stride(from: 0, to: block.rows, by: dim) {
        writer.moveOut(
          dram: output.address + UInt64(block.destinationOffset + row * block.destinationStride + column),
          from: .scratchpad(resident.row + column / dim * resident.pixels + firstPixel + row),
          rows: min(dim, block.rows - row), columns: min(dim, channels - column))
      }
    }
  }

  private mutating func loadResident(_ block: CopyKernel.Block) {
    let dim = writer.target.dim
    let resident = output.resident!
    let source = source(block)
    let firstPixel = block.destinationOffset / kernel.outputChannels
    let firstChannel = block.destinationOffset % kernel.outputChannels
    let together = resident.pixels <= Limits.blockStride ? writer.target.maxBlockLength : 1
    writer.configureLoad(.pixels, stride: source.stride, blockStride: together > 1 ? resident.pixels : dim)
    for column in stride(from: 0, to: block.bytes, by: together * dim) {
      for row in stride(from: 0, to: block.rows, by: dim) {
        writer.moveIn(
          .pixels, dram: source.address + UInt64(row * source.stride + column),
          to: .scratchpad(resident.row + (firstChannel + column) / dim * resident.pixels + firstPixel + row),
          rows: min(dim, block.rows - row), columns: min(together * dim, block.bytes - column))
      }
    }
  }
}
