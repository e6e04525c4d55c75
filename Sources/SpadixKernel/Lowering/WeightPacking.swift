import SpadixSupport
import SpadixTensor

/// How the weights of a convolution lie in DRAM.
extension KernelLowering {
  mutating func pack(_ weights: Tensor, groups: Int, channels: Int, _ name: String) -> TileKernel.Weights {
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
  func diagonalsFit(taps: Int) -> Bool {
    dim - 1 + dim * dim + taps + taps * dim + 4 * dim <= target.scratchpadRows / 2
  }

  /// Blocks of `dim` outputs over the input channels that their groups read, zeros where a group does not.
  mutating func packGroups(
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
      let end = min(channels, ceilDivide(high, dim) * dim)
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
}
