import Foundation
import Spadix
import SpadixIR
import SpadixISA
import SpadixSupport

/// A folder of results: `sweep.yaml`, `sweep.json` with the build that made them, and a file for each point.
///
/// A point's file is called by a hash of everything that decides its answer: the contents of network and target,
/// options, and the build. It is written aside and renamed, so that it is there whole or not at all.
public struct SweepResults {
  /// As it was given.
  let folder: String
  private let build: String
  private var networks: [String: String] = [:]
  private var targets: [String: String] = [:]

  static let format = "spadix-sweep-1"

  /// Opens a folder, or makes it.
  ///
  /// - Parameters:
  ///   - path: of the sweep's file, which its paths are relative to.
  ///   - resumes: whether the folder may hold another sweep, whose points are then kept.
  /// Throws `sweep.other-version`, `sweep.other-sweep`, and what writing throws.
  public init(_ folder: String, for sweep: SweepFile, path: String, resumes: Bool) throws {
    self.folder = folder
    build = ContentHash.ofThisBuild()
    let record = folder + "/sweep.json"
    if Files.exists(record) {
      let json = try JSONValue(parsing: Files.readSource(record))
      guard json["format"]?.string == Self.format, json["build"]?.string == build else {
        throw Diagnostic(
          "sweep.other-version",
          "'\(folder)' has results of another version of spadix (\(json["version"]?.string ?? "unknown")); this is "
            + "\(Version.current), build \(build)", help: "choose another folder, or remove this one")
      }
      guard resumes || json["sweep"]?.string == sweep.text else {
        throw Diagnostic(
          "sweep.other-sweep", "'\(folder)' has results of another sweep",
          help: "--resume keeps its points and goes on with this one; -o names another folder")
      }
    }
    try Files.makeDirectory(folder + "/points")
    let json: JSONValue = [
      "format": .string(Self.format), "version": .string(Version.current), "build": .string(build),
      "file": .string(Files.absolute(path)), "sweep": .string(sweep.text),
    ]
    try Files.write(json.text(pretty: true) + "\n", to: record)
  }

  /// The sweep that a folder holds, and where its file was. Throws `sweep.nothing-to-resume`.
  public static func sweep(in folder: String) throws -> (text: String, path: String) {
    let record = folder + "/sweep.json"
    guard Files.exists(record), case let json = try JSONValue(parsing: Files.readSource(record)),
      let text = json["sweep"]?.string, let path = json["file"]?.string
    else {
      throw Diagnostic(
        "sweep.nothing-to-resume", "'\(folder)' has no sweep to go on with", help: "give the sweep's file")
    }
    return (text, path)
  }

  // MARK: Points

  /// Everything that decides a point's answer, as text.
  mutating func key(of point: SweepPoint) -> String {
    """
    \(Self.format) \(build)
    network \(content(ofNetwork: point.path))
    target \(content(ofTarget: point.targetPath))
    \(point.settings.map { "set \($0)\n" }.joined())\(point.timing.map { "time \($0)\n" }.joined())formulation \(point.formulation.rawValue)
    calibrate \(point.calibratesAtRandom ? "random" : "data")

    """
  }

  private mutating func content(ofNetwork path: String) -> String {
    if let known = networks[path] { return known }
    var text: String
    do {
      text = try ContentHash.ofFile(path)
      // Weights and samples stand in other files.
      let input = try CompilerInput(reading: path)
      let files = Set(input.graph.data.compactMap(\.file) + input.externalFiles).sorted()
      for file in files { text += try " " + ContentHash.ofFile(file) }
    } catch {
      // A network that cannot be read has no content; its points fail, and are tried again once it can.
      text = "unreadable \(Files.absolute(path))"
    }
    networks[path] = text
    return text
  }

  private mutating func content(ofTarget path: String) -> String {
    if let known = targets[path] { return known }
    let text = (try? Target.named(path)).map { ContentHash.of($0.yaml) } ?? "unreadable \(Files.absolute(path))"
    targets[path] = text
    return text
  }

  private func path(_ key: String) -> String { "\(folder)/points/\(ContentHash.of(key)).json" }

  /// The answer that the folder has; nil where it has none, or one that is damaged.
  func answer(_ key: String) -> SweepAnswer? {
    let path = path(key)
    guard Files.exists(path), let source = try? Files.readSource(path), let json = try? JSONValue(parsing: source),
      json["key"]?.string == key
    else { return nil }
    if let failure = json["failure"]?.string { return SweepAnswer(figures: [], failure: failure) }
    guard let figures = json["figures"], figures.members?.map(\.key) == SweepFigures.names else { return nil }
    return SweepAnswer(figures: SweepFigures.names.map { figures[$0]?.integer })
  }

  /// Writes a point's file, aside first. Throws `file.*`.
  func write(_ answer: SweepAnswer, _ key: String, _ point: SweepPoint) throws {
    let json: JSONValue = [
      "key": .string(key), "network": .string(point.network), "target": .string(point.target),
      "settings": .array(point.settings.map { .string($0) }), "timing": .array(point.timing.map { .string($0) }),
      "failure": answer.failure.map { .string($0) } ?? .null,
      "figures": answer.failure == nil ? Self.json(answer.figures) : .null,
    ]
    try Files.write(json.text(pretty: true) + "\n", to: path(key))
  }

  /// An object with a member for each of `SweepFigures.names`.
  public static func json(_ figures: [Int?]) -> JSONValue {
    .object(zip(SweepFigures.names, figures).map { .init($0, $1.map { .integer($0) } ?? .null) })
  }
}
