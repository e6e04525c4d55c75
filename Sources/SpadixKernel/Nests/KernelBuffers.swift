import SpadixSupport

/// The buffers of a kernel with a tiling, in the order in which they lie in its working block.
struct KernelBuffers {
  private(set) var all: [LocalBuffer] = []
  /// What diagonals of depthwise weights are made with and from.
  private(set) var oneHot: BufferID?
  private(set) var compact: BufferID?
  /// For each class of rows an image row of the zero points that taps outside the image see.
  private(set) var padding: BufferID?
  /// The identity matrix of a sum over a window.
  private(set) var ones: BufferID?
  private(set) var identities: [Identity] = []
  /// Streamed or resident weights.
  private(set) var weights: BufferID?
  /// The input, a window of it or the whole.
  private(set) var input: BufferID?
  /// A resident result.
  private(set) var output: BufferID?
  private(set) var sums = BufferID(0)
  /// In a group: rows of constants that stay, and rows for one strip.
  private(set) var constantRows = 0
  private(set) var stripRows = 0
  /// In a group, the buffers of these, and the one of image rows.
  private(set) var ofStrip: [BufferID] = []
  private(set) var images: BufferID?
  /// Rows of the window from one channel block to the next.
  private(set) var windowPlane = 0
  /// Rows of a slot of it: a part of a ring is one.
  private(set) var windowSlot = 0

  struct Identity {
    /// Whether the array does it; otherwise accumulating moves do.
    var usesArray = false
    /// Matrices per output block: the passes that a multiplier beyond int8 needs.
    var passes = 0
    var matrices: BufferID?
    /// Streamed or resident pixels.
    var addend: BufferID?
  }

  var workingRows: Int { all.reduce(0) { $0 + ($1.isWorking ? $1.totalRows : 0) } }

  init(_ geometry: KernelGeometry, places: KernelPlaces, accumulatorRows: Int, strip: KernelStrip? = nil) {
    let kernel = geometry.kernel
    let dim = geometry.dim
    let blocks = min(geometry.tiling.blocks, geometry.blockCount)
    if let contraction = kernel.contraction {
      switch contraction.weights {
      case .diagonal where strip?.constants == .kept: break
      case .diagonal:
        oneHot = add("one_hot", .weights, dim - 1 + dim * dim)
        if !geometry.tiling.multipliesPadding {
          compact = add("taps", .weights, blocks * contraction.window.taps)
        }
      case .ones: ones = add("ones", .weights, dim)
      case .dense, .activation, .packed, .expanded: break
      }
    }
    addIdentities(geometry, places, blocks, strip)
    if geometry.tiling.multipliesPadding, let bias = kernel.bias {
      let taps = kernel.contraction?.window.taps ?? 0
      padding = add(
        "padding", .weights, ceilDivide(taps, dim) * bias.rowClasses * kernel.columns)
    }
    if let contraction = kernel.contraction {
      if case .activation(let input, let isTransposed) = contraction.weights, places.weightsAreResident {
        let (outputs, channels) = (kernel.channels, contraction.window.inputChannels)
        weights = resident(
          .input(input), pixels: kernel.images * (isTransposed ? outputs : channels),
          channels: isTransposed ? channels : outputs, dim)
      } else if geometry.weightSlotRows > 0 {
        weights = add("weights", .weights, geometry.weightSlotRows, slots: geometry.weightSlots)
      }
      let window = contraction.window
      if strip?.input != nil {
        input = imageRows(strip!)
      } else if places.inputIsResident {
        input = resident(
          contraction.operand, pixels: kernel.images * window.inputRows * window.inputColumns,
          channels: window.inputChannels, dim)
      } else {
        let isFlat = geometry.hasFlatInput
        let parts = geometry.tiling.windowParts
        windowPlane = (isFlat ? 1 : geometry.tiling.windowRows / parts) * geometry.windowPitch
        windowSlot = windowPlane * geometry.mostWindowBlocks
        input = add(
          "window", .pixels, windowSlot,
          slots: isFlat ? geometry.tiling.windowRows : geometry.tiling.windowCopies * parts)
      }
    }
    sums = add("sums", .sums, accumulatorRows / 2, slots: 2)
    if strip?.output != nil {
      output = imageRows(strip!)
    } else if places.outputIsResident {
      output = resident(
        .output, pixels: kernel.images * kernel.store.rows * kernel.store.columns, channels: kernel.channels, dim)
    }
    if let strip { place(strip) }
  }

  private mutating func addIdentities(
    _ geometry: KernelGeometry, _ places: KernelPlaces, _ blocks: Int, _ strip: KernelStrip?
  ) {
    let kernel = geometry.kernel
    let dim = geometry.dim
    let tileRows = geometry.accumulatorPixelsPerTile * blocks
    var shared: Identity?
    for (index, identity) in kernel.identities.enumerated() {
      var buffers = Identity()
      let isInRows = strip?.identities[index] != nil
      let isResident = places.identityIsResident[index] || isInRows
      buffers.usesArray = isResident || !identity.isPlainSum
      if buffers.usesArray {
        buffers.passes = identity.passes
        if geometry.tiling.streamsMatrices {
          if shared == nil {
            let isStreamed = kernel.identities.indices.contains {
              !places.identityIsResident[$0] && strip?.identities[$0] == nil
            }
            buffers.matrices = add("matrices", .weights, dim)
            if isStreamed { buffers.addend = add("addend", .pixels, tileRows) }
            shared = buffers
          }
          buffers.matrices = shared!.matrices
          buffers.addend = shared!.addend
        } else {
          let matrices = buffers.passes * (identity.multipliers.count > 1 ? blocks : 1)
          buffers.matrices = add(index == 0 ? "matrices" : "matrices.\(index)", .weights, matrices * dim)
          if !isResident { buffers.addend = add(index == 0 ? "addend" : "addend.\(index)", .pixels, tileRows) }
        }
        if isInRows {
          buffers.addend = imageRows(strip!)
        } else if isResident {
          buffers.addend = resident(
            .input(identity.input), pixels: kernel.images * kernel.rows * kernel.columns, channels: kernel.channels, dim
          )
        }
      }
      identities.append(buffers)
    }
  }

  private mutating func add(
    _ name: String, _ contents: LocalBuffer.Contents, _ rows: Int, slots: Int = 1
  ) -> BufferID {
    all.append(LocalBuffer(name: name, contents: contents, rows: rows, slots: slots))
    return BufferID(all.count - 1)
  }

  /// The rows of the group, in which image rows lie anywhere.
  private mutating func imageRows(_ strip: KernelStrip) -> BufferID {
    if let images { return images }
    all.append(LocalBuffer(name: "rows", contents: .pixels, rows: strip.groupRows, start: 0, isKept: true))
    images = BufferID(all.count - 1)
    return images!
  }

  /// Constants that stay for all strips lie in their own block of the group, everything else in the block of the strip.
  private mutating func place(_ strip: KernelStrip) {
    var parts = strip.parts[...]
    for index in all.indices where all[index].isWorking && BufferID(index) != images {
      let stays =
        strip.constants != .loaded && all[index].contents == .weights && BufferID(index) != oneHot
        && BufferID(index) != compact
      if stays {
        all[index].start = strip.constantsStart + constantRows
        all[index].isKept = strip.constants == .kept
        constantRows += all[index].totalRows
      } else {
        all[index].start = strip.workingStart + stripRows
        if parts.count >= all[index].slots && all[index].slots > 0 {
          all[index].starts = Array(parts.prefix(all[index].slots))
          all[index].start = all[index].starts[0]
          parts = parts.dropFirst(all[index].slots)
        }
        stripRows += all[index].totalRows
        ofStrip.append(BufferID(index))
      }
    }
  }

  /// The rows of a resident tensor, once for all uses of it.
  private mutating func resident(_ operand: TileOperand, pixels: Int, channels: Int, _ dim: Int) -> BufferID {
    if let known = all.firstIndex(where: { $0.tensor == operand }) { return BufferID(known) }
    all.append(.resident(operand, pixels: pixels, channels: channels, dim: dim))
    return BufferID(all.count - 1)
  }
}

extension LocalBuffer {
  /// The rows of a tensor that is in the scratchpad as a whole.
  public static func resident(_ operand: TileOperand, pixels: Int, channels: Int, dim: Int) -> LocalBuffer {
    LocalBuffer(
      name: operand.name, contents: .pixels, rows: pixels * ceilDivide(channels, dim), tensor: operand)
  }
}

extension TileOperand {
  /// Its name in the text of tile programs: `input.0`, `output`, `constant.3`.
  public var name: String {
    switch self {
    case .input(let index): "input.\(index)"
    case .output: "output"
    case .constant(let constant): "constant.\(constant.index)"
    }
  }
}

extension KernelGeometry {
  /// The most channel blocks of the input that the window holds at once.
  var mostWindowBlocks: Int {
    var most = 0
    if isSliced {
      for chunk in 0..<chunkCount {
        for slice in slices { most = max(most, windowBlocks(chunkBlocks(chunk), in: slice).count) }
      }
      return most
    }
    for first in stride(from: 0, to: chunkCount, by: tiling.chunksPerGroup) {
      let last = min(chunkCount, first + tiling.chunksPerGroup) - 1
      let group = chunkBlocks(first).lowerBound..<chunkBlocks(last).upperBound
      most = max(most, windowBlocks(group, in: slices[0]).count)
    }
    return most
  }
}
