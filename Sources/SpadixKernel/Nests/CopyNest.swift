import SpadixISA

/// Generates the tile program of a copy kernel: loads and stores, without the array.
public struct CopyNest {
  let kernel: CopyKernel
  let inputIsResident: [Bool]
  let outputIsResident: Bool
  let target: Target

  public init(_ kernel: CopyKernel, inputIsResident: [Bool], outputIsResident: Bool, target: Target) {
    self.kernel = kernel
    self.inputIsResident = inputIsResident
    self.outputIsResident = outputIsResident
    self.target = target
  }

  /// Rows of the slots of the bounce buffer, filled and emptied in turn; 0 where nothing goes through it.
  public var workingRows: Int {
    outputIsResident || kernel.blocks.isEmpty ? 0 : Self.slots(target) * Self.slotRows(target)
  }

  /// While one is filled and one is emptied, a third waits for its rows from memory; two where four would take more than a
  /// quarter of the scratchpad.
  private static func slots(_ target: Target) -> Int {
    16 * slotRows(target) <= target.scratchpadRows ? 4 : 2
  }

  /// Column blocks that one move takes: as many as it can, fewer where two slots of them would fill the scratchpad.
  private static func slotRows(_ target: Target) -> Int {
    max(1, min(target.maxBlockLength, target.scratchpadRows / (8 * target.dim))) * target.dim
  }

  /// Straight into or out of a resident tensor; otherwise through the bounce buffer.
  public func program() -> TileProgram {
    let dim = target.dim
    if kernel.blocks.isEmpty { return TileProgram(summary: "in place") }
    let moved = Set(kernel.blocks.map(\.source))
    var program = TileProgram(
      reads: inputIsResident.indices.filter { !inputIsResident[$0] && moved.contains(.input($0)) },
      writes: !outputIsResident, summary: outputIsResident ? "loads into place" : "through a bounce buffer")
    let (slotRows, slots) = (Self.slotRows(target), Self.slots(target))
    if outputIsResident {
      program.buffers.append(
        .resident(.output, pixels: kernel.outputPixels, channels: kernel.outputChannels, dim: dim))
    } else {
      program.buffers.append(LocalBuffer(name: "bounce", contents: .pixels, rows: slotRows, slots: slots))
    }
    var residents = [BufferID?](repeating: nil, count: inputIsResident.count)
    for index in inputIsResident.indices where inputIsResident[index] {
      residents[index] = BufferID(program.buffers.count)
      program.buffers.append(
        .resident(
          .input(index), pixels: kernel.inputPixels[index], channels: kernel.inputChannels[index], dim: dim))
    }
    var pieces = 0
    for block in kernel.blocks {
      if case .input(let index) = block.source, let resident = residents[index] {
        program.operations += stores(block, of: index, resident)
      } else if outputIsResident {
        program.operations.append(.load(TileLoad(load(block))))
      } else {
        let copy = bounce(block, slot: pieces % slots)
        pieces += copy.pieces(dim: dim, slotRows: slotRows)
        program.operations.append(.copy(copy))
      }
    }
    return program
  }

  private func source(_ block: CopyKernel.Block) -> (operand: TileOperand, offset: Int, stride: Int) {
    switch block.source {
    case .input(let index): (.input(index), block.sourceOffset, block.sourceStride)
    case .fill(let constant): (.constant(constant), 0, 0)
    }
  }

  private func bounce(_ block: CopyKernel.Block, slot: Int) -> TileCopy {
    let source = source(block)
    return TileCopy(
      source.operand, offset: source.offset, stride: source.stride, outputOffset: block.destinationOffset,
      outputStride: block.destinationStride, rows: block.rows, columns: block.bytes,
      local: LocalPlace(BufferID(0), slot: slot))
  }

  /// Straight from a resident input, a block of channels at a time: what a store from the scratchpad can do.
  private func stores(_ block: CopyKernel.Block, of input: Int, _ buffer: BufferID) -> [TileOperation] {
    let dim = target.dim
    let (channels, pixels) = (kernel.inputChannels[input], kernel.inputPixels[input])
    let first = block.sourceOffset / channels
    return stride(from: 0, to: channels, by: dim).map { column in
      .store(
        TileStore(
          Transfer(
            .output, offset: block.destinationOffset + column, rows: block.rows, rowStride: block.destinationStride,
            columns: min(dim, channels - column), local: LocalPlace(buffer, row: column / dim * pixels + first),
            blockStride: pixels)))
    }
  }

  /// Straight into a resident result.
  private func load(_ block: CopyKernel.Block) -> Transfer {
    let source = source(block)
    let (pixel, channel) = block.destinationOffset.quotientAndRemainder(dividingBy: kernel.outputChannels)
    return Transfer(
      source.operand, offset: source.offset, rows: block.rows, rowStride: source.stride, columns: block.bytes,
      local: LocalPlace(BufferID(0), row: channel / target.dim * kernel.outputPixels + pixel),
      blockStride: kernel.outputPixels)
  }
}

/// Whole tensors between DRAM and their rows in the scratchpad.
extension TileProgram {
  /// Brings a tensor into its rows.
  public static func fetch(pixels: Int, channels: Int, dim: Int) -> TileProgram {
    let local = LocalPlace(BufferID(0))
    return TileProgram(
      reads: [0], buffers: [.resident(.input(0), pixels: pixels, channels: channels, dim: dim)],
      operations: [
        .load(
          TileLoad(
            Transfer(
              .input(0), rows: pixels, rowStride: channels, columns: channels, local: local, blockStride: pixels)))
      ])
  }

  /// Writes a tensor out of its rows.
  public static func spill(pixels: Int, channels: Int, dim: Int) -> TileProgram {
    let operations = stride(from: 0, to: channels, by: dim).map { channel in
      TileOperation.store(
        TileStore(
          Transfer(
            .output, offset: channel, rows: pixels, rowStride: channels, columns: min(dim, channels - channel),
            local: LocalPlace(BufferID(0), row: channel / dim * pixels), blockStride: pixels)))
    }
    return TileProgram(
      writes: true, buffers: [.resident(.input(0), pixels: pixels, channels: channels, dim: dim)],
      operations: operations)
  }

  /// An operator that the host evaluates.
  public static let host = TileProgram(operations: [.host])
}
