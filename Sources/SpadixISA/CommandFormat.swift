/// One field of a command's operands.
public struct CommandField: Sendable {
  public enum Kind: Sendable {
    case unsigned, signed, flag, address, float
    /// A local address of 32 bits.
    case local
    /// A local address with rows and columns, 64 bits.
    case tile
  }

  public var name: String
  /// 1 or 2: rs1 or rs2.
  public var operand: Int
  public var low: Int
  public var width: Int
  public var kind: Kind
  public var summary: String

  var mask: UInt64 { width == 64 ? .max : ((1 << UInt64(width)) - 1) << UInt64(low) }

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
  public var mnemonic: String
  public var funct: UInt8
  /// Value of rs1[1:0] for the configuration commands, which share a function number.
  public var subtype: UInt64?
  public var fields: [CommandField]
  public var summary: String

  /// The format of a command, or nil when its function number has no meaning.
  public static func of(_ command: Command) -> CommandFormat? {
    guard command.funct < 128 else { return nil }
    let candidates = byFunct[Int(command.funct)]
    if candidates.count <= 1 { return candidates.first.map { all[$0] } }
    return candidates.first { all[$0].subtype == command.rs1 & 3 }.map { all[$0] }
  }

  public static func named(_ mnemonic: String) -> CommandFormat? { all.first { $0.mnemonic == mnemonic } }

  private static let byFunct: [[Int]] = (0..<128).map { funct in all.indices.filter { all[$0].funct == funct } }

  /// Every command, in the order of the documentation.
  public static let all: [CommandFormat] = configurations + moves + computes + loops + extensions + others
}

private func rs1(
  _ name: String, _ low: Int, _ width: Int, _ kind: CommandField.Kind = .unsigned, _ summary: String = ""
) -> CommandField {
  CommandField(name: name, operand: 1, low: low, width: width, kind: kind, summary: summary)
}

private func rs2(
  _ name: String, _ low: Int, _ width: Int, _ kind: CommandField.Kind = .unsigned, _ summary: String = ""
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
      rs1("transpose_a", 8, 1, .flag), rs1("transpose_b", 9, 1, .flag),
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
      rs1("block_stride", 16, 16, .unsigned, "rows between column blocks"), rs1("scale", 32, 32, .float),
      rs2("stride", 0, 64, .signed, "bytes between DRAM rows"),
    ], summary: "configures one of the three load states"),
  CommandFormat(
    mnemonic: "config_st", funct: 0, subtype: 2,
    fields: [
      rs1("activation", 2, 2, .unsigned, "0 none, 1 relu, 2 layernorm, 3 igelu"),
      rs1("pool_stride", 4, 2, .unsigned, "0: no pooling"), rs1("pool_window", 6, 2), rs1("pool_up", 8, 2),
      rs1("pool_left", 10, 2), rs1("pool_out_dim", 24, 8, .unsigned, "output pixels between output rows"),
      rs1("pool_out_rows", 32, 8), rs1("pool_out_cols", 40, 8), rs1("pool_rows", 48, 8), rs1("pool_cols", 56, 8),
      rs2("stride", 0, 32, .unsigned, "bytes between DRAM rows"), rs2("scale", 32, 32, .float),
    ], summary: "configures stores"),
  CommandFormat(
    mnemonic: "config_norm", funct: 0, subtype: 3,
    fields: [
      rs1("statistics", 8, 8), rs1("softmax", 16, 1, .flag), rs1("statistics_only", 17, 1, .flag),
      rs1("inverse", 18, 1, .flag, "the constant is 1 / ln 2"), rs1("constant", 32, 32, .signed),
      rs2("qb", 0, 32, .signed), rs2("qc", 32, 32, .signed),
    ], summary: "configures the normalization unit"),
]

private let moves: [CommandFormat] = [
  CommandFormat(
    mnemonic: "mvin", funct: 2, subtype: nil, fields: [rs1("dram", 0, 64, .address), rs2("to", 0, 64, .tile)],
    summary: "DRAM to local memory through load state 0; DRAM address 0 writes zeros"),
  CommandFormat(
    mnemonic: "mvin2", funct: 1, subtype: nil, fields: [rs1("dram", 0, 64, .address), rs2("to", 0, 64, .tile)],
    summary: "DRAM to local memory through load state 1"),
  CommandFormat(
    mnemonic: "mvin3", funct: 14, subtype: nil, fields: [rs1("dram", 0, 64, .address), rs2("to", 0, 64, .tile)],
    summary: "DRAM to local memory through load state 2"),
  CommandFormat(
    mnemonic: "mvout", funct: 3, subtype: nil, fields: [rs1("dram", 0, 64, .address), rs2("from", 0, 64, .tile)],
    summary: "local memory to DRAM"),
  CommandFormat(
    mnemonic: "mvout_spad", funct: 23, subtype: nil,
    fields: [
      rs1("to", 0, 32, .local), rs1("stride", 32, 32, .unsigned, "rows between destination rows"),
      rs2("from", 0, 64, .tile),
    ], summary: "local memory to the scratchpad"),
]

private let computes: [CommandFormat] = [
  CommandFormat(
    mnemonic: "preload", funct: 6, subtype: nil, fields: [rs1("weights", 0, 64, .tile), rs2("result", 0, 64, .tile)],
    summary: "latches the operand for the array and the place of the result"),
  CommandFormat(
    mnemonic: "compute_preloaded", funct: 4, subtype: nil, fields: [rs1("a", 0, 64, .tile), rs2("d", 0, 64, .tile)],
    summary: "takes the preloaded operand and computes"),
  CommandFormat(
    mnemonic: "compute_accumulated", funct: 5, subtype: nil,
    fields: [rs1("a", 0, 64, .tile), rs2("d", 0, 64, .tile)], summary: "computes with the operand in the array"),
]

private let loops: [CommandFormat] = [
  CommandFormat(
    mnemonic: "loop_ws_bounds", funct: 9, subtype: nil,
    fields: [
      rs1("pad_i", 0, 16), rs1("pad_j", 16, 16), rs1("pad_k", 32, 16), rs2("i", 0, 16), rs2("j", 16, 16),
      rs2("k", 32, 16),
    ], summary: "tiles of the hardware product"),
  CommandFormat(
    mnemonic: "loop_ws_ab", funct: 10, subtype: nil, fields: [rs1("a", 0, 64, .address), rs2("b", 0, 64, .address)],
    summary: "addresses of A and B"),
  CommandFormat(
    mnemonic: "loop_ws_dc", funct: 11, subtype: nil, fields: [rs1("d", 0, 64, .address), rs2("c", 0, 64, .address)],
    summary: "addresses of D and C"),
  CommandFormat(
    mnemonic: "loop_ws_strides_ab", funct: 12, subtype: nil, fields: [rs1("a", 0, 64), rs2("b", 0, 64)],
    summary: "strides of A and B in elements"),
  CommandFormat(
    mnemonic: "loop_ws_strides_dc", funct: 13, subtype: nil, fields: [rs1("d", 0, 64), rs2("c", 0, 64)],
    summary: "strides of D and C in elements"),
  CommandFormat(
    mnemonic: "loop_ws", funct: 8, subtype: nil,
    fields: [
      rs1("accumulate", 0, 1, .flag), rs1("full_c", 1, 1, .flag), rs1("low_d", 2, 1, .flag), rs1("activation", 8, 3),
      rs1("b_half", 16, 2), rs1("a_half", 18, 2), rs2("transpose_a", 0, 1, .flag), rs2("transpose_b", 1, 1, .flag),
      rs2("residual", 2, 1, .flag),
    ], summary: "runs the hardware product"),
  CommandFormat(
    mnemonic: "loop_conv_ws_1", funct: 16, subtype: nil,
    fields: [
      rs1("batch", 0, 16), rs1("in_rows", 16, 16), rs1("in_channels", 32, 16), rs1("out_channels", 48, 16),
      rs2("out_rows", 0, 16), rs2("pool_out_rows", 16, 16), rs2("out_cols", 32, 16), rs2("stride", 48, 8),
      rs2("padding", 56, 8),
    ], summary: "sizes of the convolution"),
  CommandFormat(
    mnemonic: "loop_conv_ws_2", funct: 17, subtype: nil,
    fields: [
      rs1("pool_padding", 0, 8), rs1("pool_stride", 8, 8), rs1("pool_size", 16, 16), rs1("pool_out_cols", 32, 16),
      rs1("kernel", 48, 16), rs2("channels", 0, 16), rs2("cols", 16, 16), rs2("rows", 32, 16), rs2("batches", 48, 16),
    ], summary: "pooling, kernel, and the tile after pooling"),
  CommandFormat(
    mnemonic: "loop_conv_ws_3", funct: 18, subtype: nil,
    fields: [
      rs1("left", 0, 16), rs1("kernel_channels", 16, 16), rs1("kernel_cols", 32, 16), rs1("kernel_rows", 48, 16),
      rs2("in_cols", 0, 16), rs2("pool_left", 16, 8), rs2("down", 24, 8), rs2("up", 32, 16), rs2("right", 48, 16),
    ], summary: "kernel tile and padding"),
  CommandFormat(
    mnemonic: "loop_conv_ws_4", funct: 19, subtype: nil,
    fields: [
      rs1("dilation", 0, 10), rs1("pool_down", 10, 11), rs1("pool_up", 21, 11), rs1("pool_right", 32, 16),
      rs1("out_rows", 48, 16), rs2("out_cols", 0, 16), rs2("out_stride", 16, 16), rs2("weight_stride", 32, 16),
      rs2("in_stride", 48, 16),
    ], summary: "dilation, the tile before pooling, strides in elements"),
  CommandFormat(
    mnemonic: "loop_conv_ws_5", funct: 20, subtype: nil,
    fields: [rs1("weights", 0, 64, .address), rs2("output", 0, 64, .address)], summary: "addresses"),
  CommandFormat(
    mnemonic: "loop_conv_ws_6", funct: 21, subtype: nil,
    fields: [rs1("bias", 0, 64, .address), rs2("input", 0, 64, .address)], summary: "addresses"),
  CommandFormat(
    mnemonic: "loop_conv_ws", funct: 15, subtype: nil,
    fields: [
      rs1("no_bias", 0, 1, .flag), rs1("rotate", 1, 1, .flag), rs1("out_1203", 2, 1, .flag),
      rs1("weights_1203", 3, 1, .flag), rs1("weights_0132", 4, 1, .flag), rs1("in_3120", 5, 1, .flag),
      rs1("depthwise", 6, 1, .flag), rs1("pixels", 8, 8), rs1("b_half", 16, 2), rs1("a_half", 18, 2),
      rs2("no_pool", 0, 1, .flag), rs2("downsample", 1, 1, .flag), rs2("dilated", 2, 1, .flag),
      rs2("activation", 3, 2),
    ], summary: "runs the hardware convolution"),
]

private let extensions: [CommandFormat] = [
  CommandFormat(
    mnemonic: "config_output", funct: 32, subtype: nil,
    fields: [rs1("zero_point", 0, 8, .signed), rs1("low", 8, 8, .signed), rs1("high", 16, 8, .signed)],
    summary: "zero point and clamp of int8 stores until the next config_st (spadix)"),
  CommandFormat(
    mnemonic: "config_output_scales", funct: 33, subtype: nil,
    fields: [rs1("dram", 0, 64, .address), rs2("count", 0, 16)],
    summary: "a scale per column of int8 stores until the next config_st (spadix)"),
]

private let others: [CommandFormat] = [
  CommandFormat(
    mnemonic: "flush", funct: 7, subtype: nil, fields: [rs1("skip", 0, 1, .flag)],
    summary: "flushes the address translation; no effect on memory"),
  CommandFormat(
    mnemonic: "fence", funct: 127, subtype: nil, fields: [],
    summary: "all earlier commands complete before any later one starts"),
  CommandFormat(
    mnemonic: "clock_gate", funct: 22, subtype: nil, fields: [rs1("enable", 0, 1, .flag)],
    summary: "clock gating; no effect on memory"),
  CommandFormat(
    mnemonic: "counter", funct: 126, subtype: nil,
    fields: [
      rs1("reset", 0, 1, .flag), rs1("snapshot_reset", 1, 1, .flag), rs1("snapshot", 2, 1, .flag),
      rs1("configure", 3, 1, .flag), rs1("index", 4, 3), rs1("event", 12, 6), rs1("external", 31, 1, .flag),
    ], summary: "performance counters; no effect on memory"),
]
