import SpadixMachine
import SpadixSupport

/// What a kernel computes, and what that costs.
public struct KernelVerdict: Sendable {
  /// The first element, of the first sample and output in which one is wrong.
  public struct WrongElement: Sendable {
    public var sample: Int
    public var output: String
    public var index: [Int]
    public var expected: Int
    public var found: Int
    /// Elements of that output that are wrong, of how many.
    public var count: Int
    public var elementCount: Int
  }

  public var kernel: String
  public var reference: String
  public var target: String
  public var samples: Int
  /// Nil where every element is right, or where findings ended the run.
  public var firstWrong: WrongElement?
  /// What the machine found, and what the kernel does beside its outputs: any error makes it wrong.
  public var findings: [Diagnostic]
  public var commands: Int
  public var counters: Counters
  public var dim: Int

  public var isRight: Bool { firstWrong == nil && !findings.contains { $0.severity == .error } }
  /// In KiB: rows up to the highest that is written.
  public var scratchpadKiB: Double { Double(counters.scratchpadPeakRows * dim) / 1024 }
  public var accumulatorKiB: Double { Double(counters.accumulatorPeakRows * dim * 4) / 1024 }
}
