import SpadixIR

/// The geometry of a convolution: for each pixel of the output, which pixels of the input meet which taps of the kernel.
struct ConvolutionWalk {
  /// An input pixel and the tap of the kernel that it meets.
  struct Tap {
    /// Index of the pixel over batch, height and width.
    var inputPixel: Int
    /// Index of the tap over kernel height and width.
    var kernelTap: Int
  }

  let outputShape: [Int]
  let inputChannels: Int
  let outputChannels: Int
  let groups: Int
  private let input: [Int]
  private let window: Window2D

  var inputsPerGroup: Int { inputChannels / groups }
  var outputsPerGroup: Int { outputChannels / groups }

  init(input: [Int], weights: [Int], strides: [Int], padding: [Int], dilations: [Int], groups: Int) {
    self.input = input
    self.window = Window2D(size: [weights[0], weights[1]], strides: strides, padding: padding, dilations: dilations)
    self.inputChannels = input[3]
    self.outputChannels = weights[3]
    self.groups = groups
    let size = window.outputSize(of: [input[1], input[2]])
    self.outputShape = [input[0], size[0], size[1], weights[3]]
  }

  /// Calls `body` with the index of each output pixel, row-major, and the taps that lie inside the image.
  func forEachPixel(_ body: (_ pixel: Int, _ taps: [Tap]) -> Void) {
    var taps: [Tap] = []
    var pixel = 0
    for batch in 0..<outputShape[0] {
      for row in 0..<outputShape[1] {
        for column in 0..<outputShape[2] {
          taps.removeAll(keepingCapacity: true)
          for kernelRow in 0..<window.size[0] {
            let y = row * window.strides[0] + kernelRow * window.dilations[0] - window.padding[0]
            guard y >= 0, y < input[1] else { continue }
            for kernelColumn in 0..<window.size[1] {
              let x = column * window.strides[1] + kernelColumn * window.dilations[1] - window.padding[1]
              guard x >= 0, x < input[2] else { continue }
              taps.append(
                Tap(
                  inputPixel: (batch * input[1] + y) * input[2] + x,
                  kernelTap: kernelRow * window.size[1] + kernelColumn))
            }
          }
          body(pixel, taps)
          pixel += 1
        }
      }
    }
  }
}
