import Foundation
import SpadixSupport
import Testing

@testable import SpadixIR
@testable import SpadixImport

/// Damaged models: whatever the bytes, an import ends with a graph that passes the verifier, or with diagnostics.
///
/// SPADIX_ONNX_CASES and SPADIX_FUZZ_SEED choose how many and which; SPADIX_ONNX_SEEDS names a folder of further models
/// to start from. Before each case its bytes are written to SPADIX_ONNX_CASE_FILE, where one is named, for the case
/// that ends the process.
@Suite struct ModelFuzzTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test func damagedModels() throws {
    let count = Self.environment["SPADIX_ONNX_CASES"].flatMap(Int.init) ?? 4000
    let seed = Self.environment["SPADIX_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    let caseFile = Self.environment["SPADIX_ONNX_CASE_FILE"]
    let seeds = try Self.seeds()
    var graphs = 0
    for index in 0..<count {
      var mutator = ModelMutator(seed: seed &* 1_000_003 &+ UInt64(index))
      let bytes = mutator.mutated(seeds)
      if let caseFile { try Files.write(bytes, to: caseFile) }
      if Self.outcome(bytes, index) { graphs += 1 }
    }
    print("\(count) damaged models, seed \(seed): \(graphs) are still models")
    // Mutations that destroy everything, or nothing, test nothing.
    #expect(graphs > count / 100 && graphs < count - count / 10)
  }

  private static func outcome(_ bytes: [UInt8], _ index: Int) -> Bool {
    do {
      let result = try ModelImport(bytes, name: "case", folder: nil)
      #expect((result.graph == nil) == !result.refusals.all.isEmpty)
      for refusal in result.refusals.all {
        #expect(refusal.id.hasPrefix("onnx.") && refusal.id != "onnx.internal", "case \(index): \(refusal)")
      }
      guard let graph = result.graph else { return false }
      do {
        try graph.verify()
      } catch {
        // A model without outputs is a graph without outputs, and the verifier's to refuse.
        if "\(error)".contains("ir.no-output") { return false }
        Issue.record("case \(index): the graph does not pass the verifier: \(error)")
      }
      return true
    } catch let diagnostic as Diagnostic {
      #expect(diagnostic.id.hasPrefix("onnx."), "case \(index): \(diagnostic)")
    } catch {
      Issue.record("case \(index): \(error)")
    }
    return false
  }

  private static func seeds() throws -> [[UInt8]] {
    var seeds = try ModelSeeds.all.map { try $0.serializedBytes() as [UInt8] }
    if let folder = environment["SPADIX_ONNX_SEEDS"] {
      for name in (FileManager.default.subpaths(atPath: folder) ?? []).sorted() where name.hasSuffix(".onnx") {
        let bytes = try Files.read(folder + "/" + name)
        if bytes.count < 100_000 { seeds.append(bytes) }
      }
    }
    return seeds
  }
}

/// Changes bytes of a model, or fields of the message that they decode to.
struct ModelMutator {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func mutated(_ seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    if below(3) > 0, var model = try? Spadix_Onnx_Model(serializedBytes: bytes) {
      for _ in 0...below(3) { mutate(&model.graph) }
      if below(10) == 0, !model.operatorSets.isEmpty { model.operatorSets[0].version = Int64(below(24)) }
      if let changed: [UInt8] = try? model.serializedBytes() { bytes = changed }
      if below(3) > 0 { return bytes }
    }
    for _ in 0...below(4) { damage(&bytes, seeds) }
    return bytes
  }

  private mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(generator.next() % UInt64(bound)) }

  private mutating func integer() -> Int64 {
    let interesting: [Int64] = [
      0, 1, -1, 2, 3, 4, 5, 7, 8, -2, -3, -4, 16, 255, 65_535, 65_536, 1 << 28, 1 << 31, -1 << 31, 1 << 40, Int64.max,
      Int64.min, Int64.max - 1,
    ]
    return interesting[below(interesting.count)]
  }

  // MARK: Bytes

  private mutating func damage(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
    guard !bytes.isEmpty else { return }
    let position = below(bytes.count)
    let end = min(bytes.count, position + 1 + below(16))
    switch below(7) {
    case 0: bytes[position] ^= 1 << UInt8(below(8))
    case 1: bytes[position] = UInt8(below(256))
    case 2: bytes.removeSubrange(position..<end)
    case 3: bytes.insert(contentsOf: bytes[position..<end], at: below(bytes.count))
    case 4: bytes.removeSubrange(position...)
    case 5:
      let other = seeds[below(seeds.count)]
      let start = below(other.count)
      bytes.insert(contentsOf: other[start..<min(other.count, start + 64)], at: position)
    default: bytes.insert(contentsOf: (0..<1 + below(9)).map { _ in UInt8(0x80 | below(128)) }, at: position)
    }
  }

  // MARK: Fields

  private mutating func mutate(_ graph: inout Spadix_Onnx_Graph) {
    switch below(12) {
    case 0: if !graph.nodes.isEmpty { graph.nodes.swapAt(below(graph.nodes.count), below(graph.nodes.count)) }
    case 1: if !graph.nodes.isEmpty { graph.nodes.remove(at: below(graph.nodes.count)) }
    case 2: if !graph.nodes.isEmpty { graph.nodes.append(graph.nodes[below(graph.nodes.count)]) }
    case 3...6: if !graph.nodes.isEmpty { mutate(&graph.nodes[below(graph.nodes.count)], in: graph) }
    case 7, 8: if !graph.initializers.isEmpty { mutate(&graph.initializers[below(graph.initializers.count)]) }
    case 9:
      guard !graph.inputs.isEmpty else { return }
      let index = below(graph.inputs.count)
      let rank = graph.inputs[index].type.tensor.shape.dimensions.count
      if rank > 0 { graph.inputs[index].type.tensor.shape.dimensions[below(rank)].size = integer() }
    case 10: if !graph.outputs.isEmpty { graph.outputs[below(graph.outputs.count)].name = name(in: graph) }
    default:
      if !graph.inputs.isEmpty { graph.inputs[below(graph.inputs.count)].type.tensor.elementType = Int32(below(24)) }
    }
  }

  private mutating func name(in graph: Spadix_Onnx_Graph) -> String {
    let names = graph.nodes.flatMap { $0.inputs + $0.outputs } + ["", "nothing"]
    return names[below(names.count)]
  }

  private mutating func mutate(_ node: inout Spadix_Onnx_Node, in graph: Spadix_Onnx_Graph) {
    switch below(7) {
    case 0: if !node.inputs.isEmpty { node.inputs[below(node.inputs.count)] = name(in: graph) }
    case 1: node.inputs.append(name(in: graph))
    case 2: if !node.inputs.isEmpty { node.inputs.removeLast() }
    case 3: if !node.outputs.isEmpty { node.outputs[below(node.outputs.count)] = name(in: graph) }
    case 4:
      let kinds = OperatorTable.names + ["LSTM", ""]
      node.operator = kinds[below(kinds.count)]
    default:
      guard !node.attributes.isEmpty else { return }
      let index = below(node.attributes.count)
      if below(8) == 0 {
        node.attributes.remove(at: index)
      } else if node.attributes[index].hasGraph {
        mutate(&node.attributes[index].graph)
      } else if node.attributes[index].integers.isEmpty {
        node.attributes[index].integer = integer()
      } else if below(4) == 0 {
        node.attributes[index].integers.append(integer())
      } else {
        node.attributes[index].integers[below(node.attributes[index].integers.count)] = integer()
      }
    }
  }

  private mutating func mutate(_ tensor: inout Spadix_Onnx_Tensor) {
    switch below(6) {
    case 0: if !tensor.dimensions.isEmpty { tensor.dimensions[below(tensor.dimensions.count)] = integer() }
    case 1: tensor.dimensions.append(1)
    case 2: tensor.elementType = Int32(below(24))
    case 3: if !tensor.int64S.isEmpty { tensor.int64S[below(tensor.int64S.count)] = integer() }
    case 4: tensor.location = 1
    default: if !tensor.floats.isEmpty { tensor.floats[below(tensor.floats.count)] = .nan }
    }
  }
}
