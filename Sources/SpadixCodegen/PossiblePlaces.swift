import SpadixIR
import SpadixISA
import SpadixKernel

/// Where the operands and the result of an operator may be.
struct PossiblePlaces: Sendable {
  /// Per input, whether the tensor may be in the scratchpad as a whole.
  private(set) var inputMayReside: [Bool]
  /// Per input, the first input that is the same tensor; one tensor has one place.
  private(set) var sameTensor: [Int]
  private(set) var outputMayReside: Bool

  init(_ step: Int, _ kernels: PreparedKernels) {
    let (graph, buffers, target) = (kernels.graph, kernels.buffers, kernels.target)
    let inputs = kernels.inputs[step]
    let result = graph.operations[kernels.operations[step]].result
    inputMayReside = inputs.map { input in
      // A resident tensor's rows are pixels: a view with other channels has other rows.
      let root = buffers.root[input]
      return kernels.halos[root] == nil && graph.values[root].type.element.isInt8
        && buffers.channels(root) == (graph.values[input].type.shape.last ?? 1)
        && buffers.rows(root, dim: target.dim) <= target.scratchpadRows
    }
    var firstOfRoot: [ValueID: Int] = [:]
    sameTensor = inputs.enumerated().map { index, input in
      let root = buffers.root[input]
      let first = firstOfRoot[root] ?? index
      firstOfRoot[root] = first
      return first
    }
    let outputFits = buffers.rows(result, dim: target.dim) <= target.scratchpadRows
    switch kernels.kernels[step] {
    case .tile(let forms):
      for identity in forms[0].kernel.identities where identity.isRepeated { inputMayReside[identity.input] = false }
      let isPooled = forms[0].kernel.store.pooling != nil
      outputMayReside =
        outputFits && target.hasScratchpadStore && (!isPooled || target.hasPooledScratchpadStore)
    case .copy(let copy):
      let canRead = copy.canReadResident()
      let parts = kernels.parts
      // What the result has already is there in DRAM.
      for index in inputMayReside.indices where !canRead[index] || parts.isInPlace(index, of: step) {
        inputMayReside[index] = false
      }
      outputMayReside =
        outputFits && copy.canWriteResident(dim: target.dim) && !parts.hasInPlace(step) && !parts.isPart(result)
    case .host, .alias:
      inputMayReside = inputs.map { _ in false }
      outputMayReside = false
    }
  }
}
