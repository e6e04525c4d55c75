import ArgumentParser
import Foundation
import SpadixSupport
import SpadixSweep

struct SweepCommand: ParsableCommand {
  enum Engine: String, CaseIterable, ExpressibleByArgument {
    case local, slurm
  }

  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Answer many what-if questions: networks, targets and parameters in all combinations.",
    discussion: """
      The folder gets sweep.csv with a line for each point, sweep.html and pareto.svg to look at, and a file for each \
      answer. An answer is kept under a hash of all that decides it and never computed twice: a sweep that was ended goes \
      on where it was. Points that differ only in timing share a program. Points that cannot exist are rows with the \
      reason. docs/sweeps.md describes the file.
      """)

  @Argument(help: ArgumentHelp("What to vary; can be left out with --resume.", valueName: "sweep.yaml"))
  var file: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder of results.", valueName: "folder"))
  var output: String

  @Option(help: ArgumentHelp("Processes at a time, on this machine. (default: its processors)", valueName: "n"))
  var jobs: Int?

  @Option(help: "Where points are computed: on this machine, or as an array job of Slurm.")
  var engine = Engine.local

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A further option for sbatch, such as --partition=long. Can be given more than once.", valueName: "option"))
  var sbatch: [String] = []

  @Flag(help: "Go on with the sweep of the folder, or with another one whose points join it.")
  var resume = false

  @Option(help: .hidden)
  var group: Int?

  @Option(help: .hidden)
  var task: String?

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs \(jobs): expected 1 to 1024") }
    if jobs != nil && engine == .slurm {
      throw ValidationError("--jobs is about this machine; Slurm has its own limits")
    }
    if !sbatch.isEmpty && engine != .slurm { throw ValidationError("--sbatch is for --engine slurm") }
    if file == nil && !resume { throw ValidationError("expected a sweep file, or --resume") }
  }

  func run() throws {
    if file != nil {
      _ = try FileArguments(inputs: [file], outputs: [OutputArgument("--output", output, .folder)])
    }
    let work = try work()
    if let group { return try runGroups([group], of: work) }
    if let task {
      let parts = task.split(separator: "/").compactMap { Int($0) }
      guard parts.count == 2, parts[1] > 0 else { throw ValidationError("--task \(task): expected I/N") }
      return try runGroups(Array(stride(from: parts[0], to: work.groups.count, by: parts[1])), of: work)
    }
    let open = work.groups.indices.filter { !work.open($0).isEmpty }
    let before = work.points.count - open.reduce(0) { $0 + work.open($1).count }
    var notes: [String] = []
    if !open.isEmpty { notes = try compute(open, work) }
    let table = work.table
    try work.writeFiles(table)
    for note in notes { StandardError.write("warning: \(note)") }
    try StandardOutput.write(summary(table, before: before, compiled: table.programs(open.map { work.groups[$0] })))
    if table.missing > 0 { throw ExitStatus.diagnostics }
  }

  private func work() throws -> SweepWork {
    let path: String
    let sweep: SweepFile
    if let file {
      path = file
      let source = try Files.readSource(file)
      sweep = try SweepFile(source, baseFile: file == "-" ? nil : file)
    } else {
      // Its paths were relative to its own folder, which is recorded with it.
      let (text, base) = try SweepResults.sweep(in: output)
      path = base
      sweep = try SweepFile(SourceText(name: path, text: text), baseFile: base)
    }
    return SweepWork(sweep, try SweepResults(output, for: sweep, path: path, resumes: resume))
  }

  private func runGroups(_ groups: [Int], of work: SweepWork) throws {
    for group in groups where work.groups.indices.contains(group) { _ = try work.run(group) }
  }

  private func compute(_ open: [Int], _ work: SweepWork) throws -> [String] {
    switch engine {
    case .local:
      let count = jobs ?? ProcessInfo.processInfo.activeProcessorCount
      let progress = SharedProgress()
      defer { progress.clear() }
      progress.show("0 of \(open.count) programs")
      // The folder knows the sweep.
      let output = output
      return try LocalEngine(jobs: count) { ["sweep", "--resume", "--output", output, "--group", String($0)] }.run(open)
      {
        progress.show("\($0) of \(open.count) programs")
      }
    case .slurm:
      let slurm = SlurmEngine(folder: Files.absolute(output), options: sbatch)
      let job = try slurm.run(groups: work.groups.count) { task, tasks in
        // The shell puts the number of the task.
        ["sweep", "--resume", "--output", Files.absolute(output), "--task", "\(task)/\(tasks)"]
      }
      let missing = work.table.missing
      return missing == 0
        ? []
        : [
          "\(missing) points were not answered by job \(job); its logs are in \(output)/slurm; the same command goes on\n"
        ]
    }
  }

  private func summary(_ table: SweepTable, before: Int, compiled: Int) -> String {
    var text =
      "\(table.rows.count) point\(table.rows.count == 1 ? "" : "s"): \(before) known before, \(compiled) programs compiled"
    if table.failures > 0 { text += ", \(table.failures) failed" }
    if table.missing > 0 { text += ", \(table.missing) points missing" }
    return text + "\n  \(output)/sweep.csv, \(output)/sweep.html, \(output)/pareto.svg\n"
  }
}

/// Progress that several threads report, one after the other.
private final class SharedProgress: @unchecked Sendable {
  private let lock = NSLock()
  private var progress = Progress()

  func show(_ text: String) { lock.withLock { progress.show(text) } }
  func clear() { lock.withLock { progress.clear() } }
}
