import Spadix
import SpadixISA
import SpadixSupport
import Yams

/// A sweep as people write it: networks, targets, parameters with their values, options.
public struct SweepFile: Sendable {
  /// The text that was read, for a folder of results to keep.
  let text: String
  /// Paths as they stand in the file; at least one.
  private(set) var networks: [String] = []
  /// Presets, or paths as they stand in the file.
  private(set) var targets: [String] = [Target.spadix.name]
  /// Those programs are compiled for come before those that they are timed with.
  private(set) var axes: [SweepAxis] = []
  /// At least one.
  private(set) var formulations = [Compiler.Formulation.residency]
  /// `calibrate: random`.
  private(set) var calibratesAtRandom = false
  /// The two figures of the Pareto front, both better when they are smaller.
  private(set) var pareto = ["cycles_modelled", "dram_bytes"]
  private let folder: String?

  static let maximumPoints = 1_000_000
  private static let maximumBytes = 1 << 20
  private static let keys = ["networks", "targets", "set", "time", "formulations", "calibrate", "pareto"]

  /// - Parameter baseFile: the file that its paths are relative to; nil for the working folder.
  /// Throws all problems of the file with their lines.
  public init(_ source: SourceText, baseFile: String? = nil) throws {
    text = String(decoding: source.bytes, as: UTF8.self)
    folder = baseFile
    var reader = SweepReader(source: source)
    guard source.bytes.count <= Self.maximumBytes else {
      throw Diagnostic(
        "sweep.too-large", "'\(source.name)' has \(source.bytes.count) bytes; expected a sweep, up to 1 MiB")
    }
    for (key, value) in try reader.mapping() {
      let name = key.string ?? ""
      switch name {
      case "networks": networks = reader.list(value, name)
      case "targets": targets = reader.list(value, name)
      case "set": axes = reader.axes(value, name) + axes
      case "time": axes += reader.axes(value, name)
      case "formulations":
        formulations = reader.list(value, name, among: Compiler.Formulation.allCases.map(\.rawValue))
          .compactMap { Compiler.Formulation(rawValue: $0) }
      case "calibrate":
        if value.string == "random" {
          calibratesAtRandom = true
        } else {
          reader.problem("sweep.value", "expected calibrate: random", value)
        }
      case "pareto":
        let figures = reader.list(value, name, among: SweepFigures.names)
        if figures.count == 2 { pareto = figures } else { reader.problem("sweep.value", "expected two figures", value) }
      default:
        reader.problem(
          "sweep.unknown-key", "there is no key '\(name)'", key, help: "known: \(Self.keys.joined(separator: ", "))")
      }
    }
    if networks.isEmpty && !reader.diagnostics.hasErrors {
      reader.diagnostics.report(
        Diagnostic("sweep.networks", "'\(source.name)' names no networks", help: "networks: [model.onnx, graph.spx]"))
    }
    try reader.diagnostics.throwIfErrors()
    let lists = [networks.count, targets.count, formulations.count] + axes.map(\.values.count)
    var count = 1
    for length in lists {
      count = count.multipliedReportingOverflow(by: length).partialValue
      guard (0...Self.maximumPoints).contains(count) else {
        throw Diagnostic("sweep.points", "'\(source.name)' has more than \(Self.maximumPoints) points")
      }
    }
  }

  /// Every combination, networks outermost, then targets, then formulations, then the axes in their order.
  var points: [SweepPoint] {
    var settings: [(settings: [String], timing: [String])] = [([], [])]
    for axis in axes {
      settings = settings.flatMap { before in
        axis.values.map { value in
          let setting = ["\(axis.key)=\(value)"]
          return axis.isRetimed
            ? (before.settings, before.timing + setting) : (before.settings + setting, before.timing)
        }
      }
    }
    return networks.flatMap { network in
      targets.flatMap { target in
        formulations.flatMap { formulation in
          settings.map { settings in
            SweepPoint(
              network: network, path: Files.resolve(network, relativeTo: folder), target: target,
              targetPath: Target.preset(named: target) == nil ? Files.resolve(target, relativeTo: folder) : target,
              settings: settings.settings, timing: settings.timing, formulation: formulation,
              calibratesAtRandom: calibratesAtRandom)
          }
        }
      }
    }
  }
}

/// Walks the tree of a sweep file, collecting every problem with its line.
private struct SweepReader {
  let source: SourceText
  var diagnostics = Diagnostics()
  /// Parameters that axes have been read for.
  private var given: Set<String> = []

  init(source: SourceText) { self.source = source }

  mutating func mapping() throws -> Node.Mapping {
    guard let text = String(validating: source.bytes, as: UTF8.self) else {
      throw Diagnostic("sweep.yaml", "'\(source.name)' is not UTF-8 text")
    }
    // The YAML parser descends recursively.
    guard text.utf8.count(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }) <= 1000 else {
      throw Diagnostic("sweep.yaml", "'\(source.name)' is nested too deeply for a sweep")
    }
    do {
      guard let mapping = try Yams.compose(yaml: text)?.mapping else {
        throw Diagnostic(
          "sweep.yaml", "'\(source.name)' is no sweep; expected networks, and what to vary",
          help: "docs/sweeps.md has an example")
      }
      return mapping
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw Diagnostic("sweep.yaml", "this is not YAML: \(problem)", at: range(mark))
      case .duplicatedKeysInMapping(let keys, let context):
        throw Diagnostic(
          "sweep.duplicate", "'\(keys.joined(separator: ", "))' is given more than once", at: range(context.mark))
      case .no, .memory, .reader, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
        throw Diagnostic("sweep.yaml", "'\(source.name)' is not YAML")
      }
    }
  }

  mutating func problem(_ id: String, _ message: String, _ node: Node, help: String? = nil) {
    diagnostics.report(Diagnostic(id, message, at: range(node.mark), help: help))
  }

  /// A list of different scalars, or one scalar; never empty.
  mutating func list(_ node: Node, _ name: String, among known: [String]? = nil) -> [String] {
    let nodes = node.sequence.map(Array.init) ?? [node]
    if nodes.isEmpty {
      problem("sweep.empty-axis", "'\(name)' has no values", node, help: "leave it out, or give it at least one")
    }
    var values: [String] = []
    for node in nodes {
      guard let value = node.scalar?.string, !value.isEmpty else {
        problem("sweep.value", "expected values of '\(name)'", node)
        continue
      }
      if let known, !known.contains(value) {
        problem(
          "sweep.value", "'\(value)' is no value of '\(name)'", node, help: "known: \(known.joined(separator: ", "))")
      } else if values.contains(value) {
        problem("sweep.value", "'\(value)' is given twice in '\(name)'", node)
      } else {
        values.append(value)
      }
    }
    return values
  }

  /// Parameters of which each is given once, under `set` or under `time`.
  mutating func axes(_ node: Node, _ section: String) -> [SweepAxis] {
    guard let mapping = node.mapping else {
      problem("sweep.value", "expected parameters of the target, each with its values, under '\(section)'", node)
      return []
    }
    let isRetimed = section == "time"
    var axes: [SweepAxis] = []
    for (key, value) in mapping {
      let name = key.string ?? ""
      if !TargetSetting.paths.contains(name) {
        problem(
          "sweep.unknown-key", "there is no parameter '\(name)' of targets", key,
          help: "known: \(TargetSetting.paths.joined(separator: ", "))")
      } else if isRetimed, !name.hasPrefix("timing."), !SweepAxis.isUnit(name + "=") {
        problem(
          "sweep.not-timing", "'\(name)' decides the program; 'time' has what a program is timed with", key,
          help: "give it under 'set'")
      } else if !given.insert(name).inserted {
        problem("sweep.value", "'\(name)' is given under 'set' and under 'time'", key)
      }
      axes.append(SweepAxis(key: name, values: list(value, name), isRetimed: isRetimed))
    }
    return axes
  }

  private func range(_ mark: Mark?) -> SourceRange {
    guard let mark else { return SourceRange(source, 0, 1) }
    var start = 0
    for _ in 1..<max(1, mark.line) {
      guard let end = source.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      start = end + 1
    }
    let column = min(start + max(mark.column - 1, 0), source.bytes.count)
    return SourceRange(source, column, column + 1)
  }
}
