import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Convolutions as tile kernels.
extension KernelLowering {
  mutating func convolution(_ conv: NpuConv2D, _ operation: Operation, _ name: String) throws -> [TileForm] {
    let roles = ConvolutionOperands(count: operation.operands.count, residual: conv.residual)
    let input = shape(operation.operands[0])
    let weights = try constant(operation.operands[1], "weights", operation)
    let kernelSize = weights.type.shape
    let outputs = kernelSize[3]
    let window = Window2D(
      size: Array(kernelSize[0..<2]), strides: conv.strides, padding: conv.padding, dilations: conv.dilations)
    let size = window.outputSize(of: Array(input[1..<3]))
    var contraction = TileKernel.Contraction(
      operand: .input(0),
      window: InputWindow(
        inputRows: input[1], inputColumns: input[2], inputChannels: input[3], kernelRows: kernelSize[0],
        kernelColumns: kernelSize[1], strideRows: conv.strides[0], strideColumns: conv.strides[1],
        dilationRows: conv.dilations[0], dilationColumns: conv.dilations[1], paddingTop: conv.padding[0],
        paddingLeft: conv.padding[1]),
      weights: pack(weights, groups: conv.groups, channels: input[3], name),
      view: contiguous(input))
    let values = weights.int8s
    let bias = try roles.bias.map { try constant(operation.operands[$0], "bias", operation).int32s }
    let halo = halos[operation.operands[0]]
    let start = Self.bias(
      bias, outputs: outputs, rows: size[0], columns: size[1], contraction: contraction,
      inputZeroPoint: conv.inputZeroPoint, columnsArePadded: halo != nil,
      tapSums: Self.tapSums(values, taps: window.size[0] * window.size[1], outputs: outputs),
      extra: { conv.residual ? -Self.multiplier(conv.residualMultipliers, $0) &* conv.residualZeroPoint : 0 })
    var kernel = TileKernel(
      images: input[0], rows: size[0], columns: size[1], channels: outputs, contraction: contraction,
      identities: [], bias: nil, store: store(conv.output, rows: size[0], columns: size[1], name))
    if let pooling = conv.pooling { addPooling(pooling, to: &kernel) }
    if conv.residual {
      kernel.identities = [
        TileKernel.Identity(
          input: 1, multipliers: conv.residualMultipliers.map(Int.init),
          view: contiguous([input[0], size[0], size[1], outputs]))
      ]
    }
    begin(&kernel, from: start, name)
    if let halo {
      return PackedRows(contraction.window, outputColumns: size[1], dim: dim).pixels.map { pixels in
        var packed = kernel
        packed.contraction = packedRows(contraction, halo: halo, outputColumns: size[1], pixels: pixels)
        return TileForm(kernel: packed, input: .streamed)
      }
    }
    let isPointwise = kernelSize[0] == 1 && kernelSize[1] == 1 && conv.padding == [0, 0, 0, 0]
    if isPointwise && conv.strides == [1, 1] && conv.pooling == nil {
      return [TileForm(kernel: flattened(kernel), input: .any, image: kernel)]
    }
    if isPointwise && conv.strides != [1, 1] {
      var streamed = kernel
      contraction.window.inputRows = size[0]
      contraction.window.inputColumns = size[1]
      contraction.window.strideRows = 1
      contraction.window.strideColumns = 1
      contraction.view.row *= conv.strides[0]
      contraction.view.pixel *= conv.strides[1]
      streamed.contraction = contraction
      return [TileForm(kernel: kernel, input: .resident), TileForm(kernel: streamed, input: .streamed)]
    }
    return [kernel, expanded(kernel)].compactMap { $0 }.map { TileForm(kernel: $0, input: .any) }
  }

  /// A depthwise kernel whose diagonal matrices are loaded.
  ///
  /// On targets that store to DRAM only, the memory has all activations to move already.
  private func expanded(_ kernel: TileKernel) -> TileKernel? {
    guard target.hasScratchpadStore, case .diagonal(let taps) = kernel.contraction?.weights else { return nil }
    var expanded = kernel
    expanded.contraction!.weights = .expanded(taps)
    return expanded
  }

  /// A kernel without borders as one long row of pixels, so that tiles need not end with an image row.
  func flattened(_ kernel: TileKernel) -> TileKernel {
    var flat = kernel
    let pixels = kernel.images * kernel.rows * kernel.columns
    func flatten(_ view: TileKernel.DRAMView) -> TileKernel.DRAMView {
      TileKernel.DRAMView(offset: view.offset, image: 0, row: 0, pixel: view.pixel)
    }
    flat.images = 1
    flat.rows = 1
    flat.columns = pixels
    flat.store.rows = 1
    flat.store.columns = pixels
    flat.contraction?.window.inputRows = 1
    flat.contraction?.window.inputColumns = pixels
    if let view = flat.contraction?.view { flat.contraction?.view = flatten(view) }
    flat.identities = flat.identities.map { identity in
      var identity = identity
      identity.view = flatten(identity.view)
      return identity
    }
    flat.bias?.rowClass = [0]
    flat.bias?.columnClass = []
    return flat
  }

  func contiguous(_ shape: [Int]) -> TileKernel.DRAMView {
    TileKernel.DRAMView(
      offset: 0, image: shape[1] * shape[2] * shape[3], row: shape[2] * shape[3], pixel: shape[3])
  }
}
