import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// What a pass sees besides the graph, and where it reports.
public struct PassContext {
  let target: Target
  /// Loads the elements of data definitions, once each.
  public let data: DataStore
  /// Calibration samples by input name, `--calibrate NAME=FILE.npy`; they stand in for the graph's own.
  var samples: [CalibrationSamples]
  /// The options of the pass that is running.
  internal(set) var arguments: PassArguments
  /// What is random about the samples that ranges come from; nil where nothing is.
  public internal(set) var calibration: String?
  /// The calibrated graph before its biases were corrected, value by value the same; nil where none was.
  public internal(set) var uncorrected: Graph?
  /// Warnings and remarks so far, in the order of reporting.
  public private(set) var diagnostics: Diagnostics

  public init(target: Target, data: DataStore, samples: [CalibrationSamples] = []) {
    self.target = target
    self.data = data
    self.samples = samples
    self.arguments = PassArguments([])
    self.diagnostics = Diagnostics()
  }

  /// Reports something that does not stop the pass. Errors are thrown instead.
  mutating func report(_ diagnostic: Diagnostic) { diagnostics.report(diagnostic) }
}

/// Samples for one graph input, stacked along axis 0.
public struct CalibrationSamples: Sendable {
  /// The name of the input, without `%`.
  public var input: String
  /// `[samples, ...]` in f32, where `...` is the shape of the input without its axis 0.
  var tensor: Tensor

  public init(input: String, tensor: Tensor) {
    self.input = input
    self.tensor = tensor
  }
}
