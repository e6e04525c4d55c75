/// One field of a command's operands.
public struct CommandField: Sendable {
  /// How the bits of a field are written in assembly, and what is read there.
  public enum Kind: Sendable {
    case unsigned, signed, flag, address, float
    /// A local address of 32 bits.
    case local
    /// A local address with rows and columns, 64 bits.
    case tile
  }

  /// As assembly has it before the `=`; unique in its command.
  public var name: String
  /// 1 or 2: rs1 or rs2.
  public var operand: Int
  /// Lowest bit of the field in its operand.
  public var low: Int
  /// In bits, 1...64.
  public var width: Int
  /// Also says what assembly leaves out: all zeros but addresses and tiles.
  public var kind: Kind
  /// A phrase for listings and docs/isa.md, with the field's unit.
  public var summary: String

  var mask: UInt64 { width == 64 ? .max : ((1 << UInt64(width)) - 1) << UInt64(low) }

  /// The field's bits, shifted down to bit 0; signed fields are not extended.
  public func bits(of command: Command) -> UInt64 {
    ((operand == 1 ? command.rs1 : command.rs2) & mask) >> UInt64(low)
  }

  func set(_ bits: UInt64, in command: inout Command) {
    let placed = bits << UInt64(low) & mask
    if operand == 1 { command.rs1 |= placed } else { command.rs2 |= placed }
  }
}

/// What the bits of one command mean: the table behind assembly, annotated listings and the documentation.
///
/// It is written independently of `Instruction`'s coding; tests hold the two together.
public struct CommandFormat: Sendable {
  /// As assembly has it: `config_ld`.
  public var mnemonic: String
  /// Shared by the formats with a `subtype`.
  public var funct: UInt8
  /// Value of rs1[1:0] for the configuration commands, which share a function number.
  var subtype: UInt64?
  /// In the order of assembly.
  public var fields: [CommandField]
  /// A phrase for docs/isa.md.
  public var summary: String

  /// The format of a command, or nil when its function number has no meaning.
  public static func of(_ command: Command) -> CommandFormat? {
    guard command.funct < 128 else { return nil }
    let candidates = byFunct[Int(command.funct)]
    if candidates.count <= 1 { return candidates.first.map { all[$0] } }
    return candidates.first { all[$0].subtype == command.rs1 & 3 }.map { all[$0] }
  }

  /// Nil for a mnemonic that there is not; `raw` is none.
  static func named(_ mnemonic: String) -> CommandFormat? { all.first { $0.mnemonic == mnemonic } }

  private static let byFunct: [[Int]] = (0..<128).map { funct in all.indices.filter { all[$0].funct == funct } }

  /// Every command, in the order of the documentation.
  public static let all: [CommandFormat] = configurations + moves + computes + loops + extensions + others
}

private func rs1(
  _ name: String, _ low: Int, _ width: Int, _ kind: CommandField.Kind, _ summary: String
) -> CommandField {
  CommandField(name: name, operand: 1, low: low, width: width, kind: kind, summary: summary)
}

private func rs2(
  _ name: String, _ low: Int, _ width: Int, _ kind: CommandField.Kind, _ summary: String
) -> CommandField {
  CommandField(name: name, operand: 2, low: low, width: width, kind: kind, summary: summary)
}

private let configurations: [CommandFormat] = [
  CommandFormat(
    mnemonic: "config_ex", funct: 0, subtype: 0,
    fields: [
      rs1("ws", 2, 1, .flag, "weight-stationary; otherwise output-stationary"),
      rs1("activation", 3, 2, .unsigned, "1: relu of results written to the scratchpad"),
      rs1("strides_only", 7, 1, .flag, "changes a_stride and c_stride and nothing else"),
      rs1("transpose_a", 8, 1, .flag, "A is read transposed"),
      rs1("transpose_b", 9, 1, .flag, "weights, or B, are read transposed"),
      rs1("a_stride", 16, 16, .unsigned, "rows between rows of A"),
      rs1("acc_scale", 32, 32, .float, "scale of operands from the accumulator (hardware only)"),
      rs2("shift", 0, 32, .unsigned, "right shift of output-stationary results"),
      rs2("c_stride", 48, 16, .unsigned, "rows between rows of the result"),
    ], summary: "configures the array"),
  CommandFormat(
    mnemonic: "config_ld", funct: 0, subtype: 1,
    fields: [
      rs1("shrunk", 2, 1, .flag, "accumulator loads read int8"), rs1("state", 3, 2, .unsigned, "load state 0...2"),
      rs1("pixels", 8, 8, .unsigned, "pixels packed in a row"),
      rs1("block_stride", 16, 16, .unsigned, "rows between column blocks"),
      rs1("scale", 32, 32, .float, "of elements on their way in"),
      rs2("stride", 0, 64, .signed, "bytes between DRAM rows"),
    ], summary: "configures one of the three load states"),
  CommandFormat(
    mnemonic: "config_st", funct: 0, subtype: 2,
    fields: [
      rs1("activation", 2, 2, .unsigned, "0 none, 1 relu, 2 layernorm, 3 igelu"),
      rs1("pool_stride", 4, 2, .unsigned, "0: no pooling"),
      rs1("pool_window", 6, 2, .unsigned, "rows and columns of the pooling window"),
      rs1("pool_up", 8, 2, .unsigned, "rows of padding above"),
      rs1("pool_left", 10, 2, .unsigned, "columns of padding at the left"),
      rs1("pool_out_dim", 24, 8, .unsigned, "output pixels between output rows"),
      rs1("pool_out_rows", 32, 8, .unsigned, "rows of the pooled image"),
      rs1("pool_out_cols", 40, 8, .unsigned, "columns of the pooled image"),
      rs1("pool_rows", 48, 8, .unsigned, "rows of the image"),
      rs1("pool_cols", 56, 8, .unsigned, "columns of the image"),
      rs2("stride", 0, 32, .unsigned, "bytes between DRAM rows"), rs2("scale", 32, 32, .float, "of int8 results"),
    ], summary: "configures stores"),
  CommandFormat(
    mnemonic: "config_norm", funct: 0, subtype: 3,
    fields: [
      rs1("statistics", 8, 8, .unsigned, "statistics register"),
      rs1("softmax", 16, 1, .flag, "with activation 0 in config_st: softmax"),
      rs1("statistics_only", 17, 1, .flag, "changes the statistics register and nothing else"),
      rs1("inverse", 18, 1, .flag, "the constant is 1 / ln 2"),
      rs1("constant", 32, 32, .signed, "ln 2 in units of the scale, or its inverse"),
      rs2("qb", 0, 32, .signed, "constant of the polynomial"), rs2("qc", 32, 32, .signed, "constant of the polynomial"),
    ], summary: "configures the normalization unit"),
]

private let moves: [CommandFormat] = [
  CommandFormat(
    mnemonic: "mvin", funct: 2, subtype: nil,
    fields: [rs1("dram", 0, 64, .address, "first byte"), rs2("to", 0, 64, .tile, "first row, rows, columns")],
    summary: "DRAM to local memory through load state 0; DRAM address 0 writes zeros"),
  CommandFormat(
    mnemonic: "mvin2", funct: 1, subtype: nil,
    fields: [rs1("dram", 0, 64, .address, "first byte"), rs2("to", 0, 64, .tile, "first row, rows, columns")],
    summary: "DRAM to local memory through load state 1"),
  CommandFormat(
    mnemonic: "mvin3", funct: 14, subtype: nil,
    fields: [rs1("dram", 0, 64, .address, "first byte"), rs2("to", 0, 64, .tile, "first row, rows, columns")],
    summary: "DRAM to local memory through load state 2"),
  CommandFormat(
    mnemonic: "mvout", funct: 3, subtype: nil,
    fields: [
      rs1("dram", 0, 64, .address, "first byte; 0 drops the rows"),
      rs2("from", 0, 64, .tile, "first row, rows, columns"),
    ],
    summary: "local memory to DRAM"),
  CommandFormat(
    mnemonic: "mvout_spad", funct: 23, subtype: nil,
    fields: [
      rs1("to", 0, 32, .local, "first row in the scratchpad"),
      rs1("stride", 32, 32, .unsigned, "rows between destination rows"),
      rs2("from", 0, 64, .tile, "first row, rows, columns"),
    ], summary: "local memory to the scratchpad"),
]

private let computes: [CommandFormat] = [
  CommandFormat(
    mnemonic: "preload", funct: 6, subtype: nil,
    fields: [
      rs1("weights", 0, 64, .tile, "B, or D where output-stationary; none keeps what the array holds"),
      rs2("result", 0, 64, .tile, "place of the result; none drops it"),
    ],
    summary: "latches the operand for the array and the place of the result"),
  CommandFormat(
    mnemonic: "compute_preloaded", funct: 4, subtype: nil,
    fields: [rs1("a", 0, 64, .tile, "A"), rs2("d", 0, 64, .tile, "D, or B where output-stationary; none is zeros")],
    summary: "takes the preloaded operand and computes"),
  CommandFormat(
    mnemonic: "compute_accumulated", funct: 5, subtype: nil,
    fields: [rs1("a", 0, 64, .tile, "A"), rs2("d", 0, 64, .tile, "D, or B where output-stationary; none is zeros")],
    summary: "computes with the operand in the array"),
]

private let loops: [CommandFormat] = [
  CommandFormat(
    mnemonic: "loop_ws_bounds", funct: 9, subtype: nil,
    fields: [
      rs1("pad_i", 0, 16, .unsigned, "rows missing from the last tile"),
      rs1("pad_j", 16, 16, .unsigned, "columns missing from the last tile"),
      rs1("pad_k", 32, 16, .unsigned, "elements of the sum missing from the last tile"),
      rs2("i", 0, 16, .unsigned, "tiles of rows"), rs2("j", 16, 16, .unsigned, "tiles of columns"),
      rs2("k", 32, 16, .unsigned, "tiles of the sum"),
    ], summary: "tiles of the hardware product"),
  CommandFormat(
    mnemonic: "loop_ws_ab", funct: 10, subtype: nil,
    fields: [rs1("a", 0, 64, .address, "0: A is not loaded"), rs2("b", 0, 64, .address, "0: B is not loaded")],
    summary: "addresses of A and B"),
  CommandFormat(
    mnemonic: "loop_ws_dc", funct: 11, subtype: nil,
    fields: [rs1("d", 0, 64, .address, "0: there is no D"), rs2("c", 0, 64, .address, "0: nothing is stored")],
    summary: "addresses of D and C"),
  CommandFormat(
    mnemonic: "loop_ws_strides_ab", funct: 12, subtype: nil,
    fields: [
      rs1("a", 0, 64, .unsigned, "elements between rows of A"),
      rs2("b", 0, 64, .unsigned, "elements between rows of B"),
    ],
    summary: "strides of A and B in elements"),
  CommandFormat(
    mnemonic: "loop_ws_strides_dc", funct: 13, subtype: nil,
    fields: [
      rs1("d", 0, 64, .unsigned, "elements between rows of D"),
      rs2("c", 0, 64, .unsigned, "elements between rows of C"),
    ],
    summary: "strides of D and C in elements"),
  CommandFormat(
    mnemonic: "loop_ws", funct: 8, subtype: nil,
    fields: [
      rs1("accumulate", 0, 1, .flag, "adds to what the accumulator holds"),
      rs1("full_c", 1, 1, .flag, "stores 32-bit results"), rs1("low_d", 2, 1, .flag, "D is int8"),
      rs1("activation", 8, 3, .unsigned, "0 none, 1 relu, 2 layernorm, 3 igelu, 4 softmax"),
      rs1("b_half", 16, 2, .unsigned, "2: B in the upper half of the scratchpad, ending there"),
      rs1("a_half", 18, 2, .unsigned, "2: A from the middle of the scratchpad"),
      rs2("transpose_a", 0, 1, .flag, "A is transposed in DRAM"),
      rs2("transpose_b", 1, 1, .flag, "B is transposed in DRAM"),
      rs2("residual", 2, 1, .flag, "adds A and B instead of multiplying them"),
    ], summary: "runs the hardware product"),
  CommandFormat(
    mnemonic: "loop_conv_ws_1", funct: 16, subtype: nil,
    fields: [
      rs1("batch", 0, 16, .unsigned, "images"), rs1("in_rows", 16, 16, .unsigned, "rows of the input"),
      rs1("in_channels", 32, 16, .unsigned, "channels of the input in DRAM"),
      rs1("out_channels", 48, 16, .unsigned, "channels of the output in DRAM"),
      rs2("out_rows", 0, 16, .unsigned, "rows of the output before pooling"),
      rs2("pool_out_rows", 16, 16, .unsigned, "rows of the output after pooling"),
      rs2("out_cols", 32, 16, .unsigned, "columns of the output before pooling"),
      rs2("stride", 48, 8, .unsigned, "of the convolution"),
      rs2("padding", 56, 8, .unsigned, "of the operator"),
    ], summary: "sizes of the convolution"),
  CommandFormat(
    mnemonic: "loop_conv_ws_2", funct: 17, subtype: nil,
    fields: [
      rs1("pool_padding", 0, 8, .unsigned, "of the operator"), rs1("pool_stride", 8, 8, .unsigned, "of the pooling"),
      rs1("pool_size", 16, 16, .unsigned, "rows and columns of the pooling window"),
      rs1("pool_out_cols", 32, 16, .unsigned, "columns of the output after pooling"),
      rs1("kernel", 48, 16, .unsigned, "rows and columns of the kernel in DRAM"),
      rs2("channels", 0, 16, .unsigned, "output channels of the tile"),
      rs2("cols", 16, 16, .unsigned, "columns of the tile after pooling"),
      rs2("rows", 32, 16, .unsigned, "rows of the tile after pooling"),
      rs2("batches", 48, 16, .unsigned, "images of the tile"),
    ], summary: "pooling, kernel, and the tile after pooling"),
  CommandFormat(
    mnemonic: "loop_conv_ws_3", funct: 18, subtype: nil,
    fields: [
      rs1("left", 0, 16, .unsigned, "padding at the left of the tile"),
      rs1("kernel_channels", 16, 16, .unsigned, "input channels of the tile"),
      rs1("kernel_cols", 32, 16, .unsigned, "columns of the kernel in the tile"),
      rs1("kernel_rows", 48, 16, .unsigned, "rows of the kernel in the tile"),
      rs2("in_cols", 0, 16, .unsigned, "columns of the input in DRAM"),
      rs2("pool_left", 16, 8, .unsigned, "pooling padding at the left"),
      rs2("down", 24, 8, .unsigned, "padding below the tile"), rs2("up", 32, 16, .unsigned, "padding above the tile"),
      rs2("right", 48, 16, .unsigned, "padding at the right of the tile"),
    ], summary: "kernel tile and padding"),
  CommandFormat(
    mnemonic: "loop_conv_ws_4", funct: 19, subtype: nil,
    fields: [
      rs1("dilation", 0, 10, .unsigned, "of the kernel"), rs1("pool_down", 10, 11, .unsigned, "pooling padding below"),
      rs1("pool_up", 21, 11, .unsigned, "pooling padding above"),
      rs1("pool_right", 32, 16, .unsigned, "pooling padding at the right"),
      rs1("out_rows", 48, 16, .unsigned, "rows of the tile before pooling"),
      rs2("out_cols", 0, 16, .unsigned, "columns of the tile before pooling"),
      rs2("out_stride", 16, 16, .unsigned, "elements between output pixels"),
      rs2("weight_stride", 32, 16, .unsigned, "elements between rows of weights"),
      rs2("in_stride", 48, 16, .unsigned, "elements between input pixels"),
    ], summary: "dilation, the tile before pooling, strides in elements"),
  CommandFormat(
    mnemonic: "loop_conv_ws_5", funct: 20, subtype: nil,
    fields: [
      rs1("weights", 0, 64, .address, "0: weights are not loaded"),
      rs2("output", 0, 64, .address, "0: nothing is stored"),
    ], summary: "addresses"),
  CommandFormat(
    mnemonic: "loop_conv_ws_6", funct: 21, subtype: nil,
    fields: [
      rs1("bias", 0, 64, .address, "0: there is no bias"), rs2("input", 0, 64, .address, "0: the input is not loaded"),
    ], summary: "addresses"),
  CommandFormat(
    mnemonic: "loop_conv_ws", funct: 15, subtype: nil,
    fields: [
      rs1("no_bias", 0, 1, .flag, "the accumulator starts from zeros"),
      rs1("rotate", 1, 1, .flag, "the kernel is turned by 180 degrees"),
      rs1("out_1203", 2, 1, .flag, "output axes in DRAM: rows, columns, batch, channels"),
      rs1("weights_1203", 3, 1, .flag, "weight axes in DRAM: input channels first"),
      rs1("weights_0132", 4, 1, .flag, "weight axes in DRAM: the channels exchanged"),
      rs1("in_3120", 5, 1, .flag, "input axes in DRAM: channels first, batch last"),
      rs1("depthwise", 6, 1, .flag, "one channel at a time"),
      rs1("pixels", 8, 8, .unsigned, "kernel columns packed in a row"),
      rs1("b_half", 16, 2, .unsigned, "2: weights in the upper half of the scratchpad, ending there"),
      rs1("a_half", 18, 2, .unsigned, "2: the input from the middle of the scratchpad"),
      rs2("no_pool", 0, 1, .flag, "no pooling"), rs2("downsample", 1, 1, .flag, "loads every second row and column"),
      rs2("dilated", 2, 1, .flag, "zeros between the pixels of the input"),
      rs2("activation", 3, 2, .unsigned, "0 none, otherwise relu"),
    ], summary: "runs the hardware convolution"),
]

private let extensions: [CommandFormat] = [
  CommandFormat(
    mnemonic: "config_output", funct: 32, subtype: nil,
    fields: [
      rs1("zero_point", 0, 8, .signed, "added after scaling"), rs1("low", 8, 8, .signed, "least result"),
      rs1("high", 16, 8, .signed, "largest result"),
      rs1("table", 24, 1, .flag, "results pass through the table of config_output_table"),
    ],
    summary: "zero point, clamp and table of int8 stores until the next config_st (spadix)"),
  CommandFormat(
    mnemonic: "config_output_scales", funct: 33, subtype: nil,
    fields: [
      rs1("dram", 0, 64, .address, "first of the Float32 scales"),
      rs2("count", 0, 16, .unsigned, "scales: one for each column"),
      rs2("biases", 16, 1, .flag, "as many int32 biases lie behind the scales, added before scaling"),
    ],
    summary: "a scale, and a bias, per column of int8 stores until the next config_st (spadix)"),
  CommandFormat(
    mnemonic: "config_output_table", funct: 34, subtype: nil,
    fields: [rs1("dram", 0, 64, .address, "first of the 256 int8 that -128 to 127 become")],
    summary: "the table of int8 stores until the next config_output_table (spadix)"),
  CommandFormat(
    mnemonic: "config_output_pair", funct: 35, subtype: nil,
    fields: [
      rs1("product", 0, 1, .flag, "(a - zero_a) * (b - zero_b) * factor_a + offset; otherwise the sum"),
      rs1("unsigned", 1, 1, .flag, "128 is added to the a and b of a sum"),
      rs1("zero_a", 8, 8, .signed, "subtracted from a in products"),
      rs1("zero_b", 16, 8, .signed, "subtracted from b in products"),
      rs1("offset", 32, 32, .float, "added before rounding"), rs2("factor_a", 0, 32, .float, "of a, or of the product"),
      rs2("factor_b", 32, 32, .float, "of b in sums: fma(a, factor_a, fma(b, factor_b, offset))"),
    ],
    summary: "int8 stores take a and b out of 256 a + b and combine them, until the next config_st (spadix)"),
]

private let others: [CommandFormat] = [
  CommandFormat(
    mnemonic: "flush", funct: 7, subtype: nil, fields: [rs1("skip", 0, 1, .flag, "skips the current request")],
    summary: "flushes the address translation; no effect on memory"),
  CommandFormat(
    mnemonic: "fence", funct: 127, subtype: nil, fields: [],
    summary: "all earlier commands complete before any later one starts"),
  CommandFormat(
    mnemonic: "clock_gate", funct: 22, subtype: nil, fields: [rs1("enable", 0, 1, .flag, "switches gating on")],
    summary: "clock gating; no effect on memory"),
  CommandFormat(
    mnemonic: "counter", funct: 126, subtype: nil,
    fields: [
      rs1("reset", 0, 1, .flag, "all counters to 0"), rs1("snapshot_reset", 1, 1, .flag, "ends the snapshot"),
      rs1("snapshot", 2, 1, .flag, "reads are of the counters as they are now"),
      rs1("configure", 3, 1, .flag, "sets what the counter counts"), rs1("index", 4, 3, .unsigned, "the counter"),
      rs1("event", 12, 6, .unsigned, "what it counts"),
      rs1("external", 31, 1, .flag, "the event is one of an external counter"),
    ], summary: "performance counters; no effect on memory"),
]
