import SpadixISA
import SpadixSupport
import SpadixTensor

/// Random legal targets, from the least memories up.
public enum RandomTarget {
  /// A preset, or one with sizes and capabilities of its own. The same seed gives the same target.
  public static func target(seed: UInt64) -> Target {
    var generator = SplitMix64(seed: seed ^ 0x7461_7267_6574)
    var target = Target.presets.randomElement(using: &generator)!
    if Int.random(in: 0..<3, using: &generator) == 0 { return target }
    target.name = "random-\(seed)"
    target.dim = [4, 8, 16, 32].randomElement(using: &generator)!
    target.scratchpadBanks = 4
    let tiles = [8, 16, 32, 64, 256].randomElement(using: &generator)!
    target.scratchpadRowsPerBank = target.dim * tiles / 2
    target.accumulatorRows = target.dim * [2, 4, 16, 64].randomElement(using: &generator)!
    // The least target of its size, where everything streams.
    if Int.random(in: 0..<4, using: &generator) == 0 {
      target = least(dim: [2, 4, 8, 16, 32].randomElement(using: &generator)!, like: target)
    }
    return target
  }

  /// The first random target from a seed on that can keep results in the scratchpad.
  static func targetWithScratchpadStore(seed: UInt64) -> Target {
    var seed = seed
    while true {
      let target = target(seed: seed)
      if target.hasScratchpadStore { return target }
      seed &+= 0x9E37_79B9_7F4A_7C15
    }
  }

  /// The smallest legal memories for an array: 4 * dim scratchpad rows and dim accumulator rows.
  static func least(dim: Int, like base: Target) -> Target {
    var target = base
    target.name = "least-\(dim)"
    target.dim = dim
    target.scratchpadBanks = 4
    target.scratchpadRowsPerBank = dim
    target.accumulatorRows = dim
    return target
  }
}
