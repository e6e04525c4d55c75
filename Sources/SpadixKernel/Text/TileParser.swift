import SpadixIR
import SpadixSupport

/// A tile program that was read, and where each of its operations stands.
public struct ParsedTileProgram {
  public var program: TileProgram
  /// Per operation.
  public var ranges: [SourceRange]
  /// Of the program as a whole.
  public var range: SourceRange
}

extension TileProgram {
  /// Reads the statements of a program up to a closing brace, which it leaves. Throws a diagnostic at the first that is
  /// malformed; whether the program makes sense is the verifier's question.
  public static func parse(_ tokens: inout TokenReader) throws -> ParsedTileProgram {
    var parser = TileParser(tokens)
    let parsed = try parser.run()
    tokens = parser.reader.tokens
    return parsed
  }
}

private struct TileParser {
  var reader: TileStatementReader
  private var program = TileProgram()
  private var ranges: [SourceRange] = []
  private var tile: SumTile?

  init(_ tokens: TokenReader) { reader = TileStatementReader(tokens: tokens) }

  mutating func run() throws -> ParsedTileProgram {
    let start = reader.tokens.mark
    while !reader.tokens.isAtEnd && reader.tokens.next != "}" {
      let mark = reader.tokens.mark
      let name = try reader.tokens.word("a statement", TileStatementReader.id)
      let count = program.operations.count
      try statement(name, mark)
      if !reader.tokens.isAtLineStart && !reader.tokens.isAtEnd {
        throw reader.tokens.failure(
          TileStatementReader.id, "expected the end of the line, found '\(reader.tokens.next)'")
      }
      if program.operations.count > count { ranges.append(reader.tokens.range(mark)) }
    }
    return ParsedTileProgram(program: program, ranges: ranges, range: reader.tokens.range(start))
  }

  private mutating func statement(_ name: String, _ mark: TokenReader.Mark) throws {
    switch name {
    case "program": try reader.fields(TileStatements.program, into: &program)
    case "buffer": try buffer()
    case "window":
      var window = InputWindow(inputRows: 0, inputColumns: 0, inputChannels: 0)
      try reader.fields(TileStatements.window, into: &window)
      program.windows.append(window)
    case "sums":
      if program.sums != nil {
        throw reader.tokens.failure("tiles.sums", "a program computes one image of sums", at: mark)
      }
      program.sums = try sums()
    case "pooling":
      var pooling = TileKernel.Pooling(window: 1, stride: 1, top: 0, left: 0)
      try reader.fields(TileStatements.pooling, into: &pooling)
      try needSums(name, mark)
      program.sums!.store.pooling = pooling
    case "biases":
      var bias = TileKernel.Bias(
        constant: ConstantID(0), columnClasses: 1, rowClass: [], columnClass: [], isUniform: false)
      try reader.fields(TileStatements.bias, into: &bias)
      try needSums(name, mark)
      program.sums!.bias = bias
    case "begin":
      tile = try sumTile()
      program.operations.append(.begin(tile!))
    case "tile": tile = try sumTile()
    case "bias":
      var bias = TileBias(tile: try currentTile(name, mark))
      try reader.fields(TileStatements.tileBias, into: &bias)
      program.operations.append(.bias(bias))
    case "load":
      var load = TileLoad(.blank)
      try reader.fields(TileStatements.load, into: &load)
      program.operations.append(.load(load))
    case "zero":
      var zero = TileZero(.blank, rows: 0)
      try reader.fields(TileStatements.zero, into: &zero)
      program.operations.append(.zero(zero))
    case "diagonals":
      var diagonals = TileDiagonals(blocks: 0..<0, taps: 0, oneHot: .blank, compact: .blank, matrices: .blank)
      try reader.fields(TileStatements.diagonals, into: &diagonals)
      program.operations.append(.diagonals(diagonals))
    case "multiply":
      let tile = try currentTile(name, mark)
      var product = TileMultiply(
        tile: tile, window: 0, taps: 0..<0, blocks: tile.blocks, inputBlocks: nil,
        source: TileMultiply.PixelSource(place: .blank, blockStride: 0, plane: PlaneLayout(pitch: 0)),
        weights: TileMultiply.WeightSource(place: .blank))
      try reader.fields(TileStatements.multiply, into: &product)
      program.operations.append(.multiply(product))
    case "store": program.operations.append(.store(try store()))
    case "copy":
      var copy = TileCopy(
        .output, offset: 0, stride: 0, outputOffset: 0, outputStride: 0, rows: 0, columns: 0, local: .blank)
      try reader.fields(TileStatements.copy, into: &copy)
      program.operations.append(.copy(copy))
    case "host": program.operations.append(.host)
    default:
      throw reader.tokens.failure(
        "tiles.statement",
        "'\(name)' is no statement; there are program, buffer, window, sums, pooling, biases, begin, tile, bias, load, zero, "
          + "diagonals, multiply, store, copy and host", at: mark)
    }
  }

  private mutating func buffer() throws {
    let mark = reader.tokens.mark
    let name = try reader.tokens.word("a name", TileStatementReader.id)
    if reader.buffers.contains(where: { $0.name == name }) {
      throw reader.tokens.failure("tiles.buffer", "there is a buffer '\(name)' already", at: mark)
    }
    try reader.tokens.expect("=", TileStatementReader.id)
    let kind = reader.tokens.mark
    let word = try reader.tokens.word("pixels, weights or sums", TileStatementReader.id)
    guard let contents = LocalBuffer.Contents(rawValue: word) else {
      throw reader.tokens.failure(TileStatementReader.id, "expected pixels, weights or sums, found '\(word)'", at: kind)
    }
    var buffer = LocalBuffer(name: name, contents: contents, rows: 0)
    if reader.tokens.accept("of") {
      // A tensor's buffer has its name.
      try reader.tokens.expect("tensor", TileStatementReader.id)
      switch name.split(separator: ".").first {
      case "input": buffer.tensor = name.split(separator: ".").last.flatMap { Int($0) }.map { .input($0) }
      case "output": buffer.tensor = .output
      default: break
      }
      guard let tensor = buffer.tensor, tensor.name == name else {
        throw reader.tokens.failure(
          "tiles.buffer", "the rows of a tensor are called input.N or output, not '\(name)'", at: mark)
      }
    }
    try reader.fields(TileStatements.buffer, into: &buffer)
    reader.buffers.append(buffer)
    program.buffers.append(buffer)
  }

  private mutating func sums() throws -> SumImage {
    var sums = SumImage(
      rows: 0, columns: 0, channels: 0, bias: nil,
      store: TileKernel.Store(output: OutputStage(), scaleConstant: nil, pooling: nil, rows: 0, columns: 0))
    try reader.fields(TileStatements.sums, into: &sums)
    return sums
  }

  private mutating func sumTile() throws -> SumTile {
    let none = 0..<0
    let place = OutputTile(image: 0, storedRows: none, storedColumns: none, rows: none, columns: none)
    var tile = SumTile(place, blocks: none, slot: 0)
    // The stored region is that of the sums unless it stands there.
    tile.storedRows = -1 ..< -1
    tile.storedColumns = -1 ..< -1
    try reader.fields(TileStatements.tile, into: &tile)
    if tile.storedRows.lowerBound < 0 { tile.storedRows = tile.rows }
    if tile.storedColumns.lowerBound < 0 { tile.storedColumns = tile.columns }
    return tile
  }

  private mutating func store() throws -> TileStore {
    var store = TileStore(.blank, sums: tile.map { TileStore.Sums(tile: $0, block: -1) })
    store.transfer.operand = .output
    try reader.fields(TileStatements.store, into: &store)
    if store.sums?.block == -1 { store.sums = nil }
    return store
  }

  private func currentTile(_ name: String, _ mark: TokenReader.Mark) throws -> SumTile {
    guard let tile else {
      throw reader.tokens.failure("tiles.tile", "no tile has begun before this '\(name)'", at: mark)
    }
    return tile
  }

  private func needSums(_ name: String, _ mark: TokenReader.Mark) throws {
    if program.sums == nil {
      throw reader.tokens.failure("tiles.sums", "'\(name)' belongs to sums, which have not been declared", at: mark)
    }
  }
}

extension LocalPlace {
  fileprivate static let blank = LocalPlace(BufferID(0))
}

extension Transfer {
  fileprivate static let blank = Transfer(
    .output, rows: 0, rowStride: 0, columns: 0, local: LocalPlace(BufferID(0)), blockStride: 0)
}
