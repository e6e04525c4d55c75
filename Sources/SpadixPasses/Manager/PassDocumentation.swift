/// What people read about the passes, made from the passes themselves.
public enum PassDocumentation {
  /// Names and summaries, as `spadix passes` prints them.
  public static func list() -> String {
    let width = (PassRegistry.passes.map(\.name) + PassRegistry.pipelines.map(\.name)).map(\.count).max() ?? 0
    func line(_ name: String, _ summary: String) -> String {
      "  \(name)\(String(repeating: " ", count: width - name.count))  \(summary)\n"
    }
    var text = "Passes, in the order of the default pipeline:\n"
    for pass in PassRegistry.passes { text += line(pass.name, pass.summary) }
    text += "\nPipelines, which --passes takes by name:\n"
    for (name, summary, _) in PassRegistry.pipelines { text += line(name, summary) }
    return text
  }

  /// One pass in full: summary, documentation, options.
  public static func text(of pass: Pass) -> String {
    var text = "\(pass.name): \(pass.summary)\n\n\(pass.documentation)\n"
    if !pass.options.isEmpty { text += "\nOptions:\n" }
    for option in pass.options {
      let value = option.defaultValue.map { " (default \($0))" } ?? ""
      text += "  \(option.name)=\(option.valuesDescription)\(value)\n      \(option.help)\n"
    }
    return text
  }

  /// The page `docs/passes.md`.
  public static func markdown() -> String {
    var text = """
      # Passes

      Written by `spadix passes --markdown`; a file test compares. [Adding a pass](adding-a-pass.md) has the steps for a \
      new one.

      A pass rewrites a graph. `spadix opt` runs passes by name:

      <!-- given: cd ir-examples/digits -->

          spadix opt cnn.spx --passes=fold-constants,fuse-activation --print-after=all
          spadix opt cnn.spx --passes='calibrate{method=percentile percentile=99.9},quantize{scheme=symmetric}'
          spadix opt cnn.spx --passes=default --target gemmini -o cnn.npu.spx

      The graph is verified before the first pass and after every one. To look inside: `--print-before=PASS`, \
      `--print-after=PASS|all`, `--print-changed`, and `--dump-dir DIR`, which writes the graph after every pass into a \
      numbered file that is itself a valid input. To find the pass that makes a graph wrong: `--stop-after=N` runs the \
      first N. `--reproducer FILE` writes the graph before a pass that fails; the first line of the file is the command \
      that repeats the failure.

      ## Pipelines

      | name | passes | what it is for |
      |---|---|---|

      """
    for (name, summary, pipeline) in PassRegistry.pipelines {
      text += "| `\(name)` | \(pipeline.steps.map { "`\($0.description)`" }.joined(separator: ", ")) | \(summary) |\n"
    }
    for pass in PassRegistry.passes {
      text += "\n## \(pass.name)\n\n\(capitalized(pass.summary)).\n\n\(pass.documentation)\n"
      if pass.options.isEmpty { continue }
      text += "\n| option | values | default | |\n|---|---|---|---|\n"
      for option in pass.options {
        let values = option.valuesDescription.split(separator: "|").map { "`\($0)`" }.joined(separator: " or ")
        let value = option.defaultValue.map { "`\($0)`" } ?? ""
        text += "| `\(option.name)` | \(values) | \(value) | \(option.help) |\n"
      }
    }
    text += """

      ## Reasons for host steps

      The first word of a `host_reason` is one of these.

      | reason | rule | way out |
      |---|---|---|

      """
    for reason in HostReason.allCases {
      text += "| `\(reason.rawValue)` | \(reason.text) | \(reason.help ?? "") |\n"
    }
    return text
  }

  private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
