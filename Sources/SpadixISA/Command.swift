/// One command as it passes over the RoCC port: a function number and two 64-bit operands.
public struct Command: Hashable, Sendable {
  public var funct: UInt8
  public var rs1: UInt64
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
  public static let config: UInt8 = 0
  public static let moveIn2: UInt8 = 1
  public static let moveIn: UInt8 = 2
  public static let moveOut: UInt8 = 3
  public static let computePreloaded: UInt8 = 4
  public static let computeAccumulated: UInt8 = 5
  public static let preload: UInt8 = 6
  public static let flush: UInt8 = 7
  public static let loopMatmulRun: UInt8 = 8
  public static let loopMatmulBounds: UInt8 = 9
  public static let loopMatmulAddressesAB: UInt8 = 10
  public static let loopMatmulAddressesDC: UInt8 = 11
  public static let loopMatmulStridesAB: UInt8 = 12
  public static let loopMatmulStridesDC: UInt8 = 13
  public static let moveIn3: UInt8 = 14
  public static let loopConvRun: UInt8 = 15
  public static let loopConvConfig1: UInt8 = 16
  public static let loopConvConfig5: UInt8 = 20
  public static let loopConvConfig6: UInt8 = 21
  public static let clockGate: UInt8 = 22
  public static let moveOutScratchpad: UInt8 = 23
  public static let configOutput: UInt8 = 32
  public static let configOutputScales: UInt8 = 33
  public static let configOutputTable: UInt8 = 34
  public static let configOutputPair: UInt8 = 35
  public static let counter: UInt8 = 126
  public static let fence: UInt8 = 127
}
