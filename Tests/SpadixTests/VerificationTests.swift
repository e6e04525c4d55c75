import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor
import Testing

@testable import Spadix

@Suite struct VerificationTests {
  private func compilation(_ target: Target = .spadix) throws -> (Compilation, DataStore) {
    let data = DataStore()
    return (try Compiler(target: target).compile(try residualInput(), data: data), data)
  }

  private func samples(_ compilation: Compilation, count: Int) throws -> Samples {
    let graph = compilation.input.graph
    return Samples(
      seed: 5, count: count, for: graph.inputPorts, ranges: try graph.inputRanges(data: DataStore()))
  }

  @Test(arguments: Target.presets) func machineEqualsTheIntegerReference(target: Target) throws {
    let (compilation, data) = try compilation(target)
    let result = try Verification(compilation, data: data).run(try samples(compilation, count: 8))
    #expect(result.isExact)
    #expect(result.outputs.map(\.exactSamples) == [8])
    #expect(result.divergence == nil)
    let quality = try #require(result.outputs[0].quality)
    #expect(quality.decibels > 15)
  }

  @Test func labelsOfTheFloatReferenceAreAllRightInFloat() throws {
    let (compilation, data) = try compilation()
    let samples = try samples(compilation, count: 6)
    let reference = try #require(Verification.floatReference(compilation, data))
    let floats = try (0..<6).map { try reference.run(inputs: samples[$0])[0].floats }
    let labels = floats.map { row in row.indices.max { row[$0] < row[$1] }! }
    let result = try Verification(compilation, data: data).run(samples, labels: labels)
    #expect(result.accuracy?.labels == 6)
    #expect(result.accuracy?.float == 6)
    #expect(try #require(result.accuracy?.machine) >= 4)
  }

  @Test func damagedWeightsAreFoundAtTheirOperation() throws {
    var (compilation, data) = try compilation(.gemmini)
    // The weights of the dense layer, the last operator: everything before it is right.
    let symbols = try #require(compilation.generated?.program.symbols)
    let weights = try #require(symbols.last { $0.kind == .weights && $0.name.contains("weights") })
    let segment = try #require(
      compilation.generated?.program.segments.firstIndex { $0.address == weights.address })
    compilation.generated?.program.segments[segment].bytes =
      [UInt8](repeating: 1, count: weights.length)
    let result = try Verification(compilation, data: data).run(try samples(compilation, count: 2))
    #expect(!result.isExact)
    let divergence = try #require(result.divergence)
    #expect(divergence.stage == .machine)
    #expect(divergence.sample == 0)
    #expect(divergence.operation?.hasSuffix("npu.matmul") == true)
    #expect(divergence.sourceLine == 16)
    #expect(divergence.rightBefore > 0)
    #expect(try #require(divergence.difference).elementCount == 5)
  }

  @Test func wrongLoweringIsFoundAtItsOperation() throws {
    var (compilation, data) = try compilation()
    var npu = try #require(compilation.npu)
    let broken = try #require(
      npu.operations.firstIndex { if case .npu(.matmul) = $0.op { true } else { false } })
    guard case .npu(.matmul(var product)) = npu.operations[broken].op else { return }
    product.output.zeroPoint += 3
    npu.operations[broken].op = .npu(.matmul(product))
    compilation.npu = npu
    let prepared = try Compiler(target: .spadix).compile(CompilerInput(graph: npu), data: data)
    compilation.generated = prepared.generated
    let result = try Verification(compilation, data: data).run(try samples(compilation, count: 1))
    let divergence = try #require(result.divergence)
    #expect(divergence.stage == .lowering)
    #expect(divergence.operation?.hasSuffix("npu.matmul") == true)
  }
}
