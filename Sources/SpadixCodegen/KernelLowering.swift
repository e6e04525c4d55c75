import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// What the code generator makes of one operation.
enum OperatorKernel: Sendable {
  /// One or several forms of the same computation; each says which places it can serve.
  case tile([TileForm])
  case copy(CopyKernel)
  /// The result is the operand under another shape: the same bytes in DRAM.
  case alias
  case host(reason: String)
}

/// A tile kernel for operands in certain places.
struct TileForm: Sendable {
  enum Input: Sendable {
    /// For an input in the scratchpad as a whole.
    case resident
    /// For an input that streams from DRAM.
    case streamed
    /// For either.
    case any
  }

  var kernel: TileKernel
  var input: Input
}

/// Turns npu operators into kernels, packing their constants.
struct KernelLowering {
  let graph: Graph
  let data: DataStore
  let target: Target
  /// Pixels of padding that lie in DRAM beside each image row of a value, for loads of packed rows.
  let halos: [Halo?]
  var constants = ConstantPool()

  var dim: Int { target.dim }

  /// Columns of zero points on both sides of every image row in DRAM.
  struct Halo: Sendable {
    var left: Int
    var right: Int
  }

  /// The operands that are kernel inputs: all but weights, biases and factors.
  static func activationOperands(_ operation: Operation, _ graph: Graph) -> [ValueID] {
    switch operation.op {
    case .npuConv2d(let conv):
      return [operation.operands[0]] + (conv.residual ? [operation.operands.last!] : [])
    case .npuMatmul:
      return graph.isConstant(operation.operands[1])
        ? [operation.operands[0]] : [operation.operands[0], operation.operands[1]]
    case .npuMul: return [operation.operands[0]]
    case .npuAdd, .npuMaxPool2d, .npuAvgPool2d, .npuRequantize, .npuConcat, .npuPad, .npuReshape, .npuTranspose:
      return operation.operands
    case .constant: return []
    case .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat, .reshape,
      .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize:
      // A host step carries its constants in its own text.
      return operation.operands.filter { !graph.isConstant($0) }
    }
  }

  mutating func lower(_ operation: Operation) throws -> OperatorKernel {
    let name = graph.values[operation.result].name ?? "value\(operation.result.index)"
    switch operation.op {
    case .npuConv2d(let conv): return .tile(try convolution(conv, operation, name))
    case .npuMatmul(let product): return .tile([try matrixProduct(product, operation, name)])
    case .npuMul(let mul): return .tile([try scaling(mul, operation, name)])
    case .npuAdd(let add): return .tile([sum(add, operation, name)])
    case .npuRequantize(let requantize):
      return .tile([
        elementwise(
          operation, name, multipliers: [1], zeroPoints: [requantize.inputZeroPoint], output: requantize.output)
      ])
    case .npuAvgPool2d(let pool): return .tile([averagePooling(pool, operation, name)])
    case .npuMaxPool2d(let pool): return .tile([try maxPooling(pool, operation)])
    case .npuConcat(let concat): return .copy(copy(concat, operation))
    case .npuPad(let pad): return .copy(copy(pad, operation, name))
    case .npuTranspose(let transpose): return .copy(copy(transpose, operation))
    case .npuReshape: return .alias
    case .constant, .conv2d, .matmul, .add, .mul, .relu, .clamp, .maxPool2d, .avgPool2d, .globalAvgPool2d, .concat,
      .reshape, .transpose, .pad, .batchNorm, .softmax, .quantize, .dequantize, .requantize:
      return .host(reason: operation.hostReason ?? "the host evaluates \(operation.op.mnemonic)")
    }
  }

  private func shape(_ value: ValueID) -> [Int] { graph.values[value].type.shape }

  private func constant(_ value: ValueID, _ role: String, _ operation: Operation) throws -> Tensor {
    guard let tensor = try graph.constantTensor(value, from: data) else {
      throw Diagnostic(
        "codegen.\(role)-not-constant", "\(operation.op.mnemonic) needs constant \(role); found an activation",
        at: operation.range)
    }
    return tensor
  }

  // MARK: Convolution

  private mutating func convolution(_ conv: NpuConv2D, _ operation: Operation, _ name: String) throws -> [TileForm] {
    let roles = ConvolutionOperands(count: operation.operands.count, residual: conv.residual)
    let input = shape(operation.operands[0])
    let weights = try constant(operation.operands[1], "weights", operation)
    let kernelSize = weights.type.shape
    let outputs = kernelSize[3]
    let window = Window2D(
      size: Array(kernelSize[0..<2]), strides: conv.strides, padding: conv.padding, dilations: conv.dilations)
    let size = window.outputSize(of: Array(input[1..<3]))
    var contraction = TileKernel.Contraction(
      input: 0, inputRows: input[1], inputColumns: input[2], inputChannels: input[3], kernelRows: kernelSize[0],
      kernelColumns: kernelSize[1], strideRows: conv.strides[0], strideColumns: conv.strides[1],
      dilationRows: conv.dilations[0], dilationColumns: conv.dilations[1], paddingTop: conv.padding[0],
      paddingLeft: conv.padding[1], weights: pack(weights, groups: conv.groups, channels: input[3], name),
      view: contiguous(input))
    let values = weights.int8s
    let bias = try roles.bias.map { try constant(operation.operands[$0], "bias", operation).int32s }
    let residualZero = conv.residual ? conv.residualZeroPoint : 0
    let halo = halos[operation.operands[0]]
    let makeBias = { (pool: inout ConstantPool, geometry: TileKernel.Contraction, isPadded: Bool) in
      Self.bias(
        bias, outputs: outputs, rows: size[0], columns: size[1], contraction: geometry,
        inputZeroPoint: conv.inputZeroPoint, columnsArePadded: isPadded,
        tapSums: Self.tapSums(values, taps: window.size[0] * window.size[1], outputs: outputs),
        extra: { -Self.multiplier(conv.residualMultipliers, $0) &* residualZero }, name: name, pool: &pool)
    }
    var kernel = TileKernel(
      images: input[0], rows: size[0], columns: size[1], channels: outputs, contraction: contraction,
      identities: [], bias: nil, store: store(conv.output, outputs, rows: size[0], columns: size[1], name))
    if let pooling = conv.pooling { try addPooling(pooling, to: &kernel, operation) }
    if conv.residual {
      kernel.identities = [
        TileKernel.Identity(
          input: 1, multipliers: conv.residualMultipliers.map(Int.init),
          view: contiguous([input[0], size[0], size[1], outputs]))
      ]
    }
    if let halo {
      kernel.bias = makeBias(&constants, contraction, true)
      kernel.contraction = packedRows(contraction, halo: halo, outputColumns: size[1])
      return [TileForm(kernel: kernel, input: .streamed)]
    }
    kernel.bias = makeBias(&constants, contraction, false)
    let isPointwise = kernelSize[0] == 1 && kernelSize[1] == 1 && conv.padding == [0, 0, 0, 0]
    if isPointwise && conv.strides == [1, 1] && conv.pooling == nil {
      return [TileForm(kernel: flattened(kernel), input: .any)]
    }
    if isPointwise && conv.strides != [1, 1] {
      var streamed = kernel
      contraction.inputRows = size[0]
      contraction.inputColumns = size[1]
      contraction.strideRows = 1
      contraction.strideColumns = 1
      contraction.view.row *= conv.strides[0]
      contraction.view.pixel *= conv.strides[1]
      streamed.contraction = contraction
      return [TileForm(kernel: kernel, input: .resident), TileForm(kernel: streamed, input: .streamed)]
    }
    return [TileForm(kernel: kernel, input: .any)]
  }

  /// Whether a convolution's input is better loaded with the taps of a row side by side in the channels, and the padding
  /// that must then lie beside each row in DRAM.
  ///
  /// A pixel of few channels leaves most of the array's rows idle; `KW` neighbouring pixels are contiguous in DRAM.
  static func packedRowsHalo(_ conv: NpuConv2D, input: [Int], kernel: [Int], dim: Int) -> Halo? {
    let plain = kernel[1] * KernelGeometry.ceilDivide(input[3], dim)
    let packed = KernelGeometry.ceilDivide(kernel[1] * input[3], dim)
    guard conv.groups == 1, conv.dilations[1] == 1, packed * 2 <= plain else { return nil }
    let window = Window2D(
      size: [kernel[0], kernel[1]], strides: conv.strides, padding: conv.padding, dilations: conv.dilations)
    let columns = window.outputSize(of: [input[1], input[2]])[1]
    let reach = (columns - 1) * conv.strides[1] + kernel[1] - conv.padding[1]
    return Halo(left: conv.padding[1], right: max(0, reach - input[2]))
  }

  private func packedRows(
    _ contraction: TileKernel.Contraction, halo: Halo, outputColumns: Int
  ) -> TileKernel.Contraction {
    var packed = contraction
    let channels = contraction.inputChannels
    let row = (halo.left + contraction.inputColumns + halo.right) * channels
    packed.inputChannels = contraction.kernelColumns * channels
    packed.inputColumns = outputColumns
    packed.kernelColumns = 1
    packed.strideColumns = 1
    packed.dilationColumns = 1
    packed.paddingLeft = 0
    packed.view = TileKernel.DRAMView(
      offset: (halo.left - contraction.paddingLeft) * channels, image: contraction.inputRows * row, row: row,
      pixel: contraction.strideColumns * channels)
    return packed
  }

  /// A kernel without borders as one long row of pixels, so that tiles need not end with an image row.
  private func flattened(_ kernel: TileKernel) -> TileKernel {
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
    flat.contraction?.inputRows = 1
    flat.contraction?.inputColumns = pixels
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

  private func contiguous(_ shape: [Int]) -> TileKernel.DRAMView {
    TileKernel.DRAMView(
      offset: 0, image: shape[1] * shape[2] * shape[3], row: shape[2] * shape[3], pixel: shape[3])
  }

  private mutating func pack(_ weights: Tensor, groups: Int, channels: Int, _ name: String) -> TileKernel.Weights {
    let values = weights.int8s
    let shape = weights.type.shape
    let outputs = shape[3]
    if groups == 1 { return .dense(constants.add("\(name).weights", int8: values)) }
    if groups == channels && outputs == channels && shape[0] * shape[1] > 1 && diagonalsFit(taps: shape[0] * shape[1]) {
      return .diagonal(constants.add("\(name).weights", int8: values))
    }
    return .packed(packGroups(values, taps: shape[0] * shape[1], groups: groups, channels: channels, outputs, name))
  }

  /// Whether the one-hot rows that diagonals are made with leave room for the rest.
  private func diagonalsFit(taps: Int) -> Bool {
    dim - 1 + dim * dim + taps + taps * dim + 4 * dim <= target.scratchpadRows / 2
  }

  /// Blocks of `dim` outputs over the input channels that their groups read, zeros where a group does not.
  private mutating func packGroups(
    _ values: [Int8], taps: Int, groups: Int, channels: Int, _ outputs: Int, _ name: String
  ) -> PackedWeights {
    let inputsPerGroup = channels / groups
    let outputsPerGroup = outputs / groups
    var packed = PackedWeights(
      constant: ConstantID(0), offset: [], firstChannel: [], channelCount: [],
      usefulProducts: inputsPerGroup * outputs)
    var bytes: [Int8] = []
    for first in stride(from: 0, to: outputs, by: dim) {
      let last = min(outputs, first + dim) - 1
      let low = first / outputsPerGroup * inputsPerGroup / dim * dim
      let high = (last / outputsPerGroup + 1) * inputsPerGroup
      let end = min(channels, KernelGeometry.ceilDivide(high, dim) * dim)
      packed.offset.append(bytes.count)
      packed.firstChannel.append(low)
      packed.channelCount.append(end - low)
      for tap in 0..<taps {
        for channel in low..<end {
          for output in first..<first + dim {
            let group = output / outputsPerGroup
            let inGroup = channel - group * inputsPerGroup
            let isRead = output <= last && inGroup >= 0 && inGroup < inputsPerGroup
            bytes.append(isRead ? values[(tap * inputsPerGroup + inGroup) * outputs + output] : 0)
          }
        }
      }
    }
    packed.constant = constants.add("\(name).weights", int8: bytes)
    return packed
  }

  private static func multiplier(_ multipliers: [Int32], _ channel: Int) -> Int32 {
    multipliers.count == 1 ? multipliers[0] : multipliers[channel]
  }

  /// Sums of the weights over input channels: [taps, outputs].
  private static func tapSums(_ weights: [Int8], taps: Int, outputs: Int) -> [Int32] {
    let channels = weights.count / max(1, taps * outputs)
    var sums = [Int32](repeating: 0, count: taps * outputs)
    for tap in 0..<taps {
      for channel in 0..<channels {
        for output in 0..<outputs {
          sums[tap * outputs + output] &+= Int32(weights[(tap * channels + channel) * outputs + output])
        }
      }
    }
    return sums
  }

  /// Start values with the zero points folded in: what a tap inside the image adds for an input of zero point z is
  /// -z * weight, and taps outside add nothing; so pixels near the border start from other values.
  ///
  /// - Parameter columnsArePadded: the columns beside the image hold zero points in DRAM and count as inside.
  private static func bias(
    _ given: [Int32]?, outputs: Int, rows: Int, columns: Int, contraction: TileKernel.Contraction,
    inputZeroPoint: Int32, columnsArePadded: Bool, tapSums: [Int32], extra: (Int) -> Int32, name: String,
    pool: inout ConstantPool
  ) -> TileKernel.Bias? {
    let base = (0..<outputs).map { (given?[$0] ?? 0) &+ extra($0) }
    if inputZeroPoint == 0 {
      if given == nil && base.allSatisfy({ $0 == 0 }) { return nil }
      return uniform(base, name, &pool)
    }
    let rowClasses = classes(count: rows, taps: contraction.kernelRows) { row, tap in
      (0..<contraction.inputRows).contains(contraction.inputRow(row, tapRow: tap))
    }
    let columnClasses = classes(count: columns, taps: contraction.kernelColumns) { column, tap in
      columnsArePadded
        || (0..<contraction.inputColumns).contains(contraction.inputColumn(column, tapColumn: tap))
    }
    var table: [Int32] = []
    for rowTaps in rowClasses.taps {
      for columnTaps in columnClasses.taps {
        for output in 0..<outputs {
          var value = base[output]
          for tapRow in rowTaps {
            for tapColumn in columnTaps {
              let tap = tapRow * contraction.kernelColumns + tapColumn
              value &-= inputZeroPoint &* tapSums[tap * outputs + output]
            }
          }
          table.append(value)
        }
      }
    }
    return TileKernel.Bias(
      constant: pool.add("\(name).bias", int32: table), columnClasses: columnClasses.taps.count,
      rowClass: rowClasses.ofPosition, columnClass: columnClasses.ofPosition,
      isUniform: rowClasses.taps.count == 1 && columnClasses.taps.count == 1)
  }

  private static func uniform(_ values: [Int32], _ name: String, _ pool: inout ConstantPool) -> TileKernel.Bias {
    TileKernel.Bias(
      constant: pool.add("\(name).bias", int32: values), columnClasses: 1, rowClass: [], columnClass: [],
      isUniform: true)
  }

  /// Positions that see the same taps form a class.
  private static func classes(
    count: Int, taps: Int, isInside: (Int, Int) -> Bool
  ) -> (taps: [[Int]], ofPosition: [Int]) {
    var all: [[Int]] = []
    var index: [[Int]: Int] = [:]
    var ofPosition: [Int] = []
    for position in 0..<count {
      let inside = (0..<taps).filter { isInside(position, $0) }
      if index[inside] == nil {
        index[inside] = all.count
        all.append(inside)
      }
      ofPosition.append(index[inside]!)
    }
    return (all, ofPosition)
  }

  private mutating func store(
    _ output: OutputStage, _ channels: Int, rows: Int, columns: Int, _ name: String
  ) -> TileKernel.Store {
    let isPerChannel = output.scales.count > 1
    return TileKernel.Store(
      scales: output.scales,
      scaleConstant: isPerChannel ? constants.add("\(name).scales", float32: output.scales) : nil,
      zeroPoint: Int(output.zeroPoint), low: Int(output.low), high: Int(output.high), pooling: nil, rows: rows,
      columns: columns)
  }

  private func addPooling(_ pooling: FusedPooling, to kernel: inout TileKernel, _ operation: Operation) throws {
    let window = pooling.window2D
    guard window.size[0] == window.size[1], window.strides[0] == window.strides[1], window.size[0] <= 3,
      window.strides[0] <= 3, window.padding[0] <= 3, window.padding[1] <= 3
    else {
      throw Diagnostic(
        "codegen.pooling", "the store cannot pool with window \(window.size) and strides \(window.strides)",
        at: operation.range, help: "square windows, strides and padding up to 3 can be pooled")
    }
    let size = window.outputSize(of: [kernel.rows, kernel.columns])
    guard size[1] <= 255 else {
      throw Diagnostic(
        "codegen.pooling", "the store pools into images at most 255 pixels wide; found \(size[1])",
        at: operation.range)
    }
    kernel.store.pooling = TileKernel.Pooling(
      window: window.size[0], stride: window.strides[0], top: window.padding[0], left: window.padding[1])
    kernel.store.rows = size[0]
    kernel.store.columns = size[1]
  }

  // MARK: Products

  private mutating func matrixProduct(
    _ product: NpuMatMul, _ operation: Operation, _ name: String
  ) throws -> TileForm {
    let a = shape(operation.operands[0])
    let result = shape(operation.result)
    let outputs = result[result.count - 1]
    let rows = result.count > 1 ? result[result.count - 2] : 1
    guard !product.transposeA else {
      throw Diagnostic(
        "codegen.transpose-a", "npu.matmul cannot read its first operand transposed", at: operation.range,
        help: "put a transpose before it")
    }
    let contracted = a[a.count - 1]
    let batch = result.dropLast(2).reduce(1, *)
    let bias =
      operation.operands.count > 2
      ? try constant(operation.operands[2], "bias", operation).int32s : nil
    let weights: TileKernel.Weights
    var images = 1
    var tapSums: [Int32] = []
    if let matrix = try graph.constantTensor(operation.operands[1], from: data) {
      guard matrix.type.shape.count == 2 || matrix.type.shape.dropLast(2).allSatisfy({ $0 == 1 }) else {
        throw Diagnostic(
          "codegen.batched-weights", "npu.matmul with constant weights takes one matrix; found \(matrix.type.shape)",
          at: operation.range)
      }
      var values = matrix.int8s
      if product.transposeB {
        values = (0..<contracted).flatMap { k in (0..<outputs).map { matrix.int8s[$0 * contracted + k] } }
      }
      tapSums = Self.tapSums(values, taps: 1, outputs: outputs)
      weights = .dense(constants.add("\(name).weights", int8: values))
    } else {
      guard product.inputZeroPoint == 0 else {
        throw Diagnostic(
          "codegen.zero-point", "a product of two activations needs zero point 0; found \(product.inputZeroPoint)",
          at: operation.range)
      }
      let b = shape(operation.operands[1])
      images = b.dropLast(2).reduce(1, *) == 1 ? 1 : batch
      weights = .activation(input: 1, transposed: product.transposeB)
    }
    let columns = images == 1 ? batch * rows : rows
    let contraction = TileKernel.Contraction(
      input: 0, inputRows: 1, inputColumns: columns, inputChannels: contracted, kernelRows: 1, kernelColumns: 1,
      strideRows: 1, strideColumns: 1, dilationRows: 1, dilationColumns: 1, paddingTop: 0, paddingLeft: 0,
      weights: weights,
      view: TileKernel.DRAMView(offset: 0, image: columns * contracted, row: 0, pixel: contracted))
    var start = bias
    if product.inputZeroPoint != 0 {
      start = (0..<outputs).map { (bias?[$0] ?? 0) &- product.inputZeroPoint &* tapSums[$0] }
    }
    return TileForm(
      kernel: TileKernel(
        images: images, rows: 1, columns: columns, channels: outputs, contraction: contraction, identities: [],
        bias: start.map { Self.uniform($0, name, &constants) },
        store: store(product.output, outputs, rows: 1, columns: columns, name)),
      input: .any)
  }

  /// Multiplication with a constant per channel: a depthwise product with one tap.
  private mutating func scaling(_ mul: NpuMul, _ operation: Operation, _ name: String) throws -> TileForm {
    let shape = shape(operation.result)
    let channels = shape.last ?? 1
    let pixels = shape.dropLast().reduce(1, *)
    let factor = try constant(operation.operands[1], "factor", operation).int8s
    let weights = factor.count == 1 ? [Int8](repeating: factor[0], count: channels) : factor
    let packed = packGroups(weights, taps: 1, groups: channels, channels: channels, channels, name)
    let contraction = TileKernel.Contraction(
      input: 0, inputRows: 1, inputColumns: pixels, inputChannels: channels, kernelRows: 1, kernelColumns: 1,
      strideRows: 1, strideColumns: 1, dilationRows: 1, dilationColumns: 1, paddingTop: 0, paddingLeft: 0,
      weights: .packed(packed), view: TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: channels))
    let zero = mul.inputZeroPoint
    let bias = zero == 0 ? nil : Self.uniform(weights.map { -zero &* Int32($0) }, name, &constants)
    return TileForm(
      kernel: TileKernel(
        images: 1, rows: 1, columns: pixels, channels: channels, contraction: contraction, identities: [], bias: bias,
        store: store(mul.output, channels, rows: 1, columns: pixels, name)),
      input: .any)
  }

  // MARK: Elementwise and pooling

  private mutating func sum(_ add: NpuAdd, _ operation: Operation, _ name: String) -> TileForm {
    elementwise(
      operation, name, multipliers: add.multipliers.map(Int.init), zeroPoints: add.zeroPoints, output: add.output)
  }

  /// A sum of integer multiples of tensors of the result's shape.
  private mutating func elementwise(
    _ operation: Operation, _ name: String, multipliers: [Int], zeroPoints: [Int32], output: OutputStage
  ) -> TileForm {
    let shape = shape(operation.result)
    let channels = shape.last ?? 1
    let pixels = shape.dropLast().reduce(1, *)
    let view = TileKernel.DRAMView(offset: 0, image: 0, row: 0, pixel: channels)
    let start = zip(multipliers, zeroPoints).reduce(Int32(0)) { $0 &- Int32($1.0) &* $1.1 }
    return TileForm(
      kernel: TileKernel(
        images: 1, rows: 1, columns: pixels, channels: channels, contraction: nil,
        identities: multipliers.enumerated().map {
          TileKernel.Identity(input: $0.offset, multipliers: [$0.element], view: view)
        },
        bias: start == 0 ? nil : Self.uniform([Int32](repeating: start, count: channels), name, &constants),
        store: store(output, channels, rows: 1, columns: pixels, name)),
      input: .any)
  }

  private mutating func averagePooling(_ pool: NpuAvgPool2D, _ operation: Operation, _ name: String) -> TileForm {
    let input = shape(operation.operands[0])
    let size = pool.window2D.outputSize(of: Array(input[1..<3]))
    let channels = input[3]
    let contraction = TileKernel.Contraction(
      input: 0, inputRows: input[1], inputColumns: input[2], inputChannels: channels, kernelRows: pool.window[0],
      kernelColumns: pool.window[1], strideRows: pool.strides[0], strideColumns: pool.strides[1], dilationRows: 1,
      dilationColumns: 1, paddingTop: pool.padding[0], paddingLeft: pool.padding[1], weights: .ones,
      view: contiguous(input))
    let taps = pool.window[0] * pool.window[1]
    let bias = Self.bias(
      nil, outputs: channels, rows: size[0], columns: size[1], contraction: contraction,
      inputZeroPoint: pool.inputZeroPoint, columnsArePadded: false,
      tapSums: [Int32](repeating: 1, count: taps * channels), extra: { _ in 0 }, name: name, pool: &constants)
    return TileForm(
      kernel: TileKernel(
        images: input[0], rows: size[0], columns: size[1], channels: channels, contraction: contraction,
        identities: [], bias: bias, store: store(pool.output, channels, rows: size[0], columns: size[1], name)),
      input: .any)
  }

  private func maxPooling(_ pool: NpuMaxPool2D, _ operation: Operation) throws -> TileForm {
    let input = shape(operation.operands[0])
    var kernel = TileKernel(
      images: input[0], rows: input[1], columns: input[2], channels: input[3], contraction: nil,
      identities: [TileKernel.Identity(input: 0, multipliers: [1], view: contiguous(input))], bias: nil,
      store: TileKernel.Store(
        scales: [1], scaleConstant: nil, zeroPoint: 0, low: -128, high: 127, pooling: nil, rows: input[1],
        columns: input[2]))
    try addPooling(
      FusedPooling(window: pool.window, strides: pool.strides, padding: pool.padding), to: &kernel, operation)
    return TileForm(kernel: kernel, input: .any)
  }

  // MARK: Copies

  private func copy(_ concat: NpuConcat, _ operation: Operation) -> CopyKernel {
    let result = shape(operation.result)
    let axis = concat.axis < 0 ? concat.axis + result.count : concat.axis
    let outer = result[..<axis].reduce(1, *)
    let inner = result[(axis + 1)...].reduce(1, *)
    var blocks: [CopyKernel.Block] = []
    var offset = 0
    for (index, operand) in operation.operands.enumerated() {
      let bytes = shape(operand)[axis] * inner
      // Whole pixels where the last axis is not the one that is joined, so that resident tensors can take part.
      let channels = result.last ?? 1
      if axis < result.count - 1 {
        for image in 0..<outer {
          blocks.append(
            CopyKernel.Block(
              source: .input(index), sourceOffset: image * bytes, sourceStride: channels,
              destinationOffset: image * result[axis] * inner + offset, destinationStride: channels,
              rows: bytes / max(1, channels), bytes: channels))
        }
      } else {
        blocks.append(
          CopyKernel.Block(
            source: .input(index), sourceOffset: 0, sourceStride: bytes, destinationOffset: offset,
            destinationStride: channels, rows: outer, bytes: bytes))
      }
      offset += bytes
    }
    return CopyKernel(
      blocks: blocks, inputChannels: operation.operands.map { shape($0).last ?? 1 },
      outputChannels: result.last ?? 1)
  }

  private mutating func copy(_ pad: NpuPad, _ operation: Operation, _ name: String) -> CopyKernel {
    let input = shape(operation.operands[0])
    let result = shape(operation.result)
    let channels = input.last ?? 1
    let outputChannels = result.last ?? 1
    let fill = constants.add("\(name).fill", int8: [Int8](repeating: Int8(pad.value), count: outputChannels))
    var blocks: [CopyKernel.Block] = []
    // The whole result is filled first only where the input does not cover it: rows of pixels, outermost axes first.
    func visit(_ axis: Int, _ sourceOffset: Int, _ destinationOffset: Int, _ isInside: Bool) {
      let isPixelAxis = axis >= result.count - 2
      if !isInside {
        let pixels = result[axis..<max(axis, result.count - 1)].reduce(1, *)
        blocks.append(
          CopyKernel.Block(
            source: .fill(fill), sourceOffset: 0, sourceStride: 0, destinationOffset: destinationOffset,
            destinationStride: outputChannels, rows: pixels, bytes: outputChannels))
        return
      }
      if isPixelAxis {
        let isMatrix = axis == result.count - 2
        let rows = isMatrix ? input[axis] : 1
        let low = isMatrix ? pad.low[axis] : 0
        let high = isMatrix ? pad.high[axis] : 0
        func fillRows(_ first: Int, _ count: Int, _ channel: Int, _ bytes: Int) {
          if count == 0 || bytes == 0 { return }
          blocks.append(
            CopyKernel.Block(
              source: .fill(fill), sourceOffset: 0, sourceStride: 0,
              destinationOffset: destinationOffset + first * outputChannels + channel,
              destinationStride: outputChannels, rows: count, bytes: bytes))
        }
        let lastAxis = result.count - 1
        fillRows(0, low, 0, outputChannels)
        fillRows(low, rows, 0, pad.low[lastAxis])
        blocks.append(
          CopyKernel.Block(
            source: .input(0), sourceOffset: sourceOffset, sourceStride: channels,
            destinationOffset: destinationOffset + low * outputChannels + pad.low[lastAxis],
            destinationStride: outputChannels, rows: rows, bytes: channels))
        fillRows(low, rows, pad.low[lastAxis] + channels, pad.high[lastAxis])
        fillRows(low + rows, high, 0, outputChannels)
        return
      }
      let sourceStep = input[(axis + 1)...].reduce(1, *)
      let destinationStep = result[(axis + 1)...].reduce(1, *)
      for position in 0..<result[axis] {
        let inside = position - pad.low[axis]
        visit(
          axis + 1, sourceOffset + inside * sourceStep, destinationOffset + position * destinationStep,
          inside >= 0 && inside < input[axis])
      }
    }
    visit(0, 0, 0, true)
    return CopyKernel(blocks: blocks, inputChannels: [channels], outputChannels: outputChannels)
  }

  /// Moves whole pixels where the last axis stays last; otherwise single elements, along the operand's last axis.
  private func copy(_ transpose: NpuTranspose, _ operation: Operation) -> CopyKernel {
    let input = shape(operation.operands[0])
    let result = shape(operation.result)
    let rank = input.count
    let keepsPixels = transpose.permutation.last == rank - 1
    let bytes = keepsPixels ? input[rank - 1] : 1
    // Axis i of the result steps through the source by sourceSteps[i].
    let inputSteps = steps(input)
    let sourceSteps = transpose.permutation.map { inputSteps[$0] }
    let resultSteps = steps(result)
    // The rows of a block run along one axis of the result; all others are loops.
    let rowAxis = keepsPixels ? rank - 2 : transpose.permutation.firstIndex(of: rank - 1)!
    let loops = result.indices.filter { $0 != rowAxis && !(keepsPixels && $0 == rank - 1) }
    var blocks: [CopyKernel.Block] = []
    for run in 0..<loops.reduce(1, { $0 * result[$1] }) {
      var rest = run
      var source = 0
      var destination = 0
      for axis in loops.reversed() {
        source += rest % result[axis] * sourceSteps[axis]
        destination += rest % result[axis] * resultSteps[axis]
        rest /= result[axis]
      }
      blocks.append(
        CopyKernel.Block(
          source: .input(0), sourceOffset: source, sourceStride: rowAxis < 0 ? bytes : sourceSteps[rowAxis],
          destinationOffset: destination, destinationStride: rowAxis < 0 ? bytes : resultSteps[rowAxis],
          rows: rowAxis < 0 ? 1 : result[rowAxis], bytes: bytes))
    }
    return CopyKernel(blocks: blocks, inputChannels: [input[rank - 1]], outputChannels: result[rank - 1])
  }

  /// Elements from one index of each axis to the next.
  private func steps(_ shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    return steps
  }
}
