import ArgumentParser
import Spadix
import SpadixISA
import SpadixSupport
import SpadixSweep

struct PointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "point",
    abstract: "Answer one point of a sweep as JSON on standard output, for search loops of your own.",
    discussion: """
      The object has `failure`, null or the diagnostic of a point that cannot exist, and `figures` by name, those of the \
      columns of a sweep. The exit status is 0 in both cases: to a search, a target that cannot exist is an answer.
      """)

  @Argument(help: ArgumentHelp("The graph or the model.", valueName: "network"))
  var network: String

  @OptionGroup var target: TargetOptions

  @Option(
    help: ArgumentHelp(
      "Time the program with this parameter, without compiling for it. Can be given more than once.",
      valueName: "key=value"))
  var time: [TargetSetting] = []

  @Option(help: "Order of the kernels.")
  var formulation = Compiler.Formulation.residency

  @Option(help: ArgumentHelp("Calibrate with random samples, which is all that a point may.", valueName: "random"))
  var calibrate: String?

  func validate() throws {
    if let other = time.first(where: { !$0.changesOnlyTime }) {
      throw ValidationError("--time \(other.text): expected a parameter of timing; --set is for others")
    }
    if let calibrate, calibrate != "random" { throw ValidationError("--calibrate \(calibrate): expected random") }
  }

  func run() throws {
    let point = SweepPoint(
      network: network, path: network, target: target.target, targetPath: target.target,
      settings: target.settings.set.map(\.text), timing: time.map(\.text), formulation: formulation,
      calibratesAtRandom: calibrate != nil)
    var runner = PointRunner()
    let answer = runner.answer(point)
    let json: JSONValue = [
      "failure": answer.failure.map { .string($0) } ?? .null,
      "figures": answer.failure == nil ? SweepResults.json(answer.figures) : .null,
    ]
    try StandardOutput.write(json.text() + "\n")
  }
}
