import Foundation
import SpadixSupport

/// Runs the groups of a sweep as one array job of Slurm, and waits for it. Results travel through the folder, which all
/// nodes must see under the same path.
public struct SlurmEngine {
  /// Slurm's own limit for the indices of an array is 1,000 unless a site raises it.
  private static let maximumTasks = 1000

  private let folder: String
  private let options: [String]

  /// - Parameter options: further options of sbatch, such as `--partition=long`.
  public init(folder: String, options: [String]) {
    self.folder = folder
    self.options = options
  }

  /// Writes the job's script, submits it, and waits until all of its tasks have ended.
  ///
  /// - Parameters:
  ///   - groups: how many there are.
  ///   - worker: the arguments with which this binary runs the groups of one of so many tasks; the task's number is put
  ///     for `$SLURM_ARRAY_TASK_ID` by the shell.
  /// Returns the job's number. Throws `sweep.slurm-missing` and `sweep.slurm`, with what Slurm said.
  public func run(groups: Int, worker: (_ task: String, _ tasks: Int) -> [String]) throws -> String {
    guard let sbatch = ChildProcess.find(["sbatch"]) else {
      throw Diagnostic(
        "sweep.slurm-missing", "there is no sbatch on the path: Slurm is not installed here",
        help: "run on a machine that submits to your cluster, or use --jobs")
    }
    let logs = folder + "/slurm"
    try Files.makeDirectory(logs)
    let tasks = min(groups, Self.maximumTasks)
    let script = logs + "/job.sh"
    try Files.write(text(logs, tasks, worker("$SLURM_ARRAY_TASK_ID", tasks)), to: script)
    let result = try ChildProcess.run(sbatch, ["--parsable", "--wait"] + options + [script])
    // The number comes first; with clusters of several names theirs follows it.
    let job = result.output.split(whereSeparator: { $0 == ";" || $0.isWhitespace }).first.map(String.init)
    guard let job, Int(job) != nil else {
      let said = (result.errors + result.output).trimmingCharacters(in: .whitespacesAndNewlines)
      throw Diagnostic(
        "sweep.slurm", "Slurm refuses the job: \(said.isEmpty ? "\(result.ending)" : said)",
        help: "the script is \(script); --sbatch gives sbatch further options")
    }
    return job
  }

  private func text(_ logs: String, _ tasks: Int, _ arguments: [String]) -> String {
    let command = ([LocalEngine.binary] + arguments).map { $0.hasPrefix("$") ? "\"\($0)\"" : Shell.quoted($0) }
    return """
      #!/bin/bash
      # An array job of spadix sweep: each task runs every \(tasks)th group of points.
      #SBATCH --job-name=spadix-sweep
      #SBATCH --array=0-\(tasks - 1)
      #SBATCH --ntasks=1
      #SBATCH --output=\(logs)/%a.log
      exec \(command.joined(separator: " "))

      """
  }
}
