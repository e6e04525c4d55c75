import SpadixIR
import SpadixTensor

/// The statements of the text of tile programs: which fields each has. Printer and reader follow the same lists.
enum TileStatements {
  typealias Field = TileField

  static let buffer: [Field<LocalBuffer>] = [
    .integer("rows", \.rows), .integer("slots", \.slots, 1, atLeast: 1), .optionalInteger("start", \.start),
    .integers("starts", \.starts), .flag("kept", \.isKept),
  ]

  static let window: [Field<InputWindow>] = [
    .integer("rows", \.inputRows), .integer("columns", \.inputColumns), .integer("channels", \.inputChannels),
    .integer("kernel_rows", \.kernelRows, 1, atLeast: 1),
    .integer("kernel_columns", \.kernelColumns, 1, atLeast: 1),
    .integer("stride_rows", \.strideRows, 1, atLeast: 1),
    .integer("stride_columns", \.strideColumns, 1, atLeast: 1), .integer("dilation_rows", \.dilationRows, 1),
    .integer("dilation_columns", \.dilationColumns, 1), .integer("padding_top", \.paddingTop, 0),
    .integer("padding_left", \.paddingLeft, 0), .integer("column_pixels", \.columnPixels, 1, atLeast: 1),
    .integer("pixel_channels", \.pixelChannels, 0),
  ]

  static let sums: [Field<SumImage>] = [
    .integer("rows", \.rows), .integer("columns", \.columns), .integer("channels", \.channels, atLeast: 1),
    .integer("stored_rows", \.store.rows), .integer("stored_columns", \.store.columns),
    .real("scale", \.store.output.scales[0]), .optionalConstant("scales", \.store.scaleConstant),
    .flag("store_biases", \.store.hasBiases),
    .level("zero_point", \.store.output.zeroPoint, 0), .level("low", \.store.output.clamp[0], -128),
    .level("high", \.store.output.clamp[1], 127), .optionalConstant("table", \.store.tableConstant),
    .sum("sum", isUnsigned: false),
    .sum("unsigned_sum", isUnsigned: true), .product("product", isUnsigned: false),
    .product("unsigned_product", isUnsigned: true),
  ]

  static let pooling: [Field<TileKernel.Pooling>] = [
    .integer("window", \.window, atLeast: 1), .integer("stride", \.stride, atLeast: 1), .integer("top", \.top, 0),
    .integer("left", \.left, 0),
  ]

  static let bias: [Field<TileKernel.Bias>] = [
    .constant("from", \.constant), .integer("column_classes", \.columnClasses, 1, atLeast: 1),
    .integers("row_class", \.rowClass), .integers("column_class", \.columnClass), .flag("uniform", \.isUniform),
    .integers("zero_class", \.zeroClass),
  ]

  static let tileBias: [Field<TileBias>] = [.flag("adds", \.adds)]

  static let tile: [Field<SumTile>] = [
    .integer("slot", \.slot, 0), .integer("image", \.image, 0), .range("rows", \.rows), .range("columns", \.columns),
    .range("stored_rows", \.storedRows, standard: { $0.rows }),
    .range("stored_columns", \.storedColumns, standard: { $0.columns }), .range("blocks", \.blocks),
  ]

  private static let transfer: [Field<Transfer>] = [
    .integer("rows", \.rows), .integer("row_stride", \.rowStride), .integer("lines", \.lines, 1),
    .integer("line_stride", \.lineStride, 0), .integer("columns", \.columns, atLeast: 1),
    .integer("block_stride", \.blockStride), .integer("line_pitch", \.linePitch, 0),
    .integer("first_line", \.firstLine, 0), .optionalInteger("ring", \.ring, atLeast: 1),
    .integer("part_lines", \.partLines, 0), .integer("part_stride", \.partStride, 0),
  ]

  static let load: [Field<TileLoad>] =
    [
      .place("to", \.transfer.local), .operand("from", \.transfer.operand), .integer("offset", \.transfer.offset, 0),
    ] + Field.part(\.transfer, transfer) + [.flag("adds", \.adds)]

  static let store: [Field<TileStore>] =
    [
      .optionalPlace("to", \.resident), .place("from", \.transfer.local), .optionalBlock("block"),
      .integer("offset", \.transfer.offset, 0),
    ] + Field.part(\.transfer, transfer) + [.integers("starts", \.starts)]

  static let zero: [Field<TileZero>] = [
    .place("at", \.local), .integer("rows", \.rows), .integer("lines", \.lines, 1),
    .integer("line_pitch", \.linePitch, 0),
  ]

  static let diagonals: [Field<TileDiagonals>] = [
    .place("to", \.matrices), .place("from", \.compact), .place("one_hot", \.oneHot), .range("blocks", \.blocks),
    .integer("taps", \.taps, atLeast: 1),
  ]

  static let multiply: [Field<TileMultiply>] = [
    .integer("window", \.window, 0), .range("taps", \.taps), .optionalInteger("start_tap", \.startTap),
    .range("blocks", \.blocks, standard: { $0.tile.blocks }), .optionalRange("inputs", \.inputBlocks),
    .place("from", \.source.place), .integer("first_block", \.source.firstBlock, 0),
    .integer("block_stride", \.source.blockStride), .integer("pitch", \.source.plane.pitch),
    .optionalInteger("ring", \.source.plane.ring, atLeast: 1), .integer("first_row", \.source.plane.firstRow, 0),
    .integer("first_column", \.source.plane.firstColumn, 0), .integers("starts", \.source.plane.starts),
    .flag("zero_edges", \.source.plane.hasZeroEdges), .integer("shift", \.source.plane.shift, 0),
    .integer("part_lines", \.source.plane.partLines, 0), .integer("part_stride", \.source.plane.partStride, 0),
    .place("by", \.weights.place),
    .integer("by_block", \.weights.blockStride, 0), .integer("by_tap", \.weights.tapStride, 0),
    .integer("by_input", \.weights.inputStride, 0), .flag("transposed", \.weights.isTransposed),
    .flag("shared", \.weights.isShared),
  ]

  static let copy: [Field<TileCopy>] = [
    .operand("from", \.operand), .integer("offset", \.offset, 0), .integer("stride", \.stride),
    .integer("to_offset", \.outputOffset, 0), .integer("to_stride", \.outputStride), .integer("rows", \.rows),
    .integer("columns", \.columns, atLeast: 1), .place("through", \.local),
  ]

  static let program: [Field<TileProgram>] = [
    .integers("reads", \.reads), .flag("writes", \.writes), .string("nest", \.summary),
  ]
}

extension TileField {
  /// An int8 value of the output stage.
  fileprivate static func level(_ name: String, _ path: Property<Record, Int32>, _ standard: Int32) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { record, _ in record[keyPath: path] == standard ? nil : "\(record[keyPath: path])" },
      read: { record, reader in record[keyPath: path] = Int32(try reader.integer(-128...127)) })
  }

  fileprivate static func constant(_ name: String, _ path: Property<Record, ConstantID>) -> Self {
    TileField(
      name: name, isRequired: true, text: { record, _ in TileOperand.constant(record[keyPath: path]).name },
      read: { record, reader in record[keyPath: path] = try reader.constant() })
  }
}

extension TileField<SumImage> {
  /// `[factor of a, factor of b, offset]` of a store of pairs.
  fileprivate static func sum(_ name: String, isUnsigned: Bool) -> Self {
    pair(name, count: 3) { pair in
      pair.function == .sum && pair.isUnsigned == isUnsigned ? (pair.factors + [pair.offset]).map { "\($0)" } : nil
    } read: {
      PairStage(.sum, factors: [$0[0], $0[1]], offset: $0[2], isUnsigned: isUnsigned)
    }
  }

  /// `[zero point of a, of b, factor, offset]` of a store of pairs.
  fileprivate static func product(_ name: String, isUnsigned: Bool) -> Self {
    pair(name, count: 4) { pair in
      pair.function == .product && pair.isUnsigned == isUnsigned
        ? pair.zeroPoints.map { "\($0)" } + [pair.factors[0], pair.offset].map { "\($0)" } : nil
    } read: { values in
      let zeros = values[..<2].map { Int32(min(max($0, -128), 127)) }
      return PairStage(
        .product, zeroPoints: zeros, factors: [values[2], 0], offset: values[3], isUnsigned: isUnsigned)
    }
  }

  private static func pair(
    _ name: String, count: Int, text: @escaping @Sendable (PairStage) -> [String]?,
    read: @escaping @Sendable ([Float]) -> PairStage
  ) -> Self {
    TileField(
      name: name, isRequired: false,
      text: { image, _ in
        image.store.pair.flatMap(text).map { "[" + $0.joined(separator: ", ") + "]" }
      },
      read: { image, reader in image.store.pair = read(try reader.reals(count: count)) })
  }
}

extension TileField<TileStore> {
  /// The block of a store of sums; the tile is the one that the text is at.
  fileprivate static func optionalBlock(_ name: String) -> Self {
    TileField(
      name: name, isRequired: false, text: { store, _ in store.sums.map { "\($0.block)" } },
      read: { store, reader in
        let mark = reader.tokens.mark
        let block = try reader.integer(0...TileStatementReader.largest)
        guard store.sums != nil else {
          throw reader.tokens.failure("tiles.tile", "no tile has begun whose sums could be stored", at: mark)
        }
        store.sums!.block = block
      })
  }
}
