import Spadix
import SpadixIR
import SpadixISA
import SpadixReport
import SpadixSupport

/// Answers points, compiling once for all that share a program.
public struct PointRunner {
  /// The program of the last point.
  private var compiled: (point: SweepPoint, compilation: Compilation)?

  public init() {}

  /// Never throws: what cannot be answered is an answer with its diagnostic.
  public mutating func answer(_ point: SweepPoint) -> SweepAnswer {
    do {
      let (compilation, isCompiled) = try compilation(for: point)
      let target = try Self.target(point, settings: point.settings + point.timing)
      let report = try compilation.retimed(for: target).report(modelsTime: true, asksWhatIf: false)
      guard let report else { preconditionFailure("the compilation went to its last phase") }
      return SweepAnswer(figures: SweepFigures.of(report), isCompiled: isCompiled)
    } catch let diagnostics as Diagnostics {
      return SweepAnswer(figures: [], failure: diagnostics.description)
    } catch let diagnostic as Diagnostic {
      return SweepAnswer(figures: [], failure: diagnostic.description)
    } catch {
      return SweepAnswer(figures: [], failure: "\(error)\n")
    }
  }

  private static func target(_ point: SweepPoint, settings: [String]) throws -> Target {
    try Target.named(point.targetPath, settings: settings.compactMap { TargetSetting($0) })
  }

  private mutating func compilation(for point: SweepPoint) throws -> (Compilation, isCompiled: Bool) {
    if let compiled, compiled.point == point.program { return (compiled.compilation, false) }
    let input = try CompilerInput(reading: point.path)
    let compiler = Compiler(
      target: try Self.target(point, settings: point.settings),
      options: Compiler.Options(formulation: point.formulation, calibratesAtRandom: point.calibratesAtRandom))
    let compilation = try compiler.compile(input, data: DataStore())
    compiled = (point.program, compilation)
    return (compilation, true)
  }
}
