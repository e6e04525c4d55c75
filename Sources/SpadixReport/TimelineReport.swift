import SpadixMachine

/// How busy the units of the three queues are over the modelled run, and when each operator ran.
public struct TimelineReport: Sendable, Hashable {
  /// Modelled cycles; a power of two.
  var cyclesPerBin: Int
  /// Busy cycles by bin.
  var load: [Int]
  /// Busy cycles by bin.
  var execute: [Int]
  /// Busy cycles by bin.
  var store: [Int]
  /// By operator, in the order of the report; nil for those without commands.
  var operators: [QueueProfile.Span?]

  init(cyclesPerBin: Int, load: [Int], execute: [Int], store: [Int], operators: [QueueProfile.Span?]) {
    self.cyclesPerBin = cyclesPerBin
    self.load = load
    self.execute = execute
    self.store = store
    self.operators = operators
  }

  /// The profile's queues by name.
  ///
  /// - Parameter operators: spans by operator of the report, rather than by operation of the program.
  public init(_ profile: QueueProfile, operators: [QueueProfile.Span?]) {
    self.init(
      cyclesPerBin: profile.cyclesPerBin, load: profile.busy[0], execute: profile.busy[1], store: profile.busy[2],
      operators: operators)
  }
}
