import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Operators that only move bytes as copy kernels.
extension KernelLowering {
  func copy(_ concat: NpuConcat, _ operation: Operation) -> CopyKernel {
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
      blocks: blocks, inputShapes: operation.operands.map { shape($0) }, outputShape: result)
  }

  mutating func copy(_ pad: NpuPad, _ operation: Operation, _ name: String) -> CopyKernel {
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
        let (left, right) = (pad.low.last ?? 0, pad.high.last ?? 0)
        fillRows(0, low, 0, outputChannels)
        fillRows(low, rows, 0, left)
        blocks.append(
          CopyKernel.Block(
            source: .input(0), sourceOffset: sourceOffset, sourceStride: channels,
            destinationOffset: destinationOffset + low * outputChannels + left,
            destinationStride: outputChannels, rows: rows, bytes: channels))
        fillRows(low, rows, left + channels, right)
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
    return CopyKernel(blocks: blocks, inputShapes: [input], outputShape: result)
  }

  /// Moves whole pixels where the last axis stays last; otherwise single elements, along the operand's last axis.
  func copy(_ transpose: NpuTranspose, _ operation: Operation) -> CopyKernel {
    let input = shape(operation.operands[0])
    let result = shape(operation.result)
    let rank = input.count
    let keepsPixels = rank == 0 || transpose.permutation.last == rank - 1
    let bytes = keepsPixels ? input.last ?? 1 : 1
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
    return CopyKernel(blocks: blocks, inputShapes: [input], outputShape: result)
  }

  /// Elements from one index of each axis to the next.
  func steps(_ shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    return steps
  }
}
