import CSpadixKernels
import SpadixISA

/// Executes decoded steps: the only part of the machine that touches data. Addresses have been checked.
final class Executor {
  let dim: Int
  let dram: UnsafeMutableRawPointer
  let scratchpad: UnsafeMutablePointer<Int8>
  let accumulator: UnsafeMutablePointer<Int32>
  private let memory: LocalMemory
  private let backing: Dram
  let kernels: spadix_kernels

  /// The operand in the array, weight-stationary, as the tile kernel wants it.
  let packed: OpaquePointer
  /// An operand packed for one compute.
  let packedOnce: OpaquePointer
  /// The sums in the array, output-stationary, dim x dim.
  let sums: UnsafeMutablePointer<Int32>
  /// A tile of int8 and one of int32 for operands that are transposed or partial.
  let bytes: UnsafeMutablePointer<Int8>
  let words: UnsafeMutablePointer<Int32>
  /// Scales of config_output_scales.
  let channelScales: UnsafeMutablePointer<Float>
  let channelBiases: UnsafeMutablePointer<Int32>
  /// The table of config_output_table.
  let table: UnsafeMutablePointer<Int8>
  let stage: UnsafeMutablePointer<spadix_output_stage>
  /// The image of a pooled store after scaling; grown when a larger one comes.
  var image: [Int8] = []
  var normalization = Normalization()

  /// Depth of the weights in the array: rows below are zeros. Behind a pointer as it is asked for every compute.
  private let depth = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  var weightRows: Int {
    get { depth.pointee }
    set { depth.pointee = newValue }
  }
  /// Finds output-stationary sums that leave the mesh's width.
  let watchesMesh: Bool
  var findings = FindingLog()

  init(_ target: Target, memory: LocalMemory, dram: Dram, kernels: spadix_kernels, watchesMesh: Bool) {
    self.dim = target.dim
    self.memory = memory
    self.backing = dram
    self.dram = dram.base
    self.scratchpad = memory.scratchpad
    self.accumulator = memory.accumulator
    self.kernels = kernels
    self.watchesMesh = watchesMesh
    packed = Self.allocatePacked()
    packedOnce = Self.allocatePacked()
    depth.initialize(to: 0)
    let cells = dim * dim + 128
    sums = .allocate(capacity: cells)
    sums.initialize(repeating: 0, count: cells)
    bytes = .allocate(capacity: cells)
    bytes.initialize(repeating: 0, count: cells)
    words = .allocate(capacity: cells)
    words.initialize(repeating: 0, count: cells)
    channelScales = .allocate(capacity: Target.maximumDim)
    channelScales.initialize(repeating: 1, count: Target.maximumDim)
    channelBiases = .allocate(capacity: Target.maximumDim)
    channelBiases.initialize(repeating: 0, count: Target.maximumDim)
    table = .allocate(capacity: StoreConfiguration.tableEntries)
    table.initialize(repeating: 0, count: StoreConfiguration.tableEntries)
    stage = .allocate(capacity: 1)
    stage.initialize(to: spadix_output_stage())
  }

  deinit {
    UnsafeMutableRawPointer(packed).deallocate()
    UnsafeMutableRawPointer(packedOnce).deallocate()
    depth.deallocate()
    sums.deallocate()
    bytes.deallocate()
    words.deallocate()
    channelScales.deallocate()
    channelBiases.deallocate()
    table.deallocate()
    stage.deallocate()
  }

  private static func allocatePacked() -> OpaquePointer {
    let size = spadix_packed_size()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    return OpaquePointer(memory)
  }

  func execute(_ chunk: borrowing DecodedChunk) {
    let commands = chunk.commands
    chunk.stores.withUnsafeBufferPointer { stores in
      for index in commands.indices {
        switch commands[index].kind {
        case .compute: compute(commands[index])
        case .load: load(commands[index])
        case .store: store(commands[index], stores[Int(commands[index].configuration)])
        case .storeScratchpad: storeScratchpad(commands[index], stores[Int(commands[index].configuration)])
        case .loadScales: loadScales(commands[index])
        case .loadTable:
          UnsafeMutableRawPointer(table).copyMemory(
            from: dram + Int(commands[index].dram), byteCount: StoreConfiguration.tableEntries)
        case .fence: break
        }
      }
    }
  }
}

// MARK: Loads

extension Executor {
  private func loadScales(_ it: DecodedCommand) {
    let bytes = 4 * Int(it.a.columns)
    let source = dram + Int(it.dram)
    UnsafeMutableRawPointer(channelScales).copyMemory(from: source, byteCount: bytes)
    if it.flags.contains(.biases) {
      UnsafeMutableRawPointer(channelBiases).copyMemory(from: source + bytes, byteCount: bytes)
    }
  }

  func load(_ it: DecodedCommand) {
    let rows = Int(it.a.rows)
    let columns = Int(it.a.columns)
    let row = Int(it.a.row)
    if !it.flags.isDisjoint(with: [.accumulate, .shrunk, .scaled, .zero]) || it.small != 1 {
      loadSlow(it)
      return
    }
    let isWide = it.flags.contains(.accumulator)
    let memory = isWide ? UnsafeMutableRawPointer(accumulator) : UnsafeMutableRawPointer(scratchpad)
    let size = isWide ? 4 : 1
    var source = dram + Int(it.dram)
    var block = memory + row * dim * size
    var left = columns
    while left > 0 {
      spadix_copy_rows(block, dim * size, source, it.stride, min(dim, left) * size, rows)
      source += dim * size
      block += Int(it.aStride) * dim * size
      left -= dim
    }
  }

  /// Everything but plain copies, row by row.
  private func loadSlow(_ it: DecodedCommand) {
    let rows = Int(it.a.rows)
    let columns = Int(it.a.columns)
    let pixels = Int(it.small)
    for r in 0..<rows {
      let source = it.flags.contains(.zero) ? nil : UnsafeRawPointer(dram + Int(it.dram) + r * it.stride)
      var done = 0
      var local = Int(it.a.row) + r
      while done < columns {
        let count = min(dim, columns - done)
        if it.flags.contains(.accumulator) {
          let bytes = it.flags.contains(.shrunk) ? done : 4 * done
          for pixel in 0..<pixels where pixel <= local {
            loadAccumulator(it, accumulator + (local - pixel) * dim + pixel * columns, source.map { $0 + bytes }, count)
          }
        } else {
          for pixel in 0..<pixels where pixel <= local {
            loadScratchpad(it, scratchpad + (local - pixel) * dim + pixel * columns, source.map { $0 + done }, count)
          }
        }
        done += dim
        local += Int(it.aStride)
      }
    }
  }

  @inline(__always)
  private func loadScratchpad(
    _ it: DecodedCommand, _ destination: UnsafeMutablePointer<Int8>, _ source: UnsafeRawPointer?, _ count: Int
  ) {
    guard let source else {
      UnsafeMutableRawPointer(destination).initializeMemory(as: Int8.self, repeating: 0, count: count)
      return
    }
    if it.flags.contains(.scaled) {
      kernels.scale(destination, source.assumingMemoryBound(to: Int8.self), count, it.scale)
    } else {
      UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: count)
    }
  }

  @inline(__always)
  private func loadAccumulator(
    _ it: DecodedCommand, _ destination: UnsafeMutablePointer<Int32>, _ source: UnsafeRawPointer?, _ count: Int
  ) {
    let accumulate = it.flags.contains(.accumulate)
    guard let source else {
      if !accumulate { destination.update(repeating: 0, count: count) }
      return
    }
    if it.flags.contains(.shrunk) {
      var values = source.assumingMemoryBound(to: Int8.self)
      if it.flags.contains(.scaled) {
        kernels.scale(bytes, values, count, it.scale)
        values = UnsafePointer(bytes)
      }
      kernels.widen(destination, values, count, accumulate ? 1 : 0)
    } else if accumulate {
      kernels.add(destination, source, count)
    } else {
      UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: 4 * count)
    }
  }
}
