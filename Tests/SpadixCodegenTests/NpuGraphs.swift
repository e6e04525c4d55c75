import SpadixIR
import SpadixTensor

/// Small npu graphs for the tests, built without text.
enum NpuGraphs {
  static let quantized = ElementType.q8(Quantization(scale: 0.05))

  static func type(_ shape: [Int]) -> TensorType { TensorType(shape, quantized) }

  static func random(_ shape: [Int], seed: UInt64) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(
      type(shape),
      .i8(RandomTensor.integers(count: count, seed: seed, low: -60, high: 60).map { Int8($0) }))
  }

  /// One convolution.
  ///
  /// - Parameter isOfHost: whether the host quantizes its input, and so can lay it out.
  static func convolution(
    input: [Int], kernel: [Int], outputs: Int, strides: [Int] = [1, 1], padding: [Int] = [0, 0, 0, 0],
    groups: Int = 1, zeroPoint: Int32 = 0, hasBias: Bool = true, isPooled: Bool = false, isOfHost: Bool = false
  ) -> Graph {
    var graph = Graph(name: "conv")
    var x = graph.addInput(name: "x", type: isOfHost ? TensorType(input, .f32) : type(input))
    if isOfHost { x = graph.append(.quantize(Quantize()), [x], type: type(input), name: "q") }
    let weights = graph.addConstant(
      random([kernel[0], kernel[1], input[3] / groups, outputs], seed: 1), name: "w")
    var operands = [x, weights]
    if hasBias {
      operands.append(
        graph.addConstant(
          Tensor(
            TensorType([outputs], .i32),
            .i32(RandomTensor.integers(count: outputs, seed: 2, low: -1000, high: 1000))), name: "b"))
    }
    var conv = NpuConv2D()
    conv.strides = strides
    conv.padding = padding
    conv.groups = groups
    conv.inputZeroPoint = zeroPoint
    conv.output = OutputStage(scales: [0.01], low: 0)
    let window = Window2D(size: kernel, strides: strides, padding: padding)
    var size = window.outputSize(of: Array(input[1..<3]))
    if isPooled {
      conv.pooling = FusedPooling(window: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1])
      size = conv.pooling!.window2D.outputSize(of: size)
    }
    graph.outputs = [
      graph.append(.npu(.conv2d(conv)), operands, type: type([input[0], size[0], size[1], outputs]), name: "y")
    ]
    return graph
  }

  /// Convolutions one behind the other, with zeros around their inputs.
  static func chain(size: Int, channels: [Int], kernels: [Int]) -> Graph {
    var graph = Graph(name: "chain")
    var x = graph.addInput(name: "x", type: type([1, size, size, channels[0]]))
    for (index, kernel) in kernels.enumerated() {
      let weights = graph.addConstant(
        random([kernel, kernel, channels[index], channels[index + 1]], seed: UInt64(5 + index)), name: "w\(index)")
      var conv = NpuConv2D()
      conv.padding = [Int](repeating: (kernel - 1) / 2, count: 4)
      conv.output = OutputStage(scales: [0.003], low: 0)
      x = graph.append(
        .npu(.conv2d(conv)), [x, weights], type: type([1, size, size, channels[index + 1]]), name: "y\(index)")
    }
    graph.outputs = [x]
    return graph
  }

  /// A residual block: two convolutions, the second with the input as addend.
  static func residual(size: Int, channels: Int, multiplier: Int32) -> Graph {
    var graph = Graph(name: "residual")
    let shape = [1, size, size, channels]
    let x = graph.addInput(name: "x", type: type(shape))
    var conv = NpuConv2D()
    conv.padding = [1, 1, 1, 1]
    conv.output = OutputStage(scales: [0.003], low: 0)
    let w1 = graph.addConstant(random([3, 3, channels, channels], seed: 3), name: "w1")
    let h = graph.append(.npu(.conv2d(conv)), [x, w1], type: type(shape), name: "h")
    conv.residual = true
    conv.residualMultipliers = [multiplier]
    let w2 = graph.addConstant(random([3, 3, channels, channels], seed: 4), name: "w2")
    graph.outputs = [graph.append(.npu(.conv2d(conv)), [h, w2, x], type: type(shape), name: "y")]
    return graph
  }

  /// The graph with another name for every activation; the printer makes them distinct.
  static func renamed(_ graph: Graph, _ name: String) -> Graph {
    var graph = graph
    for operation in graph.operations where operation.op.isNpu { graph.values[operation.result].name = name }
    return graph
  }
}
