import ArgumentParser
import Foundation
import Spadix
import SpadixCodegen
import SpadixFuzz
import SpadixISA
import SpadixSupport

struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Compile random graphs for random targets and compare the machine with the reference.",
    discussion: """
      Case n uses seed + n for its graph and its target. A case fails when an output is not the integer reference's bit \
      for bit or does not have its name, when the machine finds anything to complain about, when plan, program and \
      machine do not count the same bytes of DRAM, or when the compiler gives up for another reason than a target too \
      small. The npu graph then goes to another target, and gets other attributes: the rules of operators and targets \
      must refuse it, or the machine must agree with the reference again. Exit status 2 when a case fails.
      """)

  @Option(help: "Seed of the first case.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Number of cases.", valueName: "n"))
  var count: Int = 100

  @Option(help: ArgumentHelp("Stop starting cases after this many seconds.", valueName: "seconds"))
  var seconds: Double?

  @Option(help: ArgumentHelp("Folder for the graphs and targets of failed cases.", valueName: "folder"))
  var output: String?

  @Option(
    help:
      "Whether operators run in groups, strip by strip: where it is better, wherever it is possible and in a random way, or never."
  )
  var groups = GroupPolicy.auto

  @Flag(help: "Print the graph of each case instead of running it.")
  var print = false

  func validate() throws {
    if !(1...100_000_000).contains(count) { throw ValidationError("--count \(count): expected 1 to 100000000") }
  }

  func run() throws {
    _ = try FileArguments(inputs: [], outputs: [OutputArgument("--output", output, .folder)])
    if print {
      for index in 0..<UInt64(count) { try StandardOutput.write(FuzzCase(seed: seed &+ index).text) }
      return
    }
    let start = Date()
    var progress = Progress()
    var exact = 0
    var tooSmall = 0
    var failed = 0
    var npu = FuzzCase.NpuTally()
    for index in 0..<UInt64(count) {
      if let seconds, Date().timeIntervalSince(start) > seconds { break }
      progress.show("case \(index + 1) of \(count), \(failed) failed")
      let test = FuzzCase(seed: seed &+ index, groups: groups)
      switch test.run() {
      case .exact(let tally):
        exact += 1
        npu.exact += tally.exact
        npu.refused += tally.refused
      case .tooSmall: tooSmall += 1
      case .failed(let message):
        failed += 1
        progress.clear()
        let target =
          "\(test.target.name), dim \(test.target.dim), \(test.target.scratchpadRows) scratchpad rows, "
          + "\(test.target.accumulatorRows) accumulator rows"
        try StandardOutput.write("seed \(test.seed) on \(target): \(message)\n")
        if let output {
          try Files.makeDirectory(output)
          try Files.write(test.text, to: "\(output)/seed-\(test.seed).spx")
          try Files.write(test.target.yaml, to: "\(output)/seed-\(test.seed).yaml")
        }
      }
    }
    progress.clear()
    try StandardOutput.write(
      "random graphs from seed \(seed): \(exact) exact, \(tooSmall) on targets too small\n"
        + "their npu graphs on other targets and with other integers: \(npu.exact) exact, \(npu.refused) refused\n"
        + "\(exact) passed, \(failed) failed\n")
    if failed > 0 { throw ExitStatus.mismatch }
  }
}
