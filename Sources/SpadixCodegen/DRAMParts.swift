import SpadixIR
import SpadixKernel

/// Which tensors are parts of others in DRAM: the operands of a concatenation lie where its result has them, so that their
/// producers have written it and nothing is left to move.
///
/// Each tensor has one place. Of several concatenations that it is an operand of, the last has it; an earlier one that joins
/// some of the same operands is itself a part of the last, as where each layer reads all results before it.
struct DRAMParts: Sendable {
  /// By root: the result that a tensor is a part of, and the byte in it, where that result has no gaps, at which it begins.
  private var parts: [Int: (whole: ValueID, offset: Int)] = [:]
  /// By operator, the operands that the result has already.
  private var inPlace: [Int: Set<Int>] = [:]
  private let buffers: Buffers

  /// No tensor is a part of another.
  init(_ buffers: Buffers) { self.buffers = buffers }

  /// Finds the parts of all concatenations.
  init(_ kernels: PreparedKernels) {
    self.init(kernels.buffers)
    let concatenations = kernels.kernels.indices.compactMap { Concatenation($0, kernels) }
    let tensors = PartCandidates(kernels)
    var byFirstOperand: [ValueID: [Concatenation]] = [:]
    for it in concatenations { byFirstOperand[it.operands[0], default: []].append(it) }
    for it in concatenations.reversed() {
      for (operand, offset) in zip(it.operands, it.offsets) where parts[operand.index] == nil {
        if let offset, tensors.mayBePart(operand) { parts[operand.index] = (it.result, offset) }
      }
      // Operands that several of the earlier concatenations would have to copy to one place.
      var copied: Set<Int> = []
      for (position, operand) in it.operands.enumerated() {
        let earlier = byFirstOperand[operand, default: []].filter {
          $0.step < it.step && parts[$0.result.index] == nil && tensors.mayBePart($0.result)
            && it.contains($0, at: position)
        }
        for other in earlier.sorted(by: { ($0.operands.count, $0.step) > ($1.operands.count, $1.step) }) {
          let run = position..<position + other.operands.count
          let copies = run.filter { parts[it.operands[$0].index]?.whole != it.result }
          if copies.contains(where: copied.contains) { continue }
          copied.formUnion(copies)
          parts[other.result.index] = (it.result, it.offsets[position]!)
          inPlace[it.step, default: []].formUnion(run)
        }
      }
    }
    for it in concatenations {
      for (position, offset) in it.offsets.enumerated() {
        guard let offset, let part = parts[it.operands[position].index] else { continue }
        if resolve(part.whole, part.offset) == resolve(it.result, offset) {
          inPlace[it.step, default: []].insert(position)
        }
      }
    }
  }

  /// Whether a tensor lies in the rows of another.
  func isPart(_ root: ValueID) -> Bool { parts[root.index] != nil }

  /// Whether an operator's result has an operand already.
  func isInPlace(_ input: Int, of step: Int) -> Bool { inPlace[step]?.contains(input) ?? false }

  /// Whether something has been written to an operator's result before the operator runs.
  func hasInPlace(_ step: Int) -> Bool { inPlace[step] != nil }

  /// Where a tensor begins: the buffer that it is in, which is its own where it is no part, and the byte there.
  func start(_ root: ValueID) -> (buffer: ValueID, offset: Int) {
    let place = resolve(root, 0)
    return (place.buffer, place.offset)
  }

  /// How a tensor's pixels lie in DRAM.
  func rows(_ root: ValueID) -> DRAMRows {
    DRAMRows(pixelBytes: buffers.channels(root), pitch: buffers.channels(start(root).buffer))
  }

  private struct Place: Equatable {
    var buffer: ValueID
    var offset: Int
  }

  /// Where the byte of a tensor lies that it would have at `offset` without gaps between its pixels.
  private func resolve(_ root: ValueID, _ offset: Int) -> Place {
    guard let part = parts[root.index] else { return Place(buffer: root, offset: offset) }
    let (pixel, channel) = offset.quotientAndRemainder(dividingBy: buffers.channels(root))
    var place = resolve(part.whole, part.offset)
    place.offset += pixel * buffers.channels(place.buffer) + channel
    return place
  }
}

/// Pixels of a tensor in DRAM, evenly spaced. Kernels see them without gaps; commands know where they are.
struct DRAMRows: Hashable {
  /// Bytes of a pixel.
  var pixelBytes: Int
  /// Bytes from one pixel to the next.
  var pitch: Int

  /// Whether there are gaps between pixels.
  var hasGaps: Bool { pitch != pixelBytes }

  /// Rows of bytes of a tensor without gaps.
  struct Move {
    var operand: TileOperand
    var offset: Int
    var strides: [Int]
    var columns: Int
  }

  /// Whether each row is of a single pixel.
  func hasRows(_ move: Move) -> Bool {
    !hasGaps
      || (move.strides.allSatisfy { $0 % pixelBytes == 0 } && move.offset % pixelBytes + move.columns <= pixelBytes)
  }

  /// Where the byte lies that would be at `offset` without gaps.
  func offset(_ offset: Int) -> Int {
    hasGaps ? offset / pixelBytes * pitch + offset % pixelBytes : offset
  }

  /// Bytes between rows that would be `stride` bytes apart without gaps.
  func stride(_ stride: Int) -> Int {
    if !hasGaps { return stride }
    precondition(stride % pixelBytes == 0, "moves of a part of another tensor take whole pixels as their rows")
    return stride / pixelBytes * pitch
  }
}

/// An operator that joins tensors.
private struct Concatenation {
  let step: Int
  let result: ValueID
  /// Roots.
  let operands: [ValueID]
  /// Where each operand's pixels are, evenly spaced, in the result; nil for one whose pixels are not.
  let offsets: [Int?]
  private let pixels: Int
  private let channels: Int

  init?(_ step: Int, _ kernels: PreparedKernels) {
    let operation = kernels.graph.operations[kernels.operations[step]]
    guard case .npu(.concat) = operation.op, case .copy(let copy) = kernels.kernels[step] else { return nil }
    self.step = step
    result = operation.result
    operands = kernels.inputs[step].map { kernels.buffers.root[$0] }
    offsets = copy.evenlySpacedInputs
    pixels = copy.outputPixels
    channels = copy.outputChannels
  }

  /// Whether the operands from `position` on are those of another, which its result has in the same places.
  func contains(_ other: Concatenation, at position: Int) -> Bool {
    let count = other.operands.count
    guard position + count <= operands.count, operands[position..<position + count].elementsEqual(other.operands),
      other.channels == channels || other.pixels == pixels, let first = offsets[position]
    else { return false }
    return (0..<count).allSatisfy { index in
      guard let here = offsets[position + index], let there = other.offsets[index] else { return false }
      return here - first == there
    }
  }
}

/// Which tensors may lie in the rows of others: all that touch them move bytes of single pixels.
private struct PartCandidates {
  private let kernels: PreparedKernels
  /// By root, whether something needs its bytes without gaps.
  private var isDense: [Bool]

  init(_ kernels: PreparedKernels) {
    self.kernels = kernels
    let (graph, buffers) = (kernels.graph, kernels.buffers)
    isDense = graph.values.indices.map { index in
      let root = buffers.root[index]
      return kernels.border[root] != nil || kernels.halos[root] != nil || !graph.values[root].type.element.isInt8
    }
    for (index, value) in graph.values.enumerated() {
      let root = buffers.root[index]
      if value.type.shape.last != buffers.channels(root) { isDense[root.index] = true }
    }
    for step in kernels.kernels.indices {
      let result = buffers.root[graph.operations[kernels.operations[step]].result]
      for (position, input) in kernels.inputs[step].enumerated() {
        let root = buffers.root[input]
        if !takesPixels(step, of: position, channels: buffers.channels(root)) { isDense[root.index] = true }
      }
      if !writesPixels(step, channels: buffers.channels(result)) { isDense[result.index] = true }
    }
  }

  func mayBePart(_ root: ValueID) -> Bool { !isDense[root.index] }

  private func takesPixels(_ step: Int, of input: Int, channels: Int) -> Bool {
    switch kernels.kernels[step] {
    case .tile(let forms):
      forms.flatMap { [$0.kernel, $0.byRows] }.allSatisfy { $0.takesPixels(of: input, channels: channels) }
    case .copy(let copy):
      copy.blocks.allSatisfy { block in
        guard case .input(input) = block.source else { return true }
        return (block.rows == 1 || block.sourceStride % channels == 0)
          && block.sourceOffset % channels + block.bytes <= channels
      }
    // The host finds rows by their stride.
    case .host, .alias: true
    }
  }

  private func writesPixels(_ step: Int, channels: Int) -> Bool {
    switch kernels.kernels[step] {
    case .tile(let forms): forms.flatMap { [$0.kernel, $0.byRows] }.allSatisfy { $0.channels == channels }
    case .copy(let copy):
      copy.blocks.allSatisfy { block in
        (block.rows == 1 || block.destinationStride % channels == 0)
          && block.destinationOffset % channels + block.bytes <= channels
      }
    case .host, .alias: true
    }
  }
}

extension TileKernel {
  /// Whether every move of an input takes bytes of single pixels of so many channels.
  fileprivate func takesPixels(of input: Int, channels: Int) -> Bool {
    func isOfPixels(_ view: DRAMView) -> Bool {
      [view.offset, view.image, view.row, view.pixel].allSatisfy { $0 % channels == 0 }
    }
    if let contraction {
      if case .activation(input, _) = contraction.weights { return false }
      if contraction.input == input {
        guard isOfPixels(contraction.view), contraction.window.inputChannels <= channels else { return false }
      }
    }
    return identities.allSatisfy { $0.input != input || (isOfPixels($0.view) && self.channels <= channels) }
  }
}
