/// Where a kernel's tiles, weights and constants lie in its working block of the scratchpad, in rows from its start.
struct KernelLayout: Sendable {
  /// Rows with a single one each, apart by `dim - 1` rows of zeros: a window of `dim` rows ending `dim - 1 - c` rows after
  /// row c's one is the matrix with a single one at (c, c).
  var oneHot = 0
  /// The compact taps that diagonals are made from.
  var taps = 0
  /// The identity matrix of a sum over a window.
  var ones = 0
  /// Per identity term: its diagonal matrices and, when it streams, its pixels.
  var identities: [IdentityLayout] = []
  var weights = 0
  var weightSlotRows = 0
  var window = 0
  /// Rows of one channel block of the window.
  var windowPlane = 0
  var totalRows = 0

  struct IdentityLayout: Sendable {
    /// Whether the array does it; otherwise accumulating moves do.
    var usesArray = false
    var matrices = 0
    /// Matrices per output block: the passes that a multiplier beyond int8 needs.
    var passes = 0
    var addend = 0
  }

  init(_ geometry: KernelGeometry, places: KernelPlaces) {
    let kernel = geometry.kernel
    let dim = geometry.dim
    let blocks = min(geometry.tiling.blocks, geometry.blockCount)
    var next = 0
    func take(_ rows: Int) -> Int {
      defer { next += rows }
      return next
    }
    if let contraction = kernel.contraction {
      switch contraction.weights {
      case .diagonal:
        oneHot = take(dim - 1 + dim * dim)
        taps = take(blocks * contraction.taps)
      case .ones: ones = take(dim)
      case .dense, .activation, .packed: break
      }
    }
    var shared: IdentityLayout?
    for (index, identity) in kernel.identities.enumerated() {
      var layout = IdentityLayout()
      layout.usesArray = places.identityIsResident[index] || !identity.isPlainSum
      if layout.usesArray {
        layout.passes = Self.passes(identity.multipliers)
        if geometry.tiling.streamsMatrices {
          layout.matrices = shared?.matrices ?? take(dim)
          let isStreamed = kernel.identities.indices.contains { !places.identityIsResident[$0] }
          layout.addend = shared?.addend ?? take(isStreamed ? geometry.accumulatorPixelsPerTile * blocks : 0)
          shared = shared ?? layout
        } else {
          layout.matrices = take(layout.passes * dim * (identity.multipliers.count > 1 ? blocks : 1))
          if !places.identityIsResident[index] { layout.addend = take(geometry.accumulatorPixelsPerTile * blocks) }
        }
      }
      identities.append(layout)
    }
    if kernel.contraction != nil {
      if !places.weightsAreResident {
        weightSlotRows = geometry.weightSlotRows
        weights = take(geometry.weightSlots * weightSlotRows)
      }
      if !places.inputIsResident {
        windowPlane = geometry.tiling.windowRows * geometry.windowPitch
        var widest = 0
        if geometry.isSliced {
          for chunk in 0..<geometry.chunkCount {
            for slice in geometry.slices {
              widest = max(widest, geometry.windowBlocks(geometry.chunkBlocks(chunk), in: slice).count)
            }
          }
        } else {
          for first in stride(from: 0, to: geometry.chunkCount, by: geometry.tiling.chunksPerGroup) {
            let last = min(geometry.chunkCount, first + geometry.tiling.chunksPerGroup) - 1
            let group = geometry.chunkBlocks(first).lowerBound..<geometry.chunkBlocks(last).upperBound
            widest = max(widest, geometry.windowBlocks(group, in: geometry.slices[0]).count)
          }
        }
        window = take(windowPlane * widest)
      }
    }
    totalRows = next
  }

  /// Identity matrices that add up to the largest multiplier, each entry an int8.
  static func passes(_ multipliers: [Int]) -> Int {
    max(1, multipliers.map { (abs($0) + 126) / 127 }.max() ?? 1)
  }

  /// The share of a multiplier in one of several passes; the shares add up to it.
  static func share(_ multiplier: Int, pass: Int, of passes: Int) -> Int {
    let base = multiplier / passes
    let rest = multiplier - base * passes
    return base + (pass < abs(rest) ? rest.signum() : 0)
  }
}

/// Which of a kernel's operands and results are in the scratchpad as a whole.
struct KernelPlaces: Sendable, Hashable {
  var inputIsResident = false
  var weightsAreResident = false
  var identityIsResident: [Bool] = []
  var outputIsResident = false

  init() {}

  /// - Parameter inputs: per input of the operator, whether the tensor is in the scratchpad.
  init(_ kernel: TileKernel, inputs: [Bool], output: Bool) {
    if let contraction = kernel.contraction {
      inputIsResident = inputs[contraction.input]
      if case .activation(let input, _) = contraction.weights { weightsAreResident = inputs[input] }
    }
    identityIsResident = kernel.identities.map { inputs[$0.input] }
    outputIsResident = output
  }
}

extension TileForm {
  /// Whether the form is for operands in these places.
  func serves(_ inputs: [Bool]) -> Bool {
    guard let contraction = kernel.contraction else { return true }
    switch input {
    case .any: return true
    case .resident: return inputs[contraction.input]
    case .streamed: return !inputs[contraction.input]
    }
  }
}
