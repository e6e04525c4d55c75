import ArgumentParser
import Foundation
import SpadixISA
import SpadixMachine
import SpadixSupport

/// `spadix conformance`: runs every program that carries the result it must have.
struct ConformanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance", abstract: "Run every program of a folder that carries expectations, and compare.",
    discussion: "Exits with status 2 when one of them leaves other bytes than it must, or stores where it must not.")

  @Argument(
    help: ArgumentHelp("A folder, searched to any depth for .spxo and .safetensors files.", valueName: "folder"))
  var folder: String

  @Option(help: ArgumentHelp("What to watch for: all, none, default, or names of checks.", valueName: "check,..."))
  var check = "default"

  @Option(help: ArgumentHelp("The kernels to compute with, instead of the fastest.", valueName: "name"))
  var kernels: String?

  @Option(help: ArgumentHelp("The byte that local memory is filled with at the start.", valueName: "0...255"))
  var fill: UInt8 = 0xA5

  @Flag(help: "Print a line for every program, not only for those that fail.")
  var verbose = false

  func run() throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw Diagnostic("conformance.folder", "cannot read '\(folder)': expected a folder of programs")
    }
    let names = (FileManager.default.subpaths(atPath: folder) ?? []).sorted().filter {
      $0.hasSuffix(".spxo") || $0.hasSuffix(".safetensors")
    }
    let options = Machine.Options(checks: try CheckSet(parsing: check), fill: fill, kernels: kernels)
    var (passed, failed, skipped, commands, bytes, findings) = (0, 0, 0, 0, 0, 0)
    for name in names {
      let program = try Program(reading: folder + "/" + name)
      if program.expectations.isEmpty {
        skipped += 1
        continue
      }
      let result = try Conformance(program, options: options)
      commands += program.commands.count
      bytes += result.bytesCompared
      findings += result.findings.count
      if result.passes { passed += 1 } else { failed += 1 }
      if verbose || !result.passes {
        try StandardOutput.write("\(result.passes ? "pass" : "FAIL")  \(name)\(Self.reason(result))\n")
      }
      for finding in result.findings { StandardError.write("\(name): \(finding.diagnostic(in: program))") }
    }
    if passed + failed == 0 {
      throw Diagnostic("conformance.empty", "no program in '\(folder)' carries expectations")
    }
    try StandardOutput.write(
      "\(passed) of \(passed + failed) programs pass: \(commands) commands, \(bytes) bytes compared, "
        + "\(findings) findings\(skipped > 0 ? ", \(skipped) programs without expectations" : "")\n")
    if failed > 0 { throw ExitStatus.mismatch }
  }

  private static func reason(_ result: Conformance) -> String {
    if let first = result.first {
      return "  \(result.differences) of \(result.bytesCompared) bytes differ, the first at "
        + "0x\(String(first.address, radix: 16)): expected \(first.expected), found \(first.found)"
    }
    if let stray = result.strayStore { return "  command \(stray) stores outside the expectations" }
    if let fault = result.fault { return "  \(fault.message)" }
    return "  \(result.bytesCompared) bytes"
  }
}
