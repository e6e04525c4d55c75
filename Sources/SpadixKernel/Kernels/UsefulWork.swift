extension TileKernel {
  /// Products that the operator asks for, without those with padding.
  public var usefulMACs: Int {
    var products = identities.count * images * rows * columns * channels
    guard let contraction else { return products }
    let window = contraction.window
    let tapRows = (0..<window.kernelRows).reduce(0) { $0 + window.validRows(0..<rows, tapRow: $1).count }
    let tapColumns = (0..<window.kernelColumns).reduce(0) {
      $0 + window.validColumns(0..<columns, tapColumn: $1).count
    }
    let perTap: Int
    switch contraction.weights {
    case .dense, .activation: perTap = window.seenChannels * channels
    case .packed(let packed): perTap = packed.usefulProducts
    case .diagonal, .expanded, .ones: perTap = channels
    }
    products += images * tapRows * tapColumns * perTap
    return products
  }
}
