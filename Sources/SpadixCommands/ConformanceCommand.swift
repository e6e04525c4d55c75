import ArgumentParser
import Foundation
import SpadixISA
import SpadixMachine
import SpadixSupport

/// `spadix conformance`: runs every program that carries the result it must have.
struct ConformanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance", abstract: "Run programs that carry the result they must have, and compare.",
    discussion: """
      A file that cannot be read counts as failed, and so does a program of which --check finds an error, though its \
      bytes come out right; the others run. Exits with status 2 when a program leaves other bytes than it must, or \
      stores where it must not; otherwise with 1 when a check found an error or a file could not be read.
      """)

  @Argument(
    help: ArgumentHelp(
      """
      A program, - for standard input, or a folder, searched to any depth for .spxo, .safetensors and .s (assembly) files.
      """,
      valueName: "program|folder"))
  var path: String

  @Option(help: ArgumentHelp("What to watch for: all, none, default, or names of checks.", valueName: "check,..."))
  var check = "default"

  @Option(help: ArgumentHelp("The kernels to compute with, instead of the fastest.", valueName: "name"))
  var kernels: String?

  @Option(help: ArgumentHelp("The byte that local memory is filled with at the start.", valueName: "0...255"))
  var fill: UInt8 = 0xA5

  @Flag(help: "Print a line for every program, not only for those that fail.")
  var verbose = false

  func run() throws {
    let programs = try programs()
    let options = Machine.Options(checks: try CheckSet(parsing: check), fill: fill, kernels: kernels)
    var (passed, wrong, faulty, unreadable, skipped, commands, bytes, findings) = (0, 0, 0, 0, 0, 0, 0, 0)
    for (name, file) in programs {
      guard let program = try read(file) else {
        unreadable += 1
        try StandardOutput.write("FAIL  \(name)  cannot be read\n")
        continue
      }
      if program.expectations.isEmpty {
        skipped += 1
        continue
      }
      let result = try Conformance(program, options: options)
      commands += program.commands.count
      bytes += result.bytesCompared
      findings += result.log.count
      if result.passes { passed += 1 } else if result.isExact { faulty += 1 } else { wrong += 1 }
      if verbose || !result.passes {
        try StandardOutput.write("\(result.passes ? "pass" : "FAIL")  \(name)\(Self.reason(result))\n")
      }
      for finding in result.log.diagnostics(in: program) { StandardError.write("\(name): \(finding)") }
    }
    let total = passed + wrong + faulty + unreadable
    if total == 0 {
      throw Diagnostic("conformance.empty", "no program in '\(path)' carries expectations")
    }
    try StandardOutput.write(
      "\(passed) of \(total) programs pass: \(commands) commands, \(bytes) bytes compared, "
        + "\(findings) findings\(unreadable > 0 ? ", \(unreadable) files cannot be read" : "")"
        + "\(skipped > 0 ? ", \(skipped) programs without expectations" : "")\n")
    if wrong > 0 { throw ExitStatus.mismatch }
    if faulty + unreadable > 0 { throw ExitStatus.diagnostics }
  }

  /// Nil after printing why a program cannot be read.
  private func read(_ file: String) throws -> Program? {
    do {
      return try Program(reading: file)
    } catch let diagnostic as Diagnostic {
      StandardError.write(Diagnostics([diagnostic]).description)
    } catch let diagnostics as Diagnostics {
      StandardError.write(diagnostics.description)
    }
    return nil
  }

  /// Names to report, and paths.
  private func programs() throws -> [(name: String, file: String)] {
    if path == "-" { return [("<standard input>", path)] }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw Diagnostic("conformance.folder", "cannot read '\(path)': expected a program or a folder of programs")
    }
    if !isDirectory.boolValue { return [(path, path)] }
    let names = (FileManager.default.subpaths(atPath: path) ?? []).sorted().filter(Program.isProgram)
    return names.map { ($0, path + "/" + $0) }
  }

  private static func reason(_ result: Conformance) -> String {
    if let first = result.first {
      return "  \(result.differences) of \(result.bytesCompared) bytes differ, the first at "
        + "0x\(String(first.address, radix: 16)): expected \(first.expected), found \(first.found)"
    }
    if let stray = result.strayStore { return "  command \(stray) stores outside the expectations" }
    if let fault = result.fault { return "  \(fault.message)" }
    if let error = result.error { return "  command \(error.command): \(error.id)" }
    return "  \(result.bytesCompared) bytes"
  }
}
