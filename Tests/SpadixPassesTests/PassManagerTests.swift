import Foundation
import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor
import Synchronization
import Testing

@testable import SpadixPasses

private let smallGraph = """
  graph @small(%x: f32[1, 4]) -> f32[1, 4] {
    %0 = nn.clamp %x {low = 0.0} : f32[1, 4]
    %1 = nn.relu %x : f32[1, 4]
    return %0
  }
  """

/// A pass that drops the first operation but still reads its result, as a broken pass would.
private let breaking = Pass(name: "breaking", summary: "breaks", documentation: "For tests.") { graph, _ in
  var broken = graph
  broken.operations[0].operands = [broken.operations[0].result]
  return broken
}

private func context() -> PassContext { PassContext(target: .spadix, data: DataStore()) }

private func temporaryFolder() throws -> String {
  let path = NSTemporaryDirectory() + "spadix-passes-\(UInt64.random(in: 0 ... .max))"
  try Files.makeDirectory(path)
  return path
}

@Suite struct PassManagerTests {
  @Test func stopAfterRunsSoManyPasses() throws {
    for (count, expected) in [(0, "nn.clamp"), (1, "nn.relu")] {
      let manager = PassManager(
        PassPipeline([.canonicalize, .eliminateDead]), instrumentation: PassInstrumentation(stopAfter: count))
      var context = context()
      let result = try manager.run(try parse(smallGraph), in: &context)
      #expect(result.operations[0].op.mnemonic == expected)
    }
  }

  @Test func invalidResultsNameThePass() throws {
    let manager = PassManager(PassPipeline([.canonicalize, breaking]))
    var context = context()
    let error = #expect(throws: Diagnostics.self) { try manager.run(try parse(smallGraph), in: &context) }
    #expect(error?.all.first?.id == "pass.invalid-result")
    #expect(error?.all.first?.message.contains("'breaking'") == true)
    #expect((error?.all.count ?? 0) > 1)
  }

  @Test func invalidInputIsRefusedBeforeTheFirstPass() throws {
    var broken = try parse(smallGraph)
    broken.operations[0].operands = [broken.operations[0].result]
    var context = context()
    let error = #expect(throws: Diagnostics.self) {
      try PassManager(PassPipeline([.canonicalize])).run(broken, in: &context)
    }
    #expect(error?.all.contains { $0.id == "pass.invalid-result" } == false)
  }

  @Test func reproducersRepeatTheFailure() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/failure.spx"
    let manager = PassManager(
      PassPipeline([.canonicalize, .quantize, .lower]), instrumentation: PassInstrumentation(reproducer: path))
    var context = context()
    #expect(throws: Diagnostics.self) { try manager.run(try parse(smallGraph), in: &context) }
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    #expect(text.hasPrefix("// spadix opt \(path) --target spadix --passes='quantize,lower'\n"))
    // The graph is the one before the pass that failed: canonicalize has run.
    let graph = try Graph(reading: path)
    #expect(graph.operations[0].op.mnemonic == "nn.relu")
    #expect(diagnostics { _ = try run("quantize,lower", on: graph) } == ["quantize.no-range"])
  }

  @Test func successLeavesNoReproducer() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let manager = PassManager(
      PassPipeline([.canonicalize]), instrumentation: PassInstrumentation(reproducer: "\(folder)/failure.spx"))
    var context = context()
    _ = try manager.run(try parse(smallGraph), in: &context)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/failure.spx"))
  }

  @Test func dumpsAreNumberedAndResumable() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let manager = PassManager(
      PassPipeline([.canonicalize, .eliminateDead]), instrumentation: PassInstrumentation(dumpDirectory: folder))
    var context = context()
    let result = try manager.run(try parse(smallGraph), in: &context)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files == ["00-input.spx", "01-canonicalize.spx", "02-eliminate-dead.spx"])
    let resumed = try run("eliminate-dead", on: try Graph(reading: "\(folder)/01-canonicalize.spx")).graph
    #expect(resumed.text() == result.text())
  }

  @Test func changesArePrintedAndNoChangeIsSaid() throws {
    let printed = Mutex("")
    let manager = PassManager(
      PassPipeline([.canonicalize, .fuseActivation]),
      instrumentation: PassInstrumentation(printChanged: true, output: { text in printed.withLock { $0 += text } }))
    var context = context()
    _ = try manager.run(try parse(smallGraph), in: &context)
    let text = printed.withLock { $0 }
    #expect(text.contains("// ----- after canonicalize -----\n"))
    #expect(text.contains("// ----- after fuse-activation: no change -----\n"))
  }

  @Test func printBeforeShowsTheGraphBefore() throws {
    let printed = Mutex("")
    let manager = PassManager(
      PassPipeline([.canonicalize, .eliminateDead]),
      instrumentation: PassInstrumentation(
        printBefore: .passes(["canonicalize"]), output: { text in printed.withLock { $0 += text } }))
    var context = context()
    _ = try manager.run(try parse(smallGraph), in: &context)
    let text = printed.withLock { $0 }
    #expect(text.hasPrefix("// ----- before canonicalize -----\n"))
    #expect(text.contains("nn.clamp"))
    #expect(!text.contains("eliminate-dead"))
  }
}
