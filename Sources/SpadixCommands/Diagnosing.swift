import ArgumentParser
import Foundation
import SpadixSupport

/// What the exit status of every command means.
enum ExitStatus {
  /// Diagnostics were printed.
  static let diagnostics = ExitCode(1)
  /// Results were computed and differ from what they were compared with.
  static let mismatch = ExitCode(2)
}

extension SpadixCommand {
  /// Parses the arguments, runs the command, and turns what it throws into messages and an exit status.
  ///
  /// This is the only place that does: commands throw `Diagnostic` or `Diagnostics` (status 1), ArgumentParser's
  /// `ValidationError` (usage, status 64) or an `ExitStatus` after printing results.
  public static func main() {
    // A limit on the size of files is an error of a write, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let diagnostic as Diagnostic {
      exit(printing: Diagnostics([diagnostic]))
    } catch let diagnostics as Diagnostics {
      exit(printing: diagnostics)
    } catch {
      exit(withError: error)
    }
  }

  private static func exit(printing diagnostics: Diagnostics) -> Never {
    StandardError.write(diagnostics.description)
    exit(withError: ExitStatus.diagnostics)
  }
}
