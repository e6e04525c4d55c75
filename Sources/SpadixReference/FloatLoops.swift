/// The innermost loops on Float32. The output channel is innermost and contiguous.
enum FloatLoops {
  /// `sums[i] += factor * values[i]`
  @inline(__always)
  static func addMultiple(
    of values: UnsafeBufferPointer<Float>, by factor: Float, to sums: UnsafeMutableBufferPointer<Float>
  ) {
    for i in 0..<sums.count { sums[i] += factor * values[i] }
  }

  /// Adds what one tap of a convolution contributes to the sums of all output channels of a pixel.
  static func accumulate(
    _ walk: ConvolutionWalk, _ input: UnsafeBufferPointer<Float>, _ weights: UnsafeBufferPointer<Float>,
    _ tap: ConvolutionWalk.Tap, _ sums: UnsafeMutableBufferPointer<Float>
  ) {
    let pixel = tap.inputPixel * walk.inputChannels
    let (inputs, outputs) = (walk.inputsPerGroup, walk.outputsPerGroup)
    let kernel = tap.kernelTap * inputs * walk.outputChannels
    if inputs == 1 && outputs == 1 {
      for channel in 0..<walk.outputChannels { sums[channel] += input[pixel + channel] * weights[kernel + channel] }
      return
    }
    for group in 0..<walk.groups {
      let groupSums = UnsafeMutableBufferPointer(rebasing: sums[(group * outputs)..<((group + 1) * outputs)])
      for channel in 0..<inputs {
        let start = kernel + channel * walk.outputChannels + group * outputs
        addMultiple(
          of: UnsafeBufferPointer(rebasing: weights[start..<(start + outputs)]),
          by: input[pixel + group * inputs + channel], to: groupSums)
      }
    }
  }
}
