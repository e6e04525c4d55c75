import SpadixIR
import SpadixISA
import SpadixTensor
import Testing

@testable import SpadixCodegen

/// Graphs of tensors `[1, 2, 2, channels]` that are joined; `%x` is an input, all others are computed.
private struct JoinedGraph {
  private var graph = Graph(name: "joined")
  private let input: ValueID

  init() { input = graph.addInput(name: "x", type: NpuGraphs.type([1, 2, 2, 16])) }

  var x: ValueID { input }

  mutating func computed(_ channels: Int, from operand: ValueID? = nil) -> ValueID {
    let operand = operand ?? input
    let inputs = graph.values[operand].type.shape[3]
    let weights = graph.addConstant(
      NpuGraphs.random([1, 1, inputs, channels], seed: 1), name: "weights\(graph.values.count)")
    var conv = NpuConv2D()
    conv.output = OutputStage(scales: [0.01])
    return graph.append(.npu(.conv2d(conv)), [operand, weights], type: NpuGraphs.type([1, 2, 2, channels]))
  }

  mutating func joined(_ operands: [ValueID], axis: Int = 3) -> ValueID {
    var shape = graph.values[operands[0]].type.shape
    shape[axis] = operands.reduce(0) { $0 + graph.values[$1].type.shape[axis] }
    return graph.append(.npu(.concat(NpuConcat(axis: axis))), operands, type: NpuGraphs.type(shape))
  }

  mutating func reshaped(_ operand: ValueID, _ shape: [Int]) -> ValueID {
    graph.append(.npu(.reshape(NpuReshape())), [operand], type: NpuGraphs.type(shape))
  }

  mutating func kernels(returning outputs: [ValueID]) throws -> PreparedKernels {
    graph.outputs = outputs
    return try CodeGenerator(target: .gemmini).prepare(graph, data: DataStore())
  }
}

extension PreparedKernels {
  fileprivate func place(_ value: ValueID) -> [Int] {
    let start = parts.start(value)
    return [start.buffer.index, start.offset, parts.rows(value).pitch]
  }

  /// Of the operator that makes a value, the operands that are there already.
  fileprivate func inPlace(_ value: ValueID) -> [Bool] {
    let step = operations.firstIndex { graph.operations[$0].result == value }!
    return inputs[step].indices.map { parts.isInPlace($0, of: step) }
  }
}

@Suite("Operands of concatenations in the rows of their results") struct DRAMPartsTests {
  @Test func whatAnEarlierOneJoinsIsAPartOfTheLast() throws {
    var it = JoinedGraph()
    let (a, b, c) = (it.computed(32), it.computed(8), it.computed(24))
    let two = it.joined([a, b])
    let four = it.joined([c, a, b, it.computed(16, from: two)])
    let kernels = try it.kernels(returning: [four])
    #expect(kernels.place(four) == [four.index, 0, 80])
    #expect(kernels.place(c) == [four.index, 0, 80])
    #expect(kernels.place(a) == [four.index, 24, 80])
    #expect(kernels.place(b) == [four.index, 56, 80])
    #expect(kernels.place(two) == [four.index, 24, 80])
    #expect(kernels.inPlace(two) == [true, true])
    #expect(kernels.inPlace(four) == [true, true, true, true])
  }

  @Test func whatIsCopiedIsCopiedOnce() throws {
    var it = JoinedGraph()
    let (a, b) = (it.computed(16), it.computed(16))
    let (first, second) = (it.joined([it.x, a]), it.joined([b, it.x]))
    let all = it.joined([b, it.x, a])
    let kernels = try it.kernels(returning: [it.computed(8, from: first), it.computed(8, from: second), all])
    // The input of the graph lies by itself. One of the earlier ones copies it, where the last has it.
    #expect(kernels.place(it.x) == [it.x.index, 0, 16])
    #expect([first, second].filter { kernels.parts.isPart($0) }.count == 1)
    #expect(kernels.inPlace(all) == [true, true, true])
  }

  @Test func rowsOfPixelsLieBehindEachOther() throws {
    var it = JoinedGraph()
    let (a, b) = (it.computed(16), it.computed(16))
    let rows = it.joined([a, b], axis: 1)
    let columns = it.joined([it.computed(16), it.computed(16)], axis: 2)
    let kernels = try it.kernels(returning: [rows, columns])
    #expect(kernels.place(b) == [rows.index, 64, 16])
    // Pixels of an image row of one, then of the other: not evenly spaced.
    #expect(kernels.inPlace(columns) == [false, false])
  }

  @Test func aTensorHasOnePlace() throws {
    var it = JoinedGraph()
    let (a, b) = (it.computed(16), it.computed(16))
    let (first, second) = (it.joined([a, b]), it.joined([b, a, a]))
    let kernels = try it.kernels(returning: [first, second])
    #expect(kernels.inPlace(second) == [true, true, false])
    #expect(kernels.inPlace(first) == [false, false])
  }

  @Test func whatIsReadWithoutGapsLiesByItself() throws {
    var it = JoinedGraph()
    let (a, b) = (it.computed(16), it.computed(16))
    let flat = it.reshaped(a, [1, 1, 1, 64])
    let two = it.joined([a, b])
    let kernels = try it.kernels(returning: [it.computed(8, from: flat), two])
    #expect(kernels.inPlace(two) == [false, true])
  }

  @Test func rowsWithGaps() {
    let rows = DRAMRows(pixelBytes: 48, pitch: 80)
    #expect(rows.offset(3 * 48 + 32) == 3 * 80 + 32)
    #expect(rows.stride(2 * 48) == 160)
    func move(_ offset: Int, _ stride: Int, _ columns: Int) -> DRAMRows.Move {
      DRAMRows.Move(operand: .output, offset: offset, strides: [stride], columns: columns)
    }
    #expect(rows.hasRows(move(96 + 16, 96, 32)))
    #expect(!rows.hasRows(move(96 + 17, 96, 32)))
    #expect(!rows.hasRows(move(0, 24, 16)))
    #expect(DRAMRows(pixelBytes: 48, pitch: 48).hasRows(move(17, 5, 100)))
  }
}
