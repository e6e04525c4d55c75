import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor
import Testing

/// A convolution of random shape, compared with the formula of docs/operators.md written as one sum over everything.
private struct RandomConvolution {
  var input: [Int]
  var weights: [Int]
  var conv = NpuConv2D()
  var x: [Int8]
  var w: [Int8]
  var bias: [Int32]

  init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func pick(_ values: [Int]) -> Int { values.randomElement(using: &random)! }
    let groups = pick([1, 1, 2, 3])
    let channels = groups * pick([1, 1, 2, 5])
    let outputs = groups * pick([1, 3, 4])
    conv.strides = [pick([1, 2]), pick([1, 3])]
    conv.padding = [pick([0, 1, 2]), pick([0, 1]), pick([0, 1, 3]), pick([0, 2])]
    conv.dilations = [pick([1, 2]), pick([1, 1, 2])]
    conv.groups = groups
    conv.inputZeroPoint = Int32(pick([0, -128, 127, 5]))
    conv.output = OutputStage(scales: (0..<outputs).map { _ in Float(pick([1, 3, 7])) / 512 }, zeroPoint: 3)
    input = [pick([1, 2]), pick([5, 6, 7]), pick([5, 8]), channels]
    weights = [pick([1, 2, 3]), pick([1, 3]), channels / groups, outputs]
    x = RandomTensor.integers(count: input.reduce(1, *), seed: seed &+ 1, low: -128, high: 127).map { Int8($0) }
    w = RandomTensor.integers(count: weights.reduce(1, *), seed: seed &+ 2, low: -128, high: 127).map { Int8($0) }
    bias = RandomTensor.integers(count: outputs, seed: seed &+ 3, low: -5000, high: 5000)
  }

  func element(_ n: Int, _ i: Int, _ j: Int, _ o: Int) -> Int8 {
    var sum = bias[o]
    let group = o / (weights[3] / conv.groups)
    for ky in 0..<weights[0] {
      for kx in 0..<weights[1] {
        for c in 0..<weights[2] {
          let y = i * conv.strides[0] + ky * conv.dilations[0] - conv.padding[0]
          let column = j * conv.strides[1] + kx * conv.dilations[1] - conv.padding[1]
          guard (0..<input[1]).contains(y), (0..<input[2]).contains(column) else { continue }
          let q = x[((n * input[1] + y) * input[2] + column) * input[3] + group * weights[2] + c]
          sum += (Int32(q) - conv.inputZeroPoint) * Int32(w[((ky * weights[1] + kx) * weights[2] + c) * weights[3] + o])
        }
      }
    }
    return QuantizedArithmetic.requantize(sum, scale: conv.output.scales[o], zeroPoint: 3)
  }
}

@Suite("Convolution against its formula")
struct DifferentialTests {
  @Test("random shapes, strides, padding, dilations and groups", arguments: 0..<200 as Range<UInt64>)
  func convolution(seed: UInt64) throws {
    let random = RandomConvolution(seed: seed)
    var graph = Graph(name: "test")
    let x = graph.addInput(name: "x", type: .i8(random.input))
    let w = graph.addConstant(Tensor(.i8(random.weights), .i8(random.w)), name: "w")
    let b = graph.addConstant(Tensor(.i32([random.weights[3]]), .i32(random.bias)), name: "b")
    let types = [x, w, b].map { graph.type(of: $0) }
    let op = Operator.npu(.conv2d(random.conv))
    guard let shape = op.inferredShape(types) else { return }
    graph.outputs = [graph.append(op, [x, w, b], type: .i8(shape))]
    try graph.verify()
    let output = try IntegerEvaluator(graph: graph, data: DataStore()).run(
      inputs: [Tensor(.i8(random.input), .i8(random.x))])[0].int8s
    var position = 0
    for n in 0..<shape[0] {
      for i in 0..<shape[1] {
        for j in 0..<shape[2] {
          for o in 0..<shape[3] {
            #expect(output[position] == random.element(n, i, j, o), "seed \(seed) at \([n, i, j, o])")
            position += 1
          }
        }
      }
    }
  }
}
