import Testing

@testable import SpadixPasses

@Suite struct PipelineTests {
  @Test func namesAndOptionsParse() throws {
    let pipeline = try PassPipeline(
      parsing: "fold-constants, calibrate{method=percentile percentile=99.9},quantize{scheme=symmetric}")
    #expect(
      pipeline.description
        == "fold-constants,calibrate{method=percentile percentile=99.9},quantize{scheme=symmetric}")
  }

  @Test func descriptionsParseBack() throws {
    for (_, _, pipeline) in PassRegistry.pipelines {
      #expect(try PassPipeline(parsing: pipeline.description).description == pipeline.description)
    }
  }

  @Test func pipelinesHaveNames() throws {
    let names = try PassPipeline(parsing: "default").steps.map(\.pass.name)
    #expect(names.first == "canonicalize")
    #expect(names.suffix(2) == ["lower", "eliminate-dead"])
  }

  @Test func optionsMayBeSeparatedByCommas() throws {
    let pipeline = try PassPipeline(parsing: "calibrate{samples=5,method=minmax},lower")
    #expect(pipeline.description == "calibrate{method=minmax samples=5},lower")
  }

  @Test(arguments: wrongPipelines) func wrongPipelinesAreNamed(text: String, id: String) {
    #expect(diagnostics { _ = try PassPipeline(parsing: text) } == [id])
  }

  @Test func misspeltNamesGetASuggestion() throws {
    let error = #expect(throws: (any Error).self) { try PassPipeline(parsing: "quantise") }
    #expect("\(error!)".contains("did you mean 'quantize'?"))
  }

  @Test func everyPassHasANameOfItsOwnAndDocumentation() {
    let names = PassRegistry.passes.map(\.name)
    #expect(Set(names).count == names.count)
    for pass in PassRegistry.passes {
      #expect(!pass.summary.isEmpty && !pass.summary.hasSuffix("."), "\(pass.name)")
      #expect(pass.documentation.count > 40, "\(pass.name)")
      for option in pass.options {
        if let value = option.defaultValue { #expect(option.accepts(value), "\(pass.name) \(option.name)") }
      }
    }
  }
}

private let wrongPipelines = [
  ("", "pass.syntax"),
  ("lower,", "pass.syntax"),
  ("lower{", "pass.syntax"),
  ("lower}", "pass.unknown"),
  ("quantize{scheme}", "pass.syntax"),
  ("quantize{=symmetric}", "pass.syntax"),
  ("quantize{scheme=symmetric}lower", "pass.syntax"),
  ("fold", "pass.unknown"),
  ("default{a=b}", "pass.unknown"),
  ("lower{scheme=symmetric}", "pass.unknown-option"),
  ("quantize{scheme=sym}", "pass.option-value"),
  ("calibrate{samples=0}", "pass.option-value"),
  ("calibrate{percentile=nan}", "pass.option-value"),
  ("calibrate{percentile=101}", "pass.option-value"),
]
