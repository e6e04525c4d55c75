import SpadixSupport

/// What each int8 operation adds in noise, of what its types allow: the check of `spadix verify`.
struct NoiseTable {
  private let operations: [JSONValue]
  private let violations: Int

  /// Nil where nothing was checked.
  init?(_ verification: JSONValue) {
    guard let quantization = verification["quantization"], let operations = quantization["operations"]?.elements,
      !operations.isEmpty
    else { return nil }
    self.operations = operations
    violations = quantization["violations"]?.elements?.count ?? 0
  }

  var markup: String {
    let largest = operations.compactMap { $0["error_steps"]?.number }.max() ?? 0
    let rows = operations.map { it in
      let error = it["error_steps"]?.number ?? 0
      let allowed = it["allowed_steps"]?.number ?? 0
      let width = Markup.number(largest > 0 ? min(100, 100 * max(0, error) / largest) : 0)
      return [
        HTMLTable.Cell(it["value"]?.string ?? ""), HTMLTable.Cell(it["operator"]?.string ?? ""),
        HTMLTable.Cell(number: it["line"]?.integer),
        HTMLTable.Cell(markup: Markup.number(error), key: Self.key(error)),
        HTMLTable.Cell(
          markup: "<div class=\"bar\"><span class=\"load\" style=\"width:\(width)%\"></span></div>",
          key: Self.key(error)),
        HTMLTable.Cell(markup: Markup.number(allowed), key: Self.key(allowed)),
        HTMLTable.Cell(
          markup: allowed > 0 ? Markup.number(100 * error / allowed) + " %" : "",
          key: allowed > 0 ? Self.key(error / allowed) : 0),
      ]
    }
    let verdict =
      violations == 0 ? "" : "<p class=\"error\">\(violations) operations are off by more than is allowed.</p>\n"
    return verdict
      + HTMLTable(
        ["value", "operator", "line", "largest error", "in steps", "allowed", "part"], rows,
        label: "Largest error of each int8 operation"
      ).markup
      + "<p class=\"faint\">The largest distance of a result from what the operation means in floating point, in steps of "
      + "the result's type, and the distance that the types alone allow.</p>\n"
  }

  private static func key(_ value: Double) -> Int { Int(min(1e9, max(-1, value * 1000)).rounded()) }
}
