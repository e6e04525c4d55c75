import SpadixIR
import SpadixISA
import SpadixKernel
import SpadixPlan
import SpadixSupport

/// Addresses in DRAM: constants first, then the tensors that cross it, each once or as a part of another.
struct MemoryMap: Sendable {
  private(set) var constantAddress: [UInt64] = []
  /// Per root value; nil where the tensor never leaves the scratchpad.
  private(set) var valueAddress: [UInt64?]
  private(set) var end: UInt64

  /// Start addresses are multiples of the longest DMA request.
  private static let alignment: UInt64 = 64

  init(_ prepared: PreparedKernels, _ plan: Plan) throws {
    let usesDRAM = prepared.rootsInDRAM(plan)
    end = UInt64(Target.firstAddress)
    valueAddress = Array(repeating: nil, count: prepared.graph.values.count)
    for size in prepared.constantSizes(of: plan) { constantAddress.append(take(size)) }
    let used = prepared.graph.values.indices.filter { usesDRAM[$0] }
    let starts = used.map { prepared.parts.start(ValueID($0)) }
    for buffer in Set(starts.map(\.buffer.index)).sorted() {
      valueAddress[buffer] = take(prepared.bufferBytes(ValueID(buffer)))
    }
    for (index, start) in zip(used, starts) {
      valueAddress[index] = valueAddress[start.buffer.index]! + UInt64(start.offset)
    }
    guard end <= UInt64(prepared.target.dramBytes) else {
      throw Diagnostic(
        "codegen.dram",
        "the program needs \(end) bytes of DRAM; '\(prepared.target.name)' has \(prepared.target.dramBytes)",
        help: "raise dram_bytes in the target file")
    }
  }

  private mutating func take(_ bytes: Int) -> UInt64 {
    let address = end
    end = roundUp(end + UInt64(bytes), toMultipleOf: Self.alignment)
    return address
  }
}

extension PreparedKernels {
  /// Bytes of a value's buffer in DRAM, with the padding beside its rows.
  func bufferBytes(_ root: ValueID) -> Int {
    let type = graph.values[root].type
    guard let halo = halos[root] else { return type.elementCount * type.element.byteCount }
    return type.shape[0] * type.shape[1] * (halo.left + type.shape[2] + halo.right) * type.shape[3]
  }

  /// Where a value lies, for the host and for people.
  func binding(_ value: ValueID, _ map: MemoryMap) -> Program.Binding {
    let type = graph.values[value].type
    let root = buffers.root[value]
    let address = map.valueAddress[root.index] ?? 0
    guard let halo = halos[root] else {
      return Program.Binding(
        name: name(value), address: address, type: type, rowStride: parts.isPart(root) ? parts.rows(root).pitch : nil)
    }
    // Rows of pixels as rows of the binding: the padding lies between them.
    var rows = type
    rows.shape = [type.shape[0] * type.shape[1], type.shape[2] * type.shape[3]]
    return Program.Binding(
      name: name(value), address: address + UInt64(halo.left * type.shape[3]), type: rows,
      rowStride: (halo.left + type.shape[2] + halo.right) * type.shape[3])
  }

  /// Of the roots that DRAM holds a part of only, the bytes before it: the last rows of images in groups that operators fetch.
  func partsInDRAM(_ plan: Plan) -> [ValueID: Int] {
    var parts: [ValueID: Int] = [:]
    for group in plan.groups {
      let range = range(of: group)
      let members = kernelGroup(group, plan, range).members
      for (position, member) in range.members.enumerated() where members[position].spilled > 0 {
        let root = buffers.root[graph.operations[operations[member.step]].result]
        let rows = members[position].kernel.store.rows
        parts[root] = bufferBytes(root) / rows * (rows - members[position].spilled)
      }
    }
    return parts
  }

  /// The roots that a plan moves through DRAM, or that the host touches.
  func rootsInDRAM(_ plan: Plan) -> [Bool] {
    var uses = [Bool](repeating: false, count: graph.values.count)
    func mark(_ value: ValueID) { uses[buffers.root[value].index] = true }
    for value in graph.inputs + graph.outputs { mark(value) }
    for (index, step) in plan.steps.enumerated() {
      let operation = graph.operations[operations[index]]
      switch step.nest {
      case .host:
        inputs[index].forEach(mark)
        operation.results.forEach(mark)
      case .tile, .copy:
        for (position, input) in inputs[index].enumerated() where step.inputs[position] == .streamed { mark(input) }
        if step.outputs[0] == .streamed { mark(operation.result) }
      }
    }
    for group in plan.groups {
      for member in range(of: group).members {
        let step = plan.steps[member.step]
        if step.outputs[0] == .rows && member.isNeededOutside {
          mark(graph.operations[operations[member.step]].result)
        }
        for (input, rows) in step.fetched.enumerated() where rows > 0 { mark(inputs[member.step][input]) }
      }
    }
    for piece in plan.pieces where piece.origin == .fetched || piece.spilled { mark(tensors[piece.tensor]) }
    return uses
  }
}
