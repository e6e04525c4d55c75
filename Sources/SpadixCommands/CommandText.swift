import Spadix
import SpadixSupport

/// A command line that can be typed again: what decides a result, without where the result was put.
struct CommandText {
  private(set) var arguments: [String]

  init(_ arguments: String...) { self.arguments = ["spadix"] + arguments }

  /// Adds an option for each value.
  mutating func add(_ option: String, _ values: [String]) {
    for value in values { arguments += [option, value] }
  }

  /// Adds an option where its value is not the default.
  mutating func add(_ option: String, _ value: String?, unless usual: String? = nil) {
    if let value, value != usual { arguments += [option, value] }
  }

  /// Adds what says how a graph is compiled.
  mutating func add(
    _ target: TargetOptions, _ model: ModelOptions, _ calibrate: [NamedFile], _ formulation: Compiler.Formulation
  ) {
    add("--target", target.target)
    add("--set", target.settings.set.map(\.text))
    add("--shape", model.shape.map { "\($0.name)=\($0.shape.map(String.init).joined(separator: "x"))" })
    add("--dim", model.dim.map { "\($0.name)=\($0.size)" })
    add("--calibrate", calibrate.map(\.argument))
    add("--formulation", formulation.rawValue, unless: Compiler.Formulation.residency.rawValue)
  }

  /// As a POSIX shell reads it back.
  var text: String { arguments.map(Shell.quoted).joined(separator: " ") }
}
