/// One command as it passes over the RoCC port: a function number and two 64-bit operands.
public struct Command: Hashable, Sendable {
  /// The RoCC function number, 0...127; one of `Funct`.
  public var funct: UInt8
  /// First operand. In configurations, bits 1...0 tell which one it is.
  public var rs1: UInt64
  /// Second operand.
  public var rs2: UInt64

  @inlinable
  public init(funct: UInt8, rs1: UInt64 = 0, rs2: UInt64 = 0) {
    self.funct = funct
    self.rs1 = rs1
    self.rs2 = rs2
  }
}

/// Function numbers (docs/isa.md; 32 to 35 are extensions of the `spadix` target).
public enum Funct {
  /// config_ex, config_ld, config_st and config_norm: rs1[1:0] tells them apart.
  public static let config: UInt8 = 0
  /// mvin2: a load with load state 1.
  public static let moveIn2: UInt8 = 1
  /// mvin: a load with load state 0.
  public static let moveIn: UInt8 = 2
  /// mvout: local memory to DRAM.
  public static let moveOut: UInt8 = 3
  /// compute_preloaded: the latched operand enters the array first.
  public static let computePreloaded: UInt8 = 4
  /// compute_accumulated: the array keeps its operand.
  public static let computeAccumulated: UInt8 = 5
  /// Latches the array's next operand and the place of the next result.
  public static let preload: UInt8 = 6
  /// Flushes the address translation; nothing else happens.
  public static let flush: UInt8 = 7
  /// loop_ws: starts the hardware product that 9...13 describe.
  public static let loopMatmulRun: UInt8 = 8
  /// loop_ws_bounds.
  static let loopMatmulBounds: UInt8 = 9
  /// loop_ws_ab.
  static let loopMatmulAddressesAB: UInt8 = 10
  /// loop_ws_dc.
  static let loopMatmulAddressesDC: UInt8 = 11
  /// loop_ws_strides_ab.
  static let loopMatmulStridesAB: UInt8 = 12
  /// loop_ws_strides_dc.
  static let loopMatmulStridesDC: UInt8 = 13
  /// mvin3: a load with load state 2.
  public static let moveIn3: UInt8 = 14
  /// loop_conv_ws: starts the hardware convolution that 16...21 describe.
  public static let loopConvRun: UInt8 = 15
  /// loop_conv_ws_1: sizes of the operator.
  static let loopConvConfig1: UInt8 = 16
  /// loop_conv_ws_2: pooling, kernel, and sizes of the tile.
  static let loopConvConfig2: UInt8 = 17
  /// loop_conv_ws_3: kernel tile and padding of the tile.
  static let loopConvConfig3: UInt8 = 18
  /// loop_conv_ws_4: dilation, the tile before pooling, strides.
  static let loopConvConfig4: UInt8 = 19
  /// loop_conv_ws_5: addresses of weights and output.
  static let loopConvConfig5: UInt8 = 20
  /// loop_conv_ws_6: addresses of bias and input.
  public static let loopConvConfig6: UInt8 = 21
  /// Clock gating; no effect on memory.
  public static let clockGate: UInt8 = 22
  /// mvout_spad: needs the capability `scratchpad_store`.
  public static let moveOutScratchpad: UInt8 = 23
  /// config_output: needs the capability `output_stage`.
  public static let configOutput: UInt8 = 32
  /// config_output_scales: needs the capability `output_stage`.
  public static let configOutputScales: UInt8 = 33
  /// config_output_table: needs the capability `output_table`.
  public static let configOutputTable: UInt8 = 34
  /// config_output_pair: needs the capability `output_pair`.
  public static let configOutputPair: UInt8 = 35
  /// Performance counters; no effect on memory.
  public static let counter: UInt8 = 126
  /// No command of the port: it stands for the RISC-V `fence` between two of them.
  public static let fence: UInt8 = 127
}
