import SpadixISA

/// How busy each queue's unit is over a modelled run, in equal bins of time, and when each operation ran.
///
/// Small whatever the length of the run, unlike a trace: the bins grow with it.
public struct QueueProfile: Sendable {
  /// First start and last end of an operation's steps, in modelled cycles.
  public struct Span: Sendable, Hashable {
    /// Cycle at which the first step starts.
    public var first: Int
    /// Cycle at which the last step ends.
    public var last: Int

    public init(first: Int, last: Int) {
      self.first = first
      self.last = last
    }

    /// From the first start of both to the last end of both.
    public func joined(with other: Span?) -> Span {
      Span(first: min(first, other?.first ?? first), last: max(last, other?.last ?? last))
    }
  }

  private static let maximumBins = 512

  /// A power of two.
  public private(set) var cyclesPerBin = 1
  /// Busy cycles by bin, of the units for loads, computes and stores.
  public private(set) var busy: [[Int]] = [[], [], []]
  /// One for each of the program's operations; nil for those without steps.
  public private(set) var spans: [Span?]

  init(_ program: Program) { spans = [Span?](repeating: nil, count: program.operations.count) }

  /// - Parameters:
  ///   - operation: index into the program's operations, negative for none.
  ///   - free: when the unit can start its next step.
  ///   - done: when the step's results are complete.
  mutating func add(_ queue: Trace.Queue, _ operation: Int, _ start: Int, free: Int, done: Int) {
    if operation >= 0 {
      spans[operation] = Span(first: start, last: done).joined(with: spans[operation])
    }
    while (free - 1) / cyclesPerBin >= Self.maximumBins { halve() }
    var time = start
    while time < free {
      let bin = time / cyclesPerBin
      let end = min(free, (bin + 1) * cyclesPerBin)
      while busy[queue.rawValue].count <= bin { busy[queue.rawValue].append(0) }
      busy[queue.rawValue][bin] += end - time
      time = end
    }
  }

  private mutating func halve() {
    busy = busy.map { bins in
      stride(from: 0, to: bins.count, by: 2).map { bins[$0] + ($0 + 1 < bins.count ? bins[$0 + 1] : 0) }
    }
    cyclesPerBin *= 2
  }
}
