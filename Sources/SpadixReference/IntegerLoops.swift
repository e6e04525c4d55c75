/// The innermost loops on integers: factors of 16 bits, sums of 32 bits that wrap. The output channel is innermost and
/// contiguous.
enum IntegerLoops {
  /// `sums[i] += factor * values[i]`
  @inline(__always)
  static func addMultiple(
    of values: UnsafeBufferPointer<Int16>, by factor: Int16, to sums: UnsafeMutableBufferPointer<Int32>
  ) {
    for i in 0..<sums.count { sums[i] &+= Int32(factor) &* Int32(values[i]) }
  }

  /// Adds what one tap of a convolution contributes to the sums of all output channels of a pixel.
  static func accumulate(
    _ walk: ConvolutionWalk, _ input: UnsafeBufferPointer<Int16>, _ weights: UnsafeBufferPointer<Int16>,
    _ tap: ConvolutionWalk.Tap, _ sums: UnsafeMutableBufferPointer<Int32>
  ) {
    let pixel = tap.inputPixel * walk.inputChannels
    let (inputs, outputs) = (walk.inputsPerGroup, walk.outputsPerGroup)
    let kernel = tap.kernelTap * inputs * walk.outputChannels
    if inputs == 1 && outputs == 1 {
      for channel in 0..<walk.outputChannels {
        sums[channel] &+= Int32(input[pixel + channel]) &* Int32(weights[kernel + channel])
      }
      return
    }
    for group in 0..<walk.groups {
      let groupSums = UnsafeMutableBufferPointer(rebasing: sums[(group * outputs)..<((group + 1) * outputs)])
      for channel in 0..<inputs {
        let factor = input[pixel + group * inputs + channel]
        // After a relu about half of the inputs are zero.
        if factor == 0 { continue }
        let start = kernel + channel * walk.outputChannels + group * outputs
        addMultiple(
          of: UnsafeBufferPointer(rebasing: weights[start..<(start + outputs)]), by: factor, to: groupSums)
      }
    }
  }
}
