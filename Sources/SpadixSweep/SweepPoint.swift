import Spadix
import SpadixSupport

/// One question of a sweep: a network, a target and options.
public struct SweepPoint: Sendable, Equatable {
  /// As the sweep names it.
  var network: String
  /// The path to read it from.
  var path: String
  /// A preset or the path of a target file, as the sweep names it, and to read it from.
  var target: String
  /// The path to read `target` from, or the preset's name.
  var targetPath: String
  /// `KEY=VALUE` in the order of the sweep's axes: what the program is compiled for.
  var settings: [String]
  /// The same, with which the program is timed.
  var timing: [String]
  /// How the plan is made.
  var formulation: Compiler.Formulation
  /// As in `Compiler.Options`.
  var calibratesAtRandom: Bool

  public init(
    network: String, path: String, target: String, targetPath: String, settings: [String] = [],
    timing: [String] = [], formulation: Compiler.Formulation = .residency, calibratesAtRandom: Bool = false
  ) {
    self.network = network
    self.path = path
    self.target = target
    self.targetPath = targetPath
    self.settings = settings
    self.timing = timing
    self.formulation = formulation
    self.calibratesAtRandom = calibratesAtRandom
  }

  /// The point without what its program does not depend on: equal for points that share one.
  var program: SweepPoint {
    var point = self
    point.settings.removeAll { SweepAxis.isUnit($0) }
    point.timing = []
    return point
  }
}

/// What is known of a point once it has been answered.
public struct SweepAnswer: Sendable, Equatable {
  /// Figures by name, in the order of `SweepFigures.names`; empty for a point that failed.
  public var figures: [Int?]
  /// The diagnostic of a point that cannot be answered.
  public var failure: String?
  /// Whether the program was compiled for this point, and not for another one with the same program.
  var isCompiled = false

  init(figures: [Int?], failure: String? = nil, isCompiled: Bool = false) {
    self.figures = figures
    self.failure = failure
    self.isCompiled = isCompiled
  }
}
