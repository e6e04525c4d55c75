import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Matrix products and scaling by channel as tile kernels.
extension KernelLowering {
  mutating func matrixProduct(
    _ product: NpuMatMul, _ operation: Operation, _ name: String
  ) throws -> TileForm {
    let a = shape(operation.operands[0])
    let result = shape(operation.result)
    let outputs = result[result.count - 1]
    let rows = result.count > 1 ? result[result.count - 2] : 1
    let contracted = a[a.count - 1]
    let batch = result.dropLast(2).reduce(1, *)
    let bias =
      operation.operands.count > 2
      ? try constant(operation.operands[2], "bias", operation).int32s : nil
    let weights: TileKernel.Weights
    var images = 1
    var tapSums: [Int32] = []
    if graph.type(of: operation.operands[1]).isMatrix,
      let matrix = try graph.constantTensor(operation.operands[1], from: data)
    {
      var values = matrix.int8s
      if product.transposeB {
        values = (0..<contracted).flatMap { k in (0..<outputs).map { matrix.int8s[$0 * contracted + k] } }
      }
      tapSums = Self.tapSums(values, taps: 1, outputs: outputs)
      weights = .dense(constants.add("\(name).weights", int8: values))
    } else {
      let b = shape(operation.operands[1])
      images = b.dropLast(2).reduce(1, *) == 1 ? 1 : batch
      weights = .activation(input: 1, transposed: product.transposeB)
    }
    let columns = images == 1 ? batch * rows : rows
    let contraction = TileKernel.Contraction(
      operand: .input(0),
      window: InputWindow(
        inputRows: 1, inputColumns: columns, inputChannels: contracted, kernelRows: 1, kernelColumns: 1,
        strideRows: 1, strideColumns: 1, dilationRows: 1, dilationColumns: 1, paddingTop: 0, paddingLeft: 0),
      weights: weights,
      view: TileKernel.DRAMView(offset: 0, image: columns * contracted, row: 0, pixel: contracted))
    var start = bias
    if product.inputZeroPoint != 0 {
      start = (0..<outputs).map { (bias?[$0] ?? 0) &- product.inputZeroPoint &* tapSums[$0] }
    }
    var kernel = TileKernel(
      images: images, rows: 1, columns: columns, channels: outputs, contraction: contraction, identities: [], bias: nil,
      store: store(product.output, rows: 1, columns: columns, name))
    begin(&kernel, from: start.map { StartValues(table: $0) }, name)
    return TileForm(kernel: kernel, input: .any)
  }

  /// Multiplication with a constant per channel: a depthwise product with one tap.
  mutating func scaling(_ mul: NpuMul, _ operation: Operation, _ name: String) throws -> TileForm {
    let shape = shape(operation.result)
    let channels = shape.last ?? 1
    let pixels = shape.dropLast().reduce(1, *)
    let factor = try constant(operation.operands[1], "factor", operation).int8s
    let weights = factor.count == 1 ? [Int8](repeating: factor[0], count: channels) : factor
    let packed = packGroups(weights, taps: 1, groups: channels, channels: channels, channels, name)
    let contraction = TileKernel.Contraction(
      operand: .input(0),
      window: InputWindow(
        inputRows: 1, inputColumns: pixels, inputChannels: channels, kernelRows: 1, kernelColumns: 1,
        strideRows: 1, strideColumns: 1, dilationRows: 1, dilationColumns: 1, paddingTop: 0, paddingLeft: 0),
      weights: .packed(packed), view: TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: channels))
    let zero = mul.inputZeroPoint
    let start = zero == 0 ? nil : StartValues(table: weights.map { -zero &* Int32($0) })
    var kernel = TileKernel(
      images: 1, rows: 1, columns: pixels, channels: channels, contraction: contraction, identities: [], bias: nil,
      store: store(mul.output, rows: 1, columns: pixels, name))
    begin(&kernel, from: start, name)
    return TileForm(kernel: kernel, input: .any)
  }
}
