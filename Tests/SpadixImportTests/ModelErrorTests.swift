import Foundation
import SpadixSupport
import Testing

@testable import SpadixIR
@testable import SpadixImport

/// One diagnostic for each way in which a model, or what is said about it, can be wrong.
@Suite struct ModelErrorTests {
  private func relu(_ change: (inout ModelSupport) -> Void = { _ in }) -> ModelSupport {
    var support = ModelSupport()
    support.input("x", 2, 3)
    support.node("Relu", ["x"], ["y"], name: "act")
    support.output("y")
    change(&support)
    return support
  }

  @Test func whatIsRightIsImported() {
    #expect(relu().text().contains("nn.relu %x : f32[2, 3]"))
  }

  @Test func truncated() {
    let bytes = relu().bytes
    for length in 1..<bytes.count {
      do {
        let result = try ModelImport(Array(bytes[..<length]), name: "cut", folder: nil)
        // A file that ends between two fields is a smaller file.
        #expect(result.graph != nil || !result.refusals.all.isEmpty)
      } catch {
        #expect((error as? Diagnostic)?.id.hasPrefix("onnx.") == true, "\(length) bytes: \(error)")
      }
    }
  }

  @Test(
    arguments: [
      ([0x3a, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], "onnx.damaged"),
      ([0x08, 0x07, 0x3a, 0x02, 0x0a, 0x05], "onnx.damaged"), ([0x08, 0x07], "onnx.damaged"),
      ([0x08, 0x07, 0x3a, 0x03, 0x12, 0x01, 0xff, 0x42, 0x02, 0x10, 0x0d], "onnx.damaged"),
    ] as [([UInt8], String)])
  func bytesThatAreNoModel(_ bytes: [UInt8], _ id: String) {
    #expect { try ModelImport(bytes, name: "bytes", folder: nil) } throws: { ($0 as? Diagnostic)?.id == id }
  }

  @Test func deepNesting() {
    var graph = relu().model.graph
    for _ in 0..<200 {
      var attribute = Spadix_Onnx_Attribute()
      attribute.name = "then_branch"
      attribute.graph = graph
      var node = Spadix_Onnx_Node()
      node.operator = "If"
      node.attributes = [attribute]
      graph = Spadix_Onnx_Graph()
      graph.nodes = [node]
    }
    var support = relu()
    support.model.graph = graph
    #expect(support.text().contains("too many graphs within graphs"))
  }

  @Test func tooManyMessages() {
    // Two bytes each: an empty node.
    let nodes = [UInt8](repeating: 0, count: 2 * (WireLimits.maximumMessages + 10)).enumerated().map {
      $0.offset % 2 == 0 ? UInt8(0x0a) : 0
    }
    var bytes: [UInt8] = [0x08, 0x07, 0x3a]
    var length = nodes.count
    while length >= 0x80 {
      bytes.append(UInt8(length & 0x7f) | 0x80)
      length >>= 7
    }
    bytes.append(UInt8(length))
    #expect { try ModelImport(bytes + nodes, name: "big", folder: nil) } throws: {
      ($0 as? Diagnostic)?.id == "onnx.limit"
    }
  }

  @Test func operatorSets() {
    #expect(relu { $0.model.operatorSets[0].version = 22 }.text().contains("expected 7 to 21"))
    #expect(relu { $0.model.operatorSets[0].version = 0 }.text().contains("[onnx.opset]"))
    #expect(relu { $0.model.operatorSets = [] }.text().contains("[onnx.opset]"))
    var other = Spadix_Onnx_OperatorSet()
    other.domain = "com.microsoft"
    other.version = 99
    #expect(relu { $0.model.operatorSets.insert(other, at: 0) }.text().contains("nn.relu"))
  }

  @Test func names() {
    #expect(relu { $0.node("Relu", ["x"], ["y"]) }.text().contains("[onnx.duplicate-name]"))
    #expect(relu { $0.node("Relu", ["y"], ["x"]) }.text().contains("[onnx.duplicate-name]"))
    #expect(
      relu { $0.model.graph.nodes[0].inputs = ["z"] }.text()
        .contains("node 0, Relu 'act' reads 'z', which nothing defines [onnx.undefined]"))
    #expect(relu { $0.output("z") }.text().contains("[onnx.undefined]"))
    let cycle = relu {
      $0.model.graph.nodes[0].inputs = ["b"]
      $0.node("Add", ["y", "x"], ["b"])
    }
    #expect(cycle.text().contains("[onnx.cycle]"))
  }

  @Test func nodesOutOfOrder() {
    let support = relu {
      $0.model.graph.nodes[0].inputs = ["a"]
      $0.node("Neg", ["x"], ["a"])
    }
    #expect(support.text().contains("%a = nn.mul"))
  }

  @Test func everyRefusalAtOnce() throws {
    let support = relu {
      $0.node("LSTM", ["y"], ["l"], name: "rnn")
      $0.node("Relu", ["l"], ["after"])
      $0.node("TopK", ["after"], ["t"])
      $0.output("t")
    }
    let result = try support.imported()
    #expect(result.graph == nil)
    #expect(result.refusals.all.map(\.id) == ["onnx.operator", "onnx.operator"])
    #expect(result.refusals.all[0].message.hasPrefix("test.onnx: node 1, LSTM 'rnn': "))
    #expect(result.refusals.all[1].message.hasPrefix("test.onnx: node 3, TopK of 't': "))
    #expect(result.refusals.all.allSatisfy { $0.help != nil })
  }

  @Test func attributes() {
    #expect(
      relu {
        $0.node("Flatten", ["y"], ["f"], integer: ["axes": 1])
        $0.output("f")
      }.text()
        .contains("Flatten has no attribute 'axes' in operator set 13 [onnx.attribute]"))
    #expect(
      relu {
        $0.node("Flatten", ["y"], ["f"], integers: ["axis": [1]])
        $0.output("f")
      }.text()
        .contains("the attribute 'axis' has kind 7; expected an integer"))
    #expect(
      relu {
        $0.node("Flatten", ["y"], ["f"], integer: ["axis": Int64.min])
        $0.output("f")
      }.text()
        .contains("expected an axis of a tensor of rank 2"))
  }

  @Test func contradictingShapes() {
    let product = relu {
      $0.weights("w", [4, 5])
      $0.node("MatMul", ["y", "w"], ["z"])
      $0.output("z")
    }
    #expect(product.text().contains("operands have shapes [2, 3] and [4, 5]; expected equal depths"))
    let reshape = relu {
      $0.integers("s", [4, -1])
      $0.node("Reshape", ["y", "s"], ["z"])
      $0.output("z")
    }
    #expect(reshape.text().contains("does not have the 6 elements"))
  }

  /// What is added in one direction only, or is a factor of what is negative, must be broadcast to the other operand.
  @Test(arguments: [[2, 4, 1], [1, 2, 4], [3, 1], [3]] as [[Int64]])
  func addendsThatAreNotBroadcast(shape: [Int64]) {
    for isConstant in [true, false] {
      let product = relu {
        $0.weights("w", [3, 4])
        if isConstant { $0.weights("c", shape) } else { $0.input("c", symbols: shape.map { "\($0)" }) }
        $0.node("Gemm", ["y", "w", "c"], ["z"])
        $0.output("z")
      }
      #expect(product.text().contains("broadcast"), "\(shape) \(isConstant)")
    }
    let slopes = relu {
      $0.weights("s", shape + [1])
      $0.node("PRelu", ["y", "s"], ["z"])
      $0.output("z")
    }
    #expect(slopes.text().contains("broadcast"), "\(shape)")
  }

  @Test func trainingIsRefused() {
    let model = relu {
      $0.input("training", kind: .bool)
      $0.node("Dropout", ["y", "", "training"], ["z"])
      $0.output("z")
    }
    #expect(model.text().contains("training_mode is computed"))
  }

  @Test func tensors() {
    func weights(_ change: (inout Spadix_Onnx_Tensor) -> Void) -> String {
      relu {
        $0.weights("w", [2, 3])
        change(&$0.model.graph.initializers[0])
        $0.node("Add", ["y", "w"], ["z"])
        $0.output("z")
      }.text()
    }
    #expect(weights { _ in }.contains("nn.add"))
    #expect(weights { $0.dimensions = [2, 4] }.contains("holds 6 elements in float_data; its shape needs 8"))
    #expect(weights { $0.dimensions = [1 << 40, 1 << 40] }.contains("[onnx.tensor-shape]"))
    #expect(weights { $0.dimensions = [-2, -3] }.contains("[onnx.tensor-shape]"))
    #expect(weights { $0.raw = Data(count: 23) }.contains("holds 23 bytes"))
    #expect(weights { $0.elementType = 8 }.contains("elements of type string"))
    #expect(weights { $0.location = 1 }.contains("no location is given"))
    #expect(weights { $0.floats[4] = .nan }.contains("initializer 'w': the tensor 'w' holds NaN at [1, 1]"))
    #expect(weights { $0.floats[4] = .infinity }.contains("nn.add"))
  }

  @Test func externalData() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("spadix-\(UUID())").path
    try Files.makeDirectory(folder + "/inner")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Files.write([UInt8](repeating: 0, count: 32), to: folder + "/w.bin")
    func weights(_ entries: [(String, String)], in place: String? = nil) throws -> String {
      var support = relu {
        $0.weights("w", [2, 3])
        $0.node("Add", ["y", "w"], ["z"])
        $0.output("z")
      }
      support.model.graph.initializers[0].floats = []
      support.model.graph.initializers[0].location = 1
      support.model.graph.initializers[0].external = entries.map { key, value in
        var entry = Spadix_Onnx_Entry()
        entry.key = key
        entry.value = value
        return entry
      }
      let result = try support.imported(folder: place ?? folder)
      return result.graph?.text() ?? result.refusals.description
    }
    #expect(try weights([("location", "w.bin"), ("offset", "8"), ("length", "24")]).contains("nn.add"))
    #expect(try weights([("location", "w.bin"), ("offset", "4")]).contains("nn.add"))
    #expect(try weights([("location", "../w.bin")], in: folder + "/inner").contains("expected a file in the folder"))
    #expect(try weights([("location", "/etc/passwd")]).contains("expected a file in the folder"))
    #expect(try weights([("location", "w.bin"), ("offset", "16")]).contains("[onnx."))
    #expect(try weights([("location", "w.bin"), ("offset", "9223372036854775807")]).contains("[onnx.external-data]"))
    #expect(try weights([("location", "w.bin"), ("offset", "-1")]).contains("[onnx.external-data]"))
    #expect(try weights([("location", "v.bin")]).contains("no such file"))
  }

  @Test func binding() {
    func bound(_ options: ImportOptions, _ symbols: String...) -> String {
      var support = ModelSupport()
      support.input("x", symbols: symbols[0], symbols[1])
      support.node("Relu", ["x"], ["y"])
      support.output("y")
      return support.text(options)
    }
    let shape = ImportOptions(shapes: [("x", [2, 3])])
    let size = ImportOptions(dimensions: [("N", 2)])
    #expect(bound(shape, "N", "3").contains("f32[2, 3]"))
    #expect(bound(size, "N", "3").contains("f32[2, 3]"))
    #expect(bound(shape, "-1", "?").contains("f32[2, 3]"))
    #expect(bound(ImportOptions(), "N", "3").contains("such as --dim N=1 [onnx.open-dimension]") == false)
    #expect(bound(ImportOptions(), "N", "3").contains("[onnx.open-dimension]"))
    #expect(bound(ImportOptions(), "N", "3").contains("--dim N=1"))
    #expect(bound(ImportOptions(), "-1", "3").contains("--shape x=1x3"))
    #expect(bound(shape, "N", "4").contains("contradicts the model"))
    #expect(bound(ImportOptions(shapes: [("z", [2, 3])]), "2", "3").contains("[onnx.unknown-input]"))
    #expect(bound(ImportOptions(dimensions: [("M", 2)]), "N", "3").contains("[onnx.unknown-dimension]"))
    // A name for every open dimension, as some exporters have it.
    #expect(bound(shape, "?!", "?!").contains("f32[2, 3]"))
    #expect(
      bound(ImportOptions(shapes: [("x", [2, 3])], dimensions: [("N", 4)]), "N", "3")
        .contains("the dimension 'N' is 4 by --dim and 2 by --shape x=2x3"))
  }

  @Test func folding() {
    let range = relu {
      $0.integers("far", [1 << 40])
      $0.node("ConstantOfShape", ["far"], ["many"])
      $0.node("Add", ["y", "many"], ["z"])
      $0.output("z")
    }
    #expect(range.text().contains("[onnx.limit]"))
    let zero = relu {
      $0.integers("a", [1])
      $0.integers("b", [0])
      $0.node("Div", ["a", "b"], ["c"])
      $0.node("Reshape", ["y", "c"], ["z"])
      $0.output("z")
    }
    #expect(zero.text().contains("[onnx.arithmetic]"))
  }
}
