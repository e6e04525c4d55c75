/// What the time model says of a program when the hardware differs in one parameter: the same commands, timed again.
public struct WhatIf: Sendable, Hashable {
  /// The parameter's path in a target file: `timing.dma_latency`.
  var parameter: String
  /// The parameter's value in the target.
  var present: Int
  /// The value that was tried.
  var changed: Int
  /// Modelled cycles of the whole program with the changed parameter.
  var cycles: Int

  public init(parameter: String, present: Int, changed: Int, cycles: Int) {
    self.parameter = parameter
    self.present = present
    self.changed = changed
    self.cycles = cycles
  }

  /// `timing.dma_latency=30`, as `--set` takes it.
  var setting: String { "\(parameter)=\(changed)" }
}
