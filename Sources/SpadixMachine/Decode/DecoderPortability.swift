import SpadixISA

extension Decoder {
  /// Warns of fields that hardware and the functional model read differently, from the bits of a command.
  @inline(never)
  mutating func warnOfFields(_ it: Command) {
    switch it.funct {
    case 0 where it.rs1 & 3 == 2:
      if it.rs1 >> 4 & 3 == 0, it.rs1 >> 6 & 3 != 0 {
        warn("a pooling window without a pooling stride is no pooling here; hardware stores in another order")
      }
      if it.rs2 >> 32 == 0xFFFF_FFFF { warn("a scale of all ones is NaN here; hardware keeps the scale it has") }
    case 8 where it.rs2 >> 3 != 0:
      warn("rs2[63:3] of loop_ws is ignored here; hardware skips parts, rotates or stores to the scratchpad")
    case 19 where it.rs1 >> 8 & 3 != 0:
      warn("of the kernel dilation \(it.rs1 & 0x3FF) eight bits count here; hardware has ten")
    default: break
    }
  }
}
