extension TileProgram {
  /// The program as statements, a line each.
  ///
  /// - Parameter indent: before each line.
  public func text(indent: String = "") -> String {
    var printer = TilePrinter(names: TileNames(buffers: buffers), indent: indent)
    printer.print(self)
    return printer.text
  }
}

private struct TilePrinter {
  let names: TileNames
  let indent: String
  var text = ""
  /// The tile that statements without one of their own are about.
  private var tile: SumTile?

  init(names: TileNames, indent: String) {
    self.names = names
    self.indent = indent
  }

  mutating func print(_ program: TileProgram) {
    statement("program", program, TileStatements.program)
    for buffer in program.buffers {
      statement(
        "buffer \(buffer.name) = \(buffer.contents.rawValue)" + (buffer.tensor == nil ? "" : " of tensor"), buffer,
        TileStatements.buffer)
    }
    for window in program.windows { statement("window", window, TileStatements.window) }
    if let sums = program.sums {
      statement("sums", sums, TileStatements.sums)
      if let pooling = sums.store.pooling { statement("pooling", pooling, TileStatements.pooling) }
      if let bias = sums.bias { statement("biases", bias, TileStatements.bias) }
    }
    for operation in program.operations { print(operation) }
  }

  private mutating func print(_ operation: TileOperation) {
    switch operation {
    case .begin(let tile):
      self.tile = tile
      statement("begin", tile, TileStatements.tile)
    case .load(let load): statement("load", load, TileStatements.load)
    case .zero(let zero): statement("zero", zero, TileStatements.zero)
    case .bias(let bias):
      moveTo(bias.tile)
      statement("bias", bias, TileStatements.tileBias)
    case .diagonals(let diagonals): statement("diagonals", diagonals, TileStatements.diagonals)
    case .multiply(let product):
      moveTo(product.tile)
      statement("multiply", product, TileStatements.multiply)
    case .store(let store):
      if let sums = store.sums { moveTo(sums.tile) }
      statement("store", store, TileStatements.store)
    case .copy(let copy): statement("copy", copy, TileStatements.copy)
    case .host: text += "\(indent)host\n"
    }
  }

  private mutating func moveTo(_ tile: SumTile) {
    if self.tile == tile { return }
    self.tile = tile
    statement("tile", tile, TileStatements.tile)
  }

  private mutating func statement<Record>(_ name: String, _ record: Record, _ fields: [TileField<Record>]) {
    text += indent
    text += name
    for field in fields {
      guard let value = field.text(record, names) else { continue }
      text += " "
      text += field.name
      text += " = "
      text += value
    }
    text += "\n"
  }
}
