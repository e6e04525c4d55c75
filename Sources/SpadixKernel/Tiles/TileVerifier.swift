import SpadixISA

/// Checks that a tile program makes sense by itself: it never reads a local row that holds less than it takes, stays
/// within its slots and within the bytes of its operands, and adds to sums only after they were started.
///
/// It follows what every row of every buffer holds, operation by operation, and knows nothing of how programs are made.
/// That the numbers are right is not its question: the machine and the integer reference answer that.
public struct TileVerifier {
  /// A rule that a program breaks.
  public struct Violation: Error, CustomStringConvertible, Sendable {
    /// Such as `tiles.slot`.
    public var id: String
    /// Lower case: what was expected and what was found.
    public var message: String
    /// The operation, nil for a declaration.
    public var operation: Int?

    public var description: String { (operation.map { "operation \($0): " } ?? "") + "\(message) [\(id)]" }
  }

  let program: TileProgram
  let target: Target
  private let operandBytes: (TileOperand) -> Int?
  /// Per buffer and row, the columns that it holds, from the first.
  var held: [[UInt8]]
  var position: Int?

  var dim: Int { target.dim }

  /// - Parameter operandBytes: the bytes of an operand in DRAM; nil when there is no such operand.
  public static func verify(
    _ program: TileProgram, target: Target, operandBytes: (TileOperand) -> Int?
  ) throws(Violation) {
    try withoutActuallyEscaping(operandBytes) { operandBytes throws(Violation) in
      var verifier = TileVerifier(program, target, operandBytes)
      try verifier.run()
    }
  }

  private init(_ program: TileProgram, _ target: Target, _ operandBytes: @escaping (TileOperand) -> Int?) {
    self.program = program
    self.target = target
    self.operandBytes = operandBytes
    held = []
  }

  private mutating func run() throws(Violation) {
    try declarations()
    for buffer in program.buffers {
      // A resident input is there; everything else has to be brought.
      var full = false
      if case .input = buffer.tensor { full = true }
      if buffer.isKept { full = true }
      let rows = buffer.contents == .sums ? target.accumulatorRows : buffer.totalRows
      held.append([UInt8](repeating: full ? UInt8(dim) : 0, count: rows))
    }
    for (index, operation) in program.operations.enumerated() {
      position = index
      try slots(operation)
      switch operation {
      case .begin(let tile): try begin(tile)
      case .load(let load): try self.load(load)
      case .zero(let zero): try self.zero(zero)
      case .bias(let bias): try self.bias(bias)
      case .diagonals(let diagonals): try expand(diagonals)
      case .multiply(let product): try multiply(product)
      case .store(let store): try self.store(store)
      case .copy(let copy): try self.copy(copy)
      case .host: try require(program.operations.count == 1, "tiles.host", "a host step is a program by itself")
      }
    }
  }

  func require(_ condition: Bool, _ id: String, _ message: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(id: id, message: message(), operation: position) }
  }

  // MARK: Declarations

  private func declarations() throws(Violation) {
    var sums = 0
    for buffer in program.buffers {
      if buffer.contents == .sums { sums += 1 }
      let limit = buffer.contents == .sums ? target.accumulatorRows : target.scratchpadRows
      try require(
        buffer.rows <= limit && buffer.slots <= limit + 1 && buffer.totalRows <= limit, "tiles.buffer",
        "'\(buffer.name)' has \(buffer.slots) x \(buffer.rows) rows; the memory has \(limit)")
      try require(
        buffer.contents != .sums || buffer.tensor == nil, "tiles.buffer", "sums are no tensor of the scratchpad")
      try require(
        buffer.starts.isEmpty || (buffer.starts.count == buffer.slots && buffer.starts[0] == buffer.start),
        "tiles.buffer", "'\(buffer.name)' has \(buffer.slots) slots; expected a start for each, and the first as start")
    }
    try require(
      sums == (program.sums == nil ? 0 : 1), "tiles.sums",
      "there are \(sums) buffers of sums; expected one in a program that computes sums, none in others")
    try require(
      program.workingRows <= target.scratchpadRows, "tiles.buffer",
      "the buffers have \(program.workingRows) rows; the scratchpad has \(target.scratchpadRows)")
    for input in program.reads {
      try require(operandBytes(.input(input)) != nil, "tiles.operand", "the operator has no input \(input) in DRAM")
    }
    for window in program.windows {
      try require(
        window.kernelRows <= 1 << 15 && window.kernelColumns <= 1 << 15, "tiles.window", "a window has too many taps")
      if window.columnPixels == 1 { continue }
      try require(
        window.kernelColumns == window.columnPixels && window.strideColumns == 1 && window.dilationColumns == 0
          && window.paddingLeft == 0 && window.seenChannels > 0, "tiles.window",
        "where \(window.columnPixels) pixels share a column, expected a column of taps for each, no strides, dilation or "
          + "padding of columns, and channels that each of them sees")
    }
    guard let image = program.sums else { return }
    if let constant = image.store.scaleConstant {
      try bytes(.constant(constant), last: image.store.channelBytes * image.channels, "scales")
    }
    if image.store.hasBiases {
      try require(
        target.hasOutputBiases && image.store.scaleConstant != nil, "tiles.sums",
        "biases of a store lie behind scales, on targets whose store adds them")
    }
    let output = image.store.output
    try require(
      output.scales[0].isFinite && output.scales[0] > 0 && output.low <= output.high, "tiles.sums",
      "expected a positive scale and low <= high")
    if let constant = image.store.tableConstant {
      try bytes(.constant(constant), last: 256, "table")
      try require(target.hasOutputTable, "tiles.sums", "the store of '\(target.name)' has no table")
    }
    if let pair = image.store.pair {
      try require(target.hasOutputPair, "tiles.sums", "the store of '\(target.name)' takes no pairs")
      try require(
        pair.factors.allSatisfy(\.isFinite) && pair.offset.isFinite, "tiles.sums", "expected finite factors and offset")
    }
    if !target.hasOutputStage {
      try require(
        output.zeroPoint == 0 && image.store.scaleConstant == nil && output.high == 127
          && (output.low == 0 || output.low == -128), "tiles.sums",
        "'\(target.name)' has no output stage: zero points, scales of channels and other bounds than relu's")
    }
    if let pooling = image.store.pooling {
      try require(
        pooling.window <= 3 && pooling.stride <= 3 && pooling.top <= 3 && pooling.left <= 3, "tiles.pooling",
        "a store pools windows of at most 3, with strides and padding of at most 3")
    }
    try biasTable(image)
  }

  func biasTable(_ image: SumImage) throws(Violation) {
    guard let bias = image.bias else { return }
    var entries = 1
    if !bias.isUniform {
      try require(
        bias.rowClass.count == image.rows && bias.columnClass.count == image.columns
          && bias.columnClass.allSatisfy { $0 < bias.columnClasses }, "tiles.biases",
        "expected a class for each of \(image.rows) rows and \(image.columns) columns, below column_classes")
      entries = ((bias.rowClass.max() ?? 0) + 1) * bias.columnClasses
    }
    try require(
      bias.zeroClass.isEmpty || (!bias.isUniform && bias.zeroClass.count == 2), "tiles.biases",
      "expected a class of rows and one of columns whose start values are zeros, in a program that has classes")
    try bytes(.constant(bias.constant), last: entries * ElementWidth.accumulator * image.channels, "biases")
  }

  /// The bytes of an operand up to `last` exist.
  func bytes(_ operand: TileOperand, last: Int, _ what: String) throws(Violation) {
    guard let size = operandBytes(operand) else {
      throw Violation(id: "tiles.operand", message: "there is no \(operand.name) in DRAM", operation: position)
    }
    try require(last <= size, "tiles.operand", "the \(what): byte \(last) of \(operand.name) is beyond its \(size)")
  }

  // MARK: Rows

  /// An operation that multiplies or moves nothing names slots too.
  private func slots(_ operation: TileOperation) throws(Violation) {
    for place in operation.places(sums: sums) {
      let buffer = program.buffers[place.buffer]
      try require(
        place.slot < buffer.slots, "tiles.slot",
        "\(buffer.name)[\(place.slot)] is none of the \(buffer.slots) slots of the buffer")
    }
  }

  /// The index of a place's first row, `count` rows of which must lie in its buffer.
  func rows(_ place: LocalPlace, _ count: Int, _ what: @autoclosure () -> String) throws(Violation) -> Int {
    let buffer = program.buffers[place.buffer]
    let first = place.slot * buffer.rows + place.row
    try require(
      place.slot < buffer.slots && first + count <= held[place.buffer.index].count, "tiles.slot",
      "\(what()) needs \(count) rows from \(buffer.name)[\(place.slot), \(place.row)]; the buffer has \(buffer.slots) "
        + "slots of \(buffer.rows)")
    return first
  }

  /// Rows that must hold so many columns.
  func take(
    _ place: LocalPlace, _ rows: Range<Int>, stride: Int = 1, columns: Int, _ what: @autoclosure () -> String
  ) throws(Violation) {
    let buffer = program.buffers[place.buffer]
    let base = place.slot * buffer.rows
    let wanted = UInt8(columns)
    let held = held[place.buffer.index]
    var row = base + rows.lowerBound
    let end = base + rows.upperBound
    if row < 0 || end > held.count || place.slot >= buffer.slots {
      throw Violation(
        id: "tiles.slot",
        message:
          "\(what()) takes rows \(rows.lowerBound) to \(rows.upperBound) of \(buffer.name)[\(place.slot)]; the buffer "
          + "has \(buffer.slots) slots of \(buffer.rows)", operation: position)
    }
    while row < end {
      if held[row] < wanted {
        throw Violation(
          id: "tiles.unloaded",
          message:
            "\(what()) takes \(columns) columns of row \(row - base) of \(buffer.name)[\(place.slot)], which holds "
            + "\(held[row])", operation: position)
      }
      row += stride
    }
  }

  mutating func fill(_ buffer: BufferID, _ rows: Range<Int>, columns: Int) {
    for row in rows { held[buffer.index][row] = UInt8(columns) }
  }

  private var sums: BufferID? { program.buffers.firstIndex { $0.contents == .sums }.map { BufferID($0) } }

  func sumsPlace(_ tile: SumTile, row: Int = 0) -> LocalPlace {
    LocalPlace(sums ?? BufferID(0), slot: tile.slot, row: row)
  }

  func image() throws(Violation) -> SumImage {
    guard let image = program.sums else {
      throw Violation(id: "tiles.sums", message: "the program computes no sums", operation: position)
    }
    return image
  }
}
