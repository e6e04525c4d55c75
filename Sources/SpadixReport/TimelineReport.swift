import SpadixMachine

/// How busy the units of the three queues are over the modelled run, and when each operator ran.
public struct TimelineReport: Sendable, Hashable {
  public var cyclesPerBin: Int
  /// Busy cycles by bin.
  public var load: [Int]
  public var execute: [Int]
  public var store: [Int]
  /// By operator, in the order of the report; nil for those without commands.
  public var operators: [QueueProfile.Span?]

  public init(cyclesPerBin: Int, load: [Int], execute: [Int], store: [Int], operators: [QueueProfile.Span?]) {
    self.cyclesPerBin = cyclesPerBin
    self.load = load
    self.execute = execute
    self.store = store
    self.operators = operators
  }

  public init(_ profile: QueueProfile, operators: [QueueProfile.Span?]) {
    self.init(
      cyclesPerBin: profile.cyclesPerBin, load: profile.busy[0], execute: profile.busy[1], store: profile.busy[2],
      operators: operators)
  }
}
