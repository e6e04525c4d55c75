import SpadixIR
import SpadixSupport
import SpadixTensor

/// Random f32 graphs over all operators and awkward shapes; the same seed gives the same graph.
struct RandomFloatGraph {
  private(set) var graph: Graph
  private var generator: SplitMix64
  private var images: [ValueID] = []
  private var matrices: [ValueID] = []

  init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
    graph = Graph(name: "random_\(seed)")
    for index in 0..<pick([1, 1, 2]) {
      let shape = [pick([1, 1, 2]), pick([1, 4, 5, 7]), pick([1, 3, 5, 8]), pick([1, 3, 5, 8, 17])]
      images.append(graph.addInput(name: "x\(index)", type: .f32(shape)))
    }
    for _ in 0..<Int.random(in: 2...9, using: &generator) { step() }
    let uses = graph.useLists()
    for index in graph.values.indices where uses[index].isEmpty && !graph.isConstant(ValueID(index)) {
      graph.outputs.append(ValueID(index))
    }
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element { choices.randomElement(using: &generator)! }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
  private func shape(_ value: ValueID) -> [Int] { graph.values[value].type.shape }

  private mutating func constant(_ shape: [Int], low: Float = -1, high: Float = 1) -> ValueID {
    let source = RandomSource(seed: generator.next() >> 12, distribution: .uniform(low: low, high: high))
    let data = graph.addData(DataDefinition(name: "c\(graph.data.count)", type: .f32(shape), source: .random(source)))
    return graph.append(.constant(Constant(data: data)), [], type: .f32(shape))
  }

  private mutating func image(_ op: Operator, _ operands: [ValueID], _ shape: [Int]) {
    images.append(graph.append(op, operands, type: .f32(shape), name: "v\(graph.values.count)"))
  }

  private mutating func matrix(_ op: Operator, _ operands: [ValueID], _ shape: [Int]) {
    matrices.append(graph.append(op, operands, type: .f32(shape), name: "v\(graph.values.count)"))
  }

  /// Bounds of every kind: relu6, symmetric or not, on one side only, both above or both below zero.
  private mutating func activation() -> Activation {
    let near = Float.random(in: 0.01...1, using: &generator)
    let far = near + Float.random(in: 0.01...2, using: &generator)
    return pick([
      .relu, .clamp(low: 0, high: 6), .clamp(low: 0, high: near), .clamp(low: -near, high: near),
      .clamp(low: -near, high: far), .clamp(low: -far, high: near), .clamp(low: near, high: far),
      .clamp(low: -far, high: -near), .clamp(low: -near, high: .infinity), .clamp(low: near, high: .infinity),
      .clamp(low: -.infinity, high: near), .clamp(low: -.infinity, high: -near), .clamp(low: -near, high: 0),
    ])
  }

  /// Written into the operator itself, as graphs of strangers may have it.
  private mutating func fused() -> Activation { chance(25) ? activation() : .none }

  private mutating func step() {
    let x = pick(images)
    let shape = shape(x)
    switch Int.random(in: 0..<20, using: &generator) {
    case 0, 1, 2: convolution(x, shape)
    case 3:
      var operands = [x]
      for index in 0..<4 { operands.append(constant([shape[3]], low: index == 3 ? 0.5 : -1, high: 2)) }
      image(.batchNorm(BatchNorm()), operands, shape)
    case 4, 5:
      switch activation() {
      case .none, .relu: image(.relu(Relu()), [x], shape)
      case .clamp(let low, let high): image(.clamp(Clamp(low: low, high: high)), [x], shape)
      }
    case 6, 7: pooling(x, shape)
    case 8:
      var average = GlobalAvgPool2D()
      average.activation = fused()
      image(.globalAvgPool2d(average), [x], [shape[0], 1, 1, shape[3]])
    case 9, 10:
      let partner = pick(images.filter { self.shape($0) == shape })
      var add = Add()
      add.activation = fused()
      image(.add(add), [x, partner], shape)
    case 11:
      var mul = Mul()
      mul.activation = fused()
      image(.mul(mul), [x, constant(pick([[], [1], [shape[3]]]))], shape)
    case 12:
      let partner = pick(images.filter { self.shape($0).dropLast() == shape.dropLast() })
      image(
        .concat(Concat(axis: pick([3, -1]))), [x, partner], shape.dropLast() + [shape[3] + self.shape(partner)[3]])
    case 13:
      let low = [0, pick([0, 1]), pick([0, 2]), pick([0, 0, 1])]
      let high = [0, pick([0, 1]), pick([0, 1]), 0]
      image(
        .pad(Pad(low: low, high: high, value: pick([0, 0, 0.5, -0.25]))), [x],
        (0..<4).map { low[$0] + shape[$0] + high[$0] })
    case 14:
      let permutation = pick([[0, 2, 1, 3], [0, 1, 3, 2], [1, 0, 2, 3]])
      image(.transpose(Transpose(permutation: permutation)), [x], permutation.map { shape[$0] })
    case 15: image(.softmax(Softmax(axis: pick([-1, 3, 1]))), [x], shape)
    case 16, 17:
      let function: UnaryFunction = pick([
        .hardSwish, .sigmoid, .tanh, .gelu, .silu, .leakyRelu, .hardSigmoid, .erf, .softplus, .abs, .elu, .mish,
        .thresholdedRelu, .shrink, .softsign,
      ])
      image(.computing(Unary(function, alpha: 0.3, beta: 0.5)), [x], shape)
    case 18:
      // A partner of the same shape, or a row for each image.
      var partner = pick(images.filter { self.shape($0) == shape })
      if chance(50) {
        partner = graph.append(
          .globalAvgPool2d(GlobalAvgPool2D()), [x], type: .f32([shape[0], 1, 1, shape[3]]),
          name: "v\(graph.values.count)")
      }
      image(.computing(Binary(pick([.mul, .mul, .add, .sub, .max]))), [x, partner], shape)
    default: product(x, shape)
    }
  }

  private mutating func convolution(_ x: ValueID, _ shape: [Int]) {
    var convolution = Conv2D()
    convolution.groups = chance(30) ? shape[3] : 1
    convolution.strides = [pick([1, 1, 2]), pick([1, 1, 2])]
    convolution.padding = (0..<4).map { _ in pick([0, 1, 1, 2]) }
    convolution.dilations = [pick([1, 1, 2]), 1]
    let channels = convolution.groups > 1 ? shape[3] * pick([1, 1, 2]) : pick([1, 3, 5, 17, shape[3]])
    let kernel = [pick([1, 2, 3]), pick([1, 3])]
    let window = Window2D(
      size: kernel, strides: convolution.strides, padding: convolution.padding, dilations: convolution.dilations)
    let size = window.outputSize(of: [shape[1], shape[2]])
    guard size[0] > 0, size[1] > 0 else { return }
    convolution.activation = fused()
    var operands = [x, constant(kernel + [shape[3] / convolution.groups, channels])]
    if chance(60) { operands.append(constant([channels])) }
    image(.conv2d(convolution), operands, [shape[0], size[0], size[1], channels])
  }

  private mutating func pooling(_ x: ValueID, _ shape: [Int]) {
    let window = pick([[2, 2], [3, 3], [3, 3], [5, 5], [1, 2], [4, 4], [6, 6]])
    let strides = pick([[1, 1], [2, 2], [2, 1], [4, 4], [5, 5]])
    let padding = (0..<4).map { min(pick([0, 0, 1, 2]), window[$0 % 2] - 1) }
    let size = Window2D(size: window, strides: strides, padding: padding).outputSize(of: [shape[1], shape[2]])
    guard size[0] > 0, size[1] > 0 else { return }
    let result = [shape[0], size[0], size[1], shape[3]]
    if chance(60) {
      image(.maxPool2d(MaxPool2D(window: window, strides: strides, padding: padding)), [x], result)
    } else {
      image(
        .avgPool2d(
          AvgPool2D(
            window: window, strides: strides, padding: padding, countIncludePad: chance(50), activation: fused())), [x],
        result)
    }
  }

  private mutating func product(_ x: ValueID, _ shape: [Int]) {
    let rows = shape[0] * shape[1]
    let columns = shape[2] * shape[3]
    let a = graph.append(.reshape(Reshape()), [x], type: .f32([rows, columns]), name: "v\(graph.values.count)")
    var product = MatMul()
    product.activation = fused()
    if chance(25) {
      heads(x, shape)
      return
    }
    if let b = matrices.first(where: { self.shape($0)[1] == columns }), chance(60) {
      product.transposeB = true
      matrix(.matmul(product), [a, b], [rows, self.shape(b)[0]])
    } else {
      product.transposeB = chance(40)
      let width = pick([1, 3, 5, 17])
      let weights = constant(product.transposeB ? [width, columns] : [columns, width])
      matrix(.matmul(product), chance(50) ? [a, weights, constant([width])] : [a, weights], [rows, width])
    }
    if chance(40) {
      let last = matrices[matrices.count - 1]
      matrix(.transpose(Transpose(permutation: [1, 0])), [last], self.shape(last).reversed())
    }
    if chance(30) {
      let last = matrices[matrices.count - 1]
      let size = self.shape(last)[product.transposeB ? 0 : 1]
      if product.transposeB {
        matrix(.matmul(MatMul()), squared(last), [size, size])
      } else {
        matrix(.matmul(transposedA()), [last, last], [size, size])
      }
    }
  }

  /// A matrix of weights for each image and row.
  private mutating func heads(_ x: ValueID, _ shape: [Int]) {
    var product = MatMul()
    product.activation = fused()
    product.transposeB = chance(30)
    let width = pick([1, 3, 5])
    let matrix = product.transposeB ? [width, shape[3]] : [shape[3], width]
    var operands = [x, constant(Array(shape[..<2]) + matrix)]
    if chance(50) { operands.append(constant([width])) }
    image(.matmul(product), operands, [shape[0], shape[1], shape[2], width])
  }

  private func transposedA() -> MatMul {
    var product = MatMul()
    product.transposeA = true
    return product
  }

  /// A matrix and its transpose.
  private mutating func squared(_ value: ValueID) -> [ValueID] {
    let transposed = graph.append(
      .transpose(Transpose(permutation: [1, 0])), [value], type: .f32(shape(value).reversed()),
      name: "v\(graph.values.count)")
    return [value, transposed]
  }
}
