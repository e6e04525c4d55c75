import Foundation
import SpadixSupport
import SpadixTensor
import Testing

@testable import SpadixIR

@Suite("Printer")
struct GraphPrinterTests {
  @Test("defaults are left out, attributes sorted, numbers kept as written")
  func canonical() throws {
    let text = """
      data @w: f32[1,1,2,2]=[[[[1,2],[3.5,-4e-7]]]]
      graph @g(%x: f32[1,4,4,2]{range=[-1,1]}) -> (f32[1,4,4,2], f32[1,4,4,2]) {
        %7 = constant @w : f32[1,1,2,2]
        %3 = nn.conv2d %x, %7 {strides=[1,1], groups=1, activation=clamp, low=0, high=6, range = [0, 6]} : f32[1,4,4,2]
        %name = nn.relu %3 {host_reason = "a \\"quoted\\" reason"} : f32[1,4,4,2]
        return %3, %name
      }
      """
    #expect(
      try parse(text).text() == """
        data @w : f32[1, 1, 2, 2] = [1.0, 2.0, 3.5, -4e-07]

        graph @g(%x: f32[1, 4, 4, 2] {range = [-1.0, 1.0]}) -> (f32[1, 4, 4, 2], f32[1, 4, 4, 2]) {
          %7 = constant @w : f32[1, 1, 2, 2]
          %3 = nn.conv2d %x, %7 {activation = clamp, high = 6.0, low = 0.0, range = [0.0, 6.0]} : f32[1, 4, 4, 2]
          %name = nn.relu %3 {host_reason = "a \\"quoted\\" reason"} : f32[1, 4, 4, 2]
          return %3, %name
        }

        """)
  }

  @Test("names that are no identifiers are quoted and come back")
  func names() throws {
    var graph = Graph(name: "a graph")
    let x = graph.addInput(name: "images/0:1", type: .f32([1]))
    let y = graph.append(.relu(Relu()), [x], type: .f32([1]), name: "12")
    graph.outputs = [graph.append(.relu(Relu()), [y], type: .f32([1]), name: "\"\n\\\u{1}é")]
    let again = try parse(graph.text())
    #expect(graph.firstDifference(from: again) == nil)
    #expect(graph.text().contains("%12 = nn.relu %\"images/0:1\""))
  }

  @Test("equal names are made distinct")
  func duplicates() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput(name: "x", type: .f32([1]))
    let y = graph.append(.relu(Relu()), [x], type: .f32([1]), name: "x")
    let z = graph.append(.relu(Relu()), [y], type: .f32([1]), name: "x")
    graph.outputs = [graph.append(.relu(Relu()), [z], type: .f32([1]), name: "x_1")]
    // The output's name is known outside and gives way to none.
    #expect(graph.text().contains("%x_2 = nn.relu %x : f32[1]\n  %x_3 = nn.relu %x_2"))
    #expect(graph.text().contains("%x_1 = nn.relu %x_3 : f32[1]\n  return %x_1"))
    #expect(try parse(graph.text()).firstDifference(from: graph) == nil)
    // Settling changes nothing in the text.
    let text = graph.text()
    graph.settleNames()
    #expect(graph.text() == text)
    #expect(graph.values[z].name == "x_3")
  }

  @Test("values without a name get the first free numbers, and come back")
  func numbers() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput(name: "1", type: .f32([1]))
    let y = graph.append(.relu(Relu()), [x], type: .f32([1]))
    let z = graph.append(.relu(Relu()), [y], type: .f32([1]))
    graph.outputs = [z, y, x, z]
    #expect(
      graph.text() == """
        graph @g(%1: f32[1]) -> (f32[1], f32[1], f32[1], f32[1]) {
          %0 = nn.relu %1 : f32[1]
          %2 = nn.relu %0 : f32[1]
          return %2, %0, %1, %2
        }

        """)
    let again = try parse(graph.text())
    #expect(again.firstDifference(from: graph) == nil)
    #expect(again.outputNames == ["2", "0", "1", "2"])
  }

  @Test("outputs are called as their attributes say, whatever their values are called")
  func outputNames() throws {
    let text = """
      graph @g(%x: f32[1]) -> (f32[1] {name = "a/b:0"}, f32[1], f32[1] {name = "7"}) {
        %y = nn.relu %x : f32[1]
        return %x, %y, %y
      }

      """
    let graph = try parse(text)
    #expect(graph.outputNames == ["a/b:0", "y", "7"])
    #expect(graph.text() == text)
    #expect(errorIDs(text.replacing("\"7\"", with: "7")) == ["ir.attribute-type"])
    #expect(errorIDs(text.replacing("\"7\"", with: "\"\"")) == ["ir.attribute-type"])
    #expect(errorIDs(text.replacing("name = \"7\"", with: "label = \"7\"")) == ["ir.unknown-attribute"])
  }

  @Test("a constant with a scale for each channel takes its type from the data")
  func perChannelConstants() throws {
    let text = """
      data @w : q8<axis = 0, [0.5, 0.25]>[2] = [1, 2]

      graph @g(%x: f32[1]) -> q8<axis = 0, [0.5, 0.25]>[2] {
        %w = constant @w
        return %w
      }

      """
    #expect(try parse(text).text() == text)
  }

  @Test("every Float32 comes back bit for bit")
  func floats() throws {
    var random = SplitMix64(seed: 5)
    var values = (0..<2000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
      .filter(\.isFinite)
    values += [0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0x1.fffffep-126, 1e16]
    for chunk in stride(from: 0, to: values.count, by: 50) {
      let part = Array(values[chunk..<min(chunk + 50, values.count)])
      var graph = Graph(name: "g")
      graph.outputs = [graph.addConstant(Tensor(shape: [part.count], part), name: "c")]
      #expect(try parse(graph.text()).data[0].source == .literal(.f32(part)))
    }
  }

  /// A graph with data in memory of these sizes.
  private func graph(sizes: [Int]) -> Graph {
    var graph = Graph(name: "g")
    for size in sizes {
      graph.outputs.append(
        graph.addConstant(
          Tensor(.q8([size], scale: 0.5), .i8((0..<size).map { Int8(truncatingIfNeeded: $0) })), name: "c\(size)"))
      graph.addConstant(Tensor(.i32([size]), .i32((0..<size).map { Int32($0) * -70_000 })), name: "d\(size)")
    }
    return graph
  }

  @Test("large data stand in hexadecimal, on lines of at most 120 columns")
  func hexadecimal() throws {
    let graph = graph(sizes: [3, 64, 65, 1000])
    let text = graph.text()
    #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 120 })
    #expect(text.contains("data @c65 : q8<0.5, 0>[65] =\n    hex(\"000102"))
    let again = try parse(text)
    #expect(graph.firstDifference(from: again) == nil)
  }

  @Test("a written file has its large data beside it")
  func companion() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try Files.makeDirectory(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let original = graph(sizes: [3, 1000])
    let path = folder + "/dump.spx"
    try original.write(to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("data @c1000 : q8<0.5, 0>[1000] = file(\"dump.safetensors\", \"c1000\")"))
    let read = try Graph(reading: path)
    let store = DataStore()
    for (left, right) in zip(original.data, read.data) {
      #expect(try store.tensor(left) == store.tensor(right))
    }
    // Written elsewhere, the paths lead back.
    try Files.makeDirectory(folder + "/deeper")
    try read.write(to: folder + "/deeper/again.spx")
    #expect(
      try String(contentsOfFile: folder + "/deeper/again.spx", encoding: .utf8).contains(
        "file(\"../dump.safetensors\", \"c1000\")"))
    #expect(try Graph(reading: folder + "/deeper/again.spx").firstDifference(from: read) == nil)
  }

  @Test("what is elided does not parse, and says why")
  func elided() {
    let text = graph(sizes: [1000]).text(largeData: .elided)
    #expect(text.contains("= elided"))
    #expect(Set(errorIDs(text)) == ["data.elided"])
  }
}
