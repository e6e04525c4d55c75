import SpadixIR
import SpadixSupport
import SpadixTensor

/// Convolutions of images with few channels: the taps of a row lie side by side in the channels.
///
/// A pixel of few channels leaves most of the array's rows idle, while `KW` neighbouring pixels are contiguous in DRAM: with
/// their padding beside each image row, what an output pixel sees of it is one row of local memory. Where that leaves room,
/// what the next output pixels see fits as well, and one request brings it all:
///
///     3x3, stride 2, 3 channels       image row in DRAM    r g b r g b r g b r g b r g b
///                                     output pixel x       [---------------]
///                                     output pixel x + 1               [---------------]
///
/// Weights are then there once for each of the pixels, from the channel on where it begins to see, between zeros.
struct PackedRows {
  /// How many output pixels can share a row of local memory: 1 first.
  private(set) var pixels = [1]

  /// More of them read less, and change weights more often for fewer pixels each.
  private static let mostPixels = 4

  /// - Parameter window: of the convolution, whose taps are not packed yet.
  init(_ window: InputWindow, outputColumns: Int, dim: Int) {
    let seen = window.kernelColumns * window.inputChannels
    for count in stride(from: 2, through: min(Self.mostPixels, outputColumns), by: 1) {
      let channels = (count - 1) * window.strideColumns * window.inputChannels + seen
      // What needs no more matrices than one pixel does.
      if ceilDivide(channels, dim) == ceilDivide(seen, dim) { pixels.append(count) }
    }
  }

  /// Output pixels from the first one to behind the last one that a row has room for, with any number of them.
  func end(outputColumns: Int) -> Int {
    pixels.reduce(outputColumns) { max($0, roundUp(outputColumns, toMultipleOf: $1)) }
  }
}

extension KernelLowering {
  /// Whether a convolution's input is better loaded with the taps of a row side by side in the channels, and the
  /// padding that must then lie beside each row in DRAM.
  public static func packedRowsHalo(_ conv: NpuConv2D, input: [Int], kernel: [Int], dim: Int) -> Halo? {
    let plain = kernel[1] * ceilDivide(input[3], dim)
    let packed = ceilDivide(kernel[1] * input[3], dim)
    guard conv.groups == 1, conv.dilations[1] == 1, packed * 2 <= plain else { return nil }
    let window = Window2D(
      size: [kernel[0], kernel[1]], strides: conv.strides, padding: conv.padding, dilations: conv.dilations)
    let columns = window.outputSize(of: [input[1], input[2]])[1]
    let rows = PackedRows(
      InputWindow(
        inputRows: input[1], inputColumns: input[2], inputChannels: input[3], kernelColumns: kernel[1],
        strideColumns: conv.strides[1]), outputColumns: columns, dim: dim)
    let reach = (rows.end(outputColumns: columns) - 1) * conv.strides[1] + kernel[1] - conv.padding[1]
    return Halo(left: conv.padding[1], right: max(0, reach - input[2]), value: Int8(conv.inputZeroPoint))
  }

  /// A contraction whose input columns hold what so many output pixels see.
  func packedRows(
    _ contraction: TileKernel.Contraction, halo: Halo, outputColumns: Int, pixels: Int
  ) -> TileKernel.Contraction {
    var packed = contraction
    let window = contraction.window
    let row = (halo.left + window.inputColumns + halo.right) * window.inputChannels
    let pitch = window.strideColumns * window.inputChannels
    packed.window.inputChannels = (pixels - 1) * pitch + window.kernelColumns * window.inputChannels
    packed.window.inputColumns = ceilDivide(outputColumns, pixels)
    packed.window.kernelColumns = pixels
    packed.window.strideColumns = 1
    packed.window.dilationColumns = pixels > 1 ? 0 : 1
    packed.window.paddingLeft = 0
    packed.window.columnPixels = pixels
    packed.window.pixelChannels = pixels > 1 ? pitch : 0
    packed.view = TileKernel.DRAMView(
      offset: (halo.left - window.paddingLeft) * window.inputChannels, image: window.inputRows * row, row: row,
      pixel: pixels * pitch)
    return packed
  }
}
