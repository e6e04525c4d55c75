import SpadixSupport
import Yams

/// One parameter of a target given on the command line: `timing.dma_latency=120`.
public struct TargetSetting: Sendable {
  /// As it was given.
  public let text: String
  /// The text as something that diagnostics point into.
  let source: SourceText
  let keys: [Substring]
  let value: Substring

  /// Nil for text without a key before a `=`.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
    self.text = text
    source = SourceText(name: "--set", text: text)
    keys = text[..<equals].split(separator: ".", omittingEmptySubsequences: false)
    value = text[text.index(after: equals)...]
  }

  /// Every parameter that can be set, as in a target file.
  public static let paths: [String] =
    [
      "dim", "scratchpad.banks", "scratchpad.rows_per_bank", "scratchpad.bytes", "accumulator.rows",
      "accumulator.bytes",
      "faults.short_compute", "faults.range_order", "dram_bytes", "clock_mhz", "timing.commands",
      "timing.reservation_station.overlapping_stores",
    ] + Capability.all.map { "capabilities.\($0.name)" } + TargetReader.timing.map { "timing.\($0.0)" }
    + TargetReader.stations.map { "timing.reservation_station.\($0.0)" }
    + EnergyParameters.fields.map { "energy.\($0.key)" }

  /// `scratchpad.bytes`.
  var path: String { keys.joined(separator: ".") }

  /// Whether it changes what a program costs in time and energy, and no program's results.
  public var changesOnlyTime: Bool { path.hasPrefix("timing.") || path.hasPrefix("energy.") || path == "clock_mhz" }

  /// The setting as the tree of a file that has nothing else.
  fileprivate var mapping: Node.Mapping {
    var node = Node(String(value))
    for key in keys.reversed() { node = Node([(Node(String(key)), node)]) }
    return node.mapping ?? Node.Mapping([])
  }

  fileprivate var keyRange: SourceRange { SourceRange(source, 0, text.utf8.count - value.utf8.count - 1) }
  fileprivate var valueRange: SourceRange { SourceRange(source, keyRange.end + 1, text.utf8.count) }
}

extension TargetReader {
  /// A setting counts over what was read before it.
  mutating func visit(_ setting: TargetSetting, _ draft: inout Draft) {
    source = setting.source
    let path = setting.path
    if path == "base" {
      diagnostics.report(
        Diagnostic(
          "target.unknown-parameter", "'base' belongs in a target file", at: setting.keyRange,
          help: "--target names the target that is changed"))
      return
    }
    for other in Self.contradicted(by: path) { places[other] = nil }
    switch path {
    case "scratchpad.rows_per_bank": draft.sizes.scratchpad = nil
    case "accumulator.rows": draft.sizes.accumulator = nil
    default: break
    }
    let known = diagnostics.all.count
    unmarked = setting.valueRange
    visit(setting.mapping, &draft)
    unmarked = nil
    for index in known..<diagnostics.all.count where diagnostics.all[index].id == "target.unknown-parameter" {
      diagnostics.all[index].range = setting.keyRange
    }
    places[path] = setting.keyRange
  }

  /// Other names of the same parameter, and other ways to give the same size.
  private static func contradicted(by path: String) -> [String] {
    switch path {
    case "scratchpad.rows_per_bank": return ["scratchpad.bytes"]
    case "scratchpad.bytes": return ["scratchpad.rows_per_bank"]
    case "accumulator.rows": return ["accumulator.bytes"]
    case "accumulator.bytes": return ["accumulator.rows"]
    default: break
    }
    let names =
      (timing + formerTiming).map { ("timing.\($0.0)", $0.1) }
      + stations.map { ("timing.reservation_station.\($0.0)", $0.1) }
    guard let parameter = names.first(where: { $0.0 == path })?.1 else { return [] }
    return names.filter { $0.0 != path && $0.1 == parameter }.map(\.0)
  }
}
