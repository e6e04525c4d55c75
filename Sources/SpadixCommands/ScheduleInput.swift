import Spadix
import SpadixIR
import SpadixISA
import SpadixImport
import SpadixOrder
import SpadixSupport

/// Where problems come from.
enum ScheduleInput {
  /// A neutral problem, which is a JSON object, or a graph, whose kernels for the target are the operators.
  static func read(
    _ path: String, _ model: ModelOptions, _ calibrate: [NamedFile], target: Target, files: inout FileArguments
  ) throws -> ScheduleProblem {
    let bytes = try ModelImport.readModelOrText(path)
    if ModelImport.isModel(bytes) {
      let input = try CompilerInput(importing: bytes, path: path, model.value)
      try files.addFiles(of: input)
      return try problem(input, calibrate, target)
    }
    if model.isGiven { throw InputFile.notAModel(path) }
    let source = try Files.source(bytes, of: path)
    let isObject = source.bytes.first(where: { $0 > UInt8(ascii: " ") }) == UInt8(ascii: "{")
    if isObject || path.hasSuffix(".json") {
      if !calibrate.isEmpty {
        throw Diagnostic("driver.not-a-graph", "--calibrate is given, but '\(path)' is a problem, not a graph")
      }
      return try ScheduleProblemReader.read(source)
    }
    let input = try CompilerInput(parsing: source, baseFile: path)
    try files.addFiles(of: input)
    return try problem(input, calibrate, target)
  }

  private static func problem(
    _ input: CompilerInput, _ calibrate: [NamedFile], _ target: Target
  ) throws -> ScheduleProblem {
    let options = Compiler.Options(
      samples: try calibrate.samples(for: input.graph), calibratesAtRandom: calibrate.asksForRandom)
    return try Compiler(target: target, options: options).scheduleProblem(input, data: DataStore())
  }
}
