import ArgumentParser
import SpadixPasses

/// `spadix passes`: what `--passes` can name.
struct PassesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passes", abstract: "List the passes and pipelines, or explain one pass.")

  @Argument(help: "A pass to explain in full.")
  var pass: String?

  @Flag(help: "Print the page docs/passes.md.")
  var markdown = false

  func validate() throws {
    if let pass, PassRegistry.pass(named: pass) == nil {
      throw ValidationError("no pass is called '\(pass)'; `spadix passes` lists them")
    }
  }

  func run() throws {
    if markdown {
      try StandardOutput.write(PassDocumentation.markdown())
    } else if let pass = pass.flatMap({ PassRegistry.pass(named: $0) }) {
      try StandardOutput.write(PassDocumentation.text(of: pass))
    } else {
      try StandardOutput.write(PassDocumentation.list())
    }
  }
}
