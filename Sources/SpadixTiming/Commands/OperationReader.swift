import SpadixISA
import SpadixSupport

/// Commands as they pass over the RoCC port, to operations: what the reservation station and the controllers remember
/// of configuration commands, and the fields that they take from the others.
public struct OperationReader: Sendable {
  struct LoadState: Sendable {
    var stride: Int64 = 0
    var isScaled = false
    var isShrunk = false
    var blockStride = 0
    var pixelRepeats = 1
  }

  let hardware: Hardware
  let dim: Int
  var loads = (LoadState(), LoadState(), LoadState())
  var aStride = 1
  var cStride = 1
  var transposesA = false
  var transposesB = false
  var isOutputStationary = false
  var storeStride: Int64 = 0
  var pooling: Pooling?

  public init(_ hardware: Hardware) {
    self.hardware = hardware
    dim = hardware.dim
  }

  @inline(__always)
  func rows(_ address: UInt32, _ count: Int) -> Operation.Rows {
    if address == 0xFFFF_FFFF || count <= 0 { return .none }
    let row = Int32(truncatingIfNeeded: address & 0x03FF_FFFF)
    let start = address >> 31 != 0 ? Operation.accumulatorBase + row : row
    return Operation.Rows(start, start + Int32(min(count, 1 << 20)))
  }

  /// What the command is to the accelerator.
  @inline(__always)
  public mutating func read(_ it: Command, index: Int) -> Operation {
    let command = Int32(truncatingIfNeeded: index)
    let (rs1, rs2) = (it.rs1, it.rs2)
    switch it.funct {
    case Funct.preload:
      var operation = Operation(.preload, command: command)
      let result = UInt32(truncatingIfNeeded: rs2)
      let rows = Int(rs2 >> 48 & 0x7F)
      operation.rows = UInt16(rows)
      operation.writes = self.rows(result, rows * cStride)
      operation.reads = self.rows(UInt32(truncatingIfNeeded: rs1), Int(rs1 >> 48 & 0x7F))
      if result >> 30 == 3 { operation.flags.insert(.accumulates) }
      if transposesA || transposesB { operation.flags.insert(.transposed) }
      if transposesB && !isOutputStationary && !operation.reads.isEmpty { operation.flags.insert(.twoPasses) }
      return operation
    case Funct.computePreloaded, Funct.computeAccumulated:
      var operation = Operation(.compute, command: command)
      let address = UInt32(truncatingIfNeeded: rs1)
      let rows = Int(transposesA ? rs1 >> 32 & 0x7F : rs1 >> 48 & 0x7F)
      operation.rows = UInt16(address == 0xFFFF_FFFF ? 1 : rows)
      operation.reads = self.rows(address, rows * aStride)
      let bias = UInt32(truncatingIfNeeded: rs2)
      if bias != 0xFFFF_FFFF { operation.readsAlso = self.rows(bias, Int(rs2 >> 48 & 0x7F)) }
      if transposesA || transposesB { operation.flags.insert(.transposed) }
      return operation
    case Funct.moveIn: return load(loads.0, rs1, rs2, command)
    case Funct.moveIn2: return load(loads.1, rs1, rs2, command)
    case Funct.moveIn3: return load(loads.2, rs1, rs2, command)
    case Funct.moveOut: return store(rs1, rs2, command)
    case Funct.config: return configure(rs1, rs2, command)
    case Funct.moveOutScratchpad:
      var operation = store(0, rs2, command)
      operation.flags.insert(.onChip)
      let stride = max(1, Int(rs1 >> 32))
      operation.writes = rows(UInt32(truncatingIfNeeded: rs1), Int(operation.rows) * stride)
      return operation
    case Funct.configOutputScales: return scalesLoad(rs1, rs2, command)
    case Funct.configOutputTable: return tableLoad(rs1, command)
    case Funct.fence: return Operation(.fence, command: command)
    default: return Operation(.none, command: command)
    }
  }

  @inline(__always)
  private func load(_ state: LoadState, _ address: UInt64, _ local: UInt64, _ command: Int32) -> Operation {
    var operation = Operation(.load, command: command)
    let target = UInt32(truncatingIfNeeded: local)
    let isAccumulator = target >> 31 != 0
    let isWide = isAccumulator && !state.isShrunk
    // More than hardware takes counts as that: what such a command does there is not defined.
    let rows = max(1, min(Int(local >> 48), dim))
    let columns = max(1, min(Int(local >> 32 & 0xFFFF), isWide ? max(dim, 16) : max(dim, Hardware.requestBytes)))
    let blocks = ceilDivide(columns, dim)
    operation.rows = UInt16(rows)
    operation.bytes = UInt16(isWide ? 4 * columns : columns)
    operation.blocks = UInt16(blocks)
    operation.address = address
    operation.stride = state.stride
    operation.writes = self.rows(target, (blocks - 1) * state.blockStride + rows)
    if state.pixelRepeats > 1 && !isAccumulator {
      operation.writes.start = max(
        operation.writes.start - Int32(state.pixelRepeats - 1),
        Int(operation.writes.start) > hardware.scratchpadRows / 2 ? Int32(hardware.scratchpadRows / 2) : 0)
      operation.pixels = UInt16(state.pixelRepeats)
    }
    if address == 0 {
      operation.flags.insert(.zeros)
    } else if state.stride == 0 {
      operation.flags.insert(.repeated)
    }
    if isWide { operation.flags.insert(.wide) } else if state.isScaled { operation.flags.insert(.scaled) }
    if target >> 30 == 3 { operation.flags.insert(.accumulates) }
    return operation
  }

  /// A load of scales, and of biases behind them, in one row that has no place in local memory.
  private func scalesLoad(_ address: UInt64, _ fields: UInt64, _ command: Int32) -> Operation {
    var operation = Operation(.load, command: command)
    operation.address = address
    operation.rows = 1
    operation.bytes = UInt16(max(1, min(Int(fields & 0xFFFF), dim)) * (fields >> 16 & 1 == 0 ? 4 : 8))
    operation.blocks = 1
    // 32-bit words, which pass by the scaling unit and no bank of the scratchpad.
    operation.flags.insert(.wide)
    operation.writes = Operation.Rows(Operation.accumulatorBase, Operation.accumulatorBase)
    return operation
  }

  /// A load of 256 bytes, of as many as one request brings in each row, that has no place in local memory.
  @inline(never)
  private func tableLoad(_ address: UInt64, _ command: Int32) -> Operation {
    var operation = Operation(.load, command: command)
    operation.address = address
    operation.rows = UInt16(256 / Hardware.requestBytes)
    operation.bytes = UInt16(Hardware.requestBytes)
    operation.stride = Int64(Hardware.requestBytes)
    operation.blocks = UInt16(max(1, Hardware.requestBytes / dim))
    return operation
  }

  @inline(__always)
  private func store(_ address: UInt64, _ local: UInt64, _ command: Int32) -> Operation {
    var operation = Operation(.store, command: command)
    let columns = max(1, min(Int(local >> 32 & 0xFFFF), max(dim, Hardware.requestBytes)))
    let source = UInt32(truncatingIfNeeded: local)
    let blocks = ceilDivide(columns, dim)
    let isWide = source >> 29 & 5 == 5
    operation.address = address
    operation.stride = storeStride
    operation.bytes = UInt16(isWide ? 4 * columns : columns)
    if isWide { operation.flags.insert(.wide) }
    if let pooling {
      operation.rows = UInt16(min(max(1, pooling.outRows * pooling.outCols), 0xFFFF))
      operation.blocks = UInt16(max(1, pooling.window * pooling.window))
      operation.pixels = UInt16(max(1, pooling.outCols))
      operation.pixelPitch = UInt16(max(1, pooling.outCols, pooling.outDim))
      // To the end of the bank that it starts in, and no further.
      let row = Int(source & 0x03FF_FFFF)
      let bank = hardware.accumulatorBankRows
      operation.reads = rows(source, (row / bank + 1) * bank - row)
    } else {
      let rows = max(1, min(Int(local >> 48), dim))
      operation.rows = UInt16(rows)
      operation.blocks = UInt16(blocks)
      operation.reads = self.rows(source, (blocks - 1) * dim + rows)
    }
    return operation
  }

  @inline(never)
  private mutating func configure(_ rs1: UInt64, _ rs2: UInt64, _ command: Int32) -> Operation {
    switch rs1 & 3 {
    case 0:
      aStride = Int(rs1 >> 16 & 0xFFFF)
      cStride = Int(rs2 >> 48)
      if rs1 >> 7 & 1 == 0 {
        isOutputStationary = rs1 >> 2 & 1 == 0
        transposesA = rs1 >> 8 & 1 != 0
        transposesB = rs1 >> 9 & 1 != 0
      }
      return Operation(.configExecute, command: command)
    case 1:
      let state = LoadState(
        stride: Int64(bitPattern: rs2), isScaled: UInt32(rs1 >> 32) != Float(1).bitPattern,
        isShrunk: rs1 >> 2 & 1 != 0, blockStride: Int(rs1 >> 16 & 0xFFFF),
        pixelRepeats: max(1, Int(rs1 >> 8 & 0xFF)))
      switch rs1 >> 3 & 3 {
      case 0: loads.0 = state
      case 1: loads.1 = state
      default: loads.2 = state
      }
      return Operation(.configLoad, command: command)
    case 2:
      storeStride = Int64(rs2 & 0xFFFF_FFFF)
      pooling = Pooling(bits: rs1)
      return Operation(.configStore, command: command)
    default: return Operation(.configStore, command: command)
    }
  }
}
