import SpadixMachine
import SpadixSupport

/// What a kernel computes, and what that costs.
public struct KernelVerdict: Sendable {
  /// The first element, of the first sample and output in which one is wrong.
  public struct WrongElement: Sendable {
    /// From 0.
    public var sample: Int
    /// The graph's name for it.
    public var output: String
    /// By axis.
    public var index: [Int]
    /// The integer of the reference.
    public var expected: Int
    /// The integer that the kernel left.
    public var found: Int
    /// Elements of that output that are wrong, of how many.
    public var count: Int
    /// Elements of the output.
    public var elementCount: Int
  }

  /// The path that was judged.
  public var kernel: String
  /// Name of the reference's graph.
  public var reference: String
  /// Name of the target.
  public var target: String
  /// Samples that it is judged by; a wrong kernel is not run on all of them.
  public var samples: Int
  /// Nil where every element is right, or where findings ended the run.
  public var firstWrong: WrongElement?
  /// What the machine found, and what the kernel does beside its outputs: any error makes it wrong.
  public var findings: [Diagnostic]
  /// Of the kernel, hardware loops not expanded.
  public var commands: Int
  /// Of the first sample, with modelled time.
  public var counters: Counters
  /// Of the target, for sizes in bytes.
  var dim: Int

  /// Whether every element of every sample is right and no finding is an error.
  public var isRight: Bool { firstWrong == nil && !findings.contains { $0.severity == .error } }
  /// In KiB: rows up to the highest that is written.
  public var scratchpadKiB: Double { Double(counters.scratchpadPeakRows * dim) / 1024 }
  /// In KiB: rows up to the highest that is written.
  public var accumulatorKiB: Double { Double(counters.accumulatorPeakRows * dim * 4) / 1024 }
}
