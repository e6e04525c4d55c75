import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Sums, rescaling and pooling as tile kernels.
extension KernelLowering {
  mutating func sum(_ add: NpuAdd, _ operation: Operation, _ name: String) -> TileForm {
    elementwise(
      operation, name, multipliers: add.multipliers.map(Int.init), zeroPoints: add.zeroPoints, output: add.output)
  }

  /// A sum of integer multiples of tensors of the result's shape.
  mutating func elementwise(
    _ operation: Operation, _ name: String, multipliers: [Int], zeroPoints: [Int32], output: OutputStage
  ) -> TileForm {
    let shape = shape(operation.result)
    let channels = shape.last ?? 1
    let pixels = shape.dropLast().reduce(1, *)
    let view = TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: channels)
    let start = zip(multipliers, zeroPoints).reduce(Int32(0)) { $0 &- Int32($1.0) &* $1.1 }
    var kernel = TileKernel(
      images: 1, rows: 1, columns: pixels, channels: channels, contraction: nil,
      identities: multipliers.enumerated().map {
        TileKernel.Identity(input: $0.offset, multipliers: [$0.element], view: view)
      },
      bias: nil, store: store(output, rows: 1, columns: pixels, name))
    begin(&kernel, from: start == 0 ? nil : StartValues(table: [Int32](repeating: start, count: channels)), name)
    return TileForm(kernel: kernel, input: .any, image: shape.count == 4 ? inRows(kernel, shape) : nil)
  }

  /// A kernel of one long row of pixels as one of images [images, rows, columns, channels].
  private func inRows(_ kernel: TileKernel, _ shape: [Int]) -> TileKernel {
    var image = kernel
    image.images = shape[0]
    image.rows = shape[1]
    image.columns = shape[2]
    image.store.rows = shape[1]
    image.store.columns = shape[2]
    for index in image.identities.indices { image.identities[index].view = contiguous(shape) }
    return image
  }

  /// a, 256 times, and b in one element. Where b is repeated, each load of it is one row for many pixels.
  mutating func pair(_ binary: NpuBinary, _ operation: Operation, _ name: String) -> TileForm {
    let shape = shape(operation.result)
    let channels = shape.last ?? 1
    let pixels = shape.dropLast().reduce(1, *)
    let repeated = NpuBinary.repetition(of: self.shape(operation.operands[1]), in: shape)?.count ?? 1
    let isRepeated = repeated > 1
    let columns = isRepeated ? repeated : pixels
    let view = TileKernel.DRAMView(offset: 0, image: columns * channels, row: 0, pixel: channels)
    let second = isRepeated ? TileKernel.DRAMView(offset: 0, image: channels, row: 0, pixel: 0) : view
    var store = store(binary.output, rows: 1, columns: columns, name)
    store.pair = binary.pair
    var kernel = TileKernel(
      images: isRepeated ? pixels / repeated : 1, rows: 1, columns: columns, channels: channels, contraction: nil,
      identities: [
        TileKernel.Identity(input: 0, multipliers: [256], view: view),
        TileKernel.Identity(input: 1, multipliers: [1], view: second),
      ], bias: nil, store: store)
    begin(&kernel, from: nil, name)
    return TileForm(kernel: kernel, input: .any)
  }

  mutating func averagePooling(_ pool: NpuAvgPool2D, _ operation: Operation, _ name: String) -> TileForm {
    let input = shape(operation.operands[0])
    let size = pool.window2D.outputSize(of: Array(input[1..<3]))
    let channels = input[3]
    let contraction = TileKernel.Contraction(
      operand: .input(0),
      window: InputWindow(
        inputRows: input[1], inputColumns: input[2], inputChannels: channels, kernelRows: pool.window[0],
        kernelColumns: pool.window[1], strideRows: pool.strides[0], strideColumns: pool.strides[1], dilationRows: 1,
        dilationColumns: 1, paddingTop: pool.padding[0], paddingLeft: pool.padding[1]),
      weights: .ones,
      view: contiguous(input))
    let taps = pool.window[0] * pool.window[1]
    let start = Self.bias(
      nil, outputs: channels, rows: size[0], columns: size[1], contraction: contraction,
      inputZeroPoint: pool.inputZeroPoint, columnsArePadded: false,
      tapSums: [Int32](repeating: 1, count: taps * channels), extra: { _ in 0 })
    var kernel = TileKernel(
      images: input[0], rows: size[0], columns: size[1], channels: channels, contraction: contraction, identities: [],
      bias: nil, store: store(pool.output, rows: size[0], columns: size[1], name))
    begin(&kernel, from: start, name)
    if !sumsImage(contraction.window) { return TileForm(kernel: kernel, input: .any) }
    var product = kernel
    product.contraction = imageSum(contraction, name)
    return TileForm(kernel: product, input: .any, image: kernel)
  }

  /// Whether a window is the whole image, and one that fits the scratchpad beside others.
  private func sumsImage(_ window: InputWindow) -> Bool {
    window.kernelRows == window.inputRows && window.kernelColumns == window.inputColumns && window.taps > 1
      && window.paddingTop == 0 && window.paddingLeft == 0 && window.taps <= target.scratchpadRowsPerBank / 2
  }

  /// The sum over an image as a product: a row of ones by the pixels, `dim` of them for each matrix. Pixel by pixel, each
  /// would be a compute of its own.
  private mutating func imageSum(_ pooling: TileKernel.Contraction, _ name: String) -> TileKernel.Contraction {
    let pixels = pooling.window.taps
    return TileKernel.Contraction(
      operand: .constant(constants.add("\(name).ones", int8: [Int8](repeating: 1, count: pixels))),
      window: InputWindow(inputRows: 1, inputColumns: 1, inputChannels: pixels),
      weights: .activation(input: pooling.input!, transposed: false),
      view: TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: pixels))
  }

  func maxPooling(_ pool: NpuMaxPool2D, _ operation: Operation) -> TileForm {
    let input = shape(operation.operands[0])
    var kernel = TileKernel(
      images: input[0], rows: input[1], columns: input[2], channels: input[3], contraction: nil,
      identities: [TileKernel.Identity(input: 0, multipliers: [1], view: contiguous(input))], bias: nil,
      store: TileKernel.Store(
        output: OutputStage(), scaleConstant: nil, pooling: nil, rows: input[1], columns: input[2]))
    addPooling(FusedPooling(window: pool.window, strides: pool.strides, padding: pool.padding), to: &kernel)
    return TileForm(kernel: kernel, input: .any)
  }
}
