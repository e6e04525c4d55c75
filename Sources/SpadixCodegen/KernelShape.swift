import SpadixKernel

/// All of a kernel that the choice of tilings depends on.
struct KernelShape: Hashable {
  private let sizes: [Int]
  private let places: KernelPlaces

  init(_ kernel: TileKernel, _ places: KernelPlaces) {
    var sizes = [kernel.images, kernel.rows, kernel.columns, kernel.channels, kernel.store.rows, kernel.store.columns]
    sizes.append(kernel.store.channelBytes)
    sizes.append(kernel.store.tableConstant == nil ? 0 : 1)
    sizes.append(kernel.store.pair == nil ? 0 : 1)
    if let pooling = kernel.store.pooling { sizes += [pooling.window, pooling.stride, pooling.top, pooling.left] }
    if let bias = kernel.bias {
      sizes += bias.isUniform ? [-1] : [-2] + bias.rowClass + bias.columnClass + [-5] + bias.zeroClass
      sizes.append(bias.paddingTaps == nil ? 0 : 1)
    }
    for identity in kernel.identities {
      sizes += [
        -3, identity.passes, identity.multipliers.count, identity.isPlainSum ? 1 : 0, identity.isRepeated ? 1 : 0,
      ]
    }
    if let contraction = kernel.contraction {
      sizes += [
        -4, contraction.window.inputRows, contraction.window.inputColumns, contraction.window.inputChannels,
        contraction.window.kernelRows,
        contraction.window.kernelColumns, contraction.window.strideRows, contraction.window.strideColumns,
        contraction.window.dilationRows,
        contraction.window.dilationColumns, contraction.window.paddingTop, contraction.window.paddingLeft,
        contraction.window.columnPixels, contraction.window.pixelChannels,
      ]
      switch contraction.weights {
      case .dense: sizes.append(0)
      case .activation(_, let transposed): sizes.append(transposed ? 1 : 2)
      case .packed(let packed): sizes += [3] + packed.firstChannel + packed.channelCount
      case .diagonal: sizes.append(4)
      case .ones: sizes.append(5)
      case .expanded: sizes.append(6)
      }
    }
    self.sizes = sizes
    self.places = places
  }
}
