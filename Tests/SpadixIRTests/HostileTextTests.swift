import Foundation
import SpadixIR
import SpadixSupport
import SpadixTensor
import Testing

/// The examples short enough to be read thousands of times in a debug build.
private let shortExamples = repositoryGraphs.filter { path in
  let size = (try? FileManager.default.attributesOfItem(atPath: repositoryRoot + "/" + path)[.size] as? Int) ?? nil
  return path.hasPrefix("ir-examples") && (size ?? .max) < 8000
}

/// Parses and, when that succeeds, prints and parses again, which must give the same.
private func exercise(_ bytes: [UInt8]) -> String? {
  do {
    let graph = try Graph(parsing: SourceText(name: "mutated", bytes: bytes))
    let text = graph.text()
    let again = try Graph(parsing: SourceText(name: "printed", text: text))
    if let difference = graph.firstDifference(from: again) { return difference }
    return again.text() == text ? nil : "the texts differ"
  } catch let diagnostics as Diagnostics {
    // Rendering reads the source around every place.
    return diagnostics.all.isEmpty || diagnostics.description.isEmpty ? "no diagnostic" : nil
  } catch {
    return "\(error)"
  }
}

@Suite("Hostile texts")
struct HostileTextTests {
  @Test("mutated examples give diagnostics or graphs, never a crash", arguments: shortExamples)
  func mutations(path: String) throws {
    let original = Array(try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/" + path)))
    let fragments = [
      "{", "}", "[", "]", "<", ">", "(", ")", ",", ":", "=", "->", "%", "@", "\"", "//", "\n", "\\", "-", ".", "e",
      "99999999999999999999", "4294967296", "9223372036854775807", "-1", "0", "1e400", "nan", "inf", "-inf", "q8<",
      "q8<axis = 0, []>", "constant @a", "nn.conv2d", "npu.matmul", "return", "graph @g", "data @a : f32[1] = [1]\n",
      "[[[[[[[[[[", "hex(\"", "random(seed = 18446744073709551616", "\u{0}", "\u{1F980}", "\r\n", "\t",
    ]
    var random = SplitMix64(seed: UInt64(original.count))
    for round in 0..<150 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let position = Int.random(in: 0..<max(1, bytes.count), using: &random)
        let end = min(bytes.count, position + Int.random(in: 0...30, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(contentsOf: fragments.randomElement(using: &random)!.utf8, at: position)
        case 1: bytes.removeSubrange(position..<end)
        case 2: bytes.replaceSubrange(position..<end, with: fragments.randomElement(using: &random)!.utf8)
        case 3: bytes.removeSubrange(position...)
        default:
          bytes.insert(contentsOf: Array(bytes[position..<end]), at: Int.random(in: 0...position, using: &random))
        }
      }
      #expect(exercise(bytes) == nil, "seed \(original.count), round \(round) of \(path)")
    }
  }

  @Test("random bytes")
  func randomBytes() {
    var random = SplitMix64(seed: 99)
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(exercise(bytes) == nil)
    }
  }

  @Test("deep nesting ends with a diagnostic")
  func nesting() {
    let brackets = String(repeating: "[", count: 100_000)
    #expect(!errorIDs("data @a : f32[1] = \(brackets)").isEmpty)
    #expect(!errorIDs(graph("%y = nn.relu %x {range = \(brackets)} : f32[2]", result: "f32[2]")).isEmpty)
    #expect(!errorIDs("graph @g(%x: f32\(brackets)").isEmpty)
  }

  @Test("numbers at the edge of what integers hold")
  func numbers() {
    for number in ["2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "65535", "268435456"] {
      for attribute in ["strides = [\(number), 1]", "padding = [\(number), 0, 0, \(number)]", "groups = \(number)"] {
        let text = graph(
          "%w = constant @w : f32[1, 1, 2, 2]\n  %y = nn.conv2d %x, %w {\(attribute)} : f32[1, 4, 4, 2]",
          result: "f32[1, 4, 4, 2]", data: "data @w : f32[1, 1, 2, 2] = splat(1.0)")
        _ = exercise(Array(text.utf8))
      }
      let pad = graph("%y = nn.pad %x {low = [\(number)], high = [\(number)]} : f32[2]", x: "f32[2]", result: "f32[2]")
      #expect(!errorIDs(pad).isEmpty)
      #expect(
        errorIDs("graph @g(%x: f32[\(number), \(number)]) -> f32[1] { return %x }").first?.hasPrefix("ir.") == true
          || number.hasPrefix("-") || number == "65535")
    }
  }

  @Test("a graph of 10,000 operations is parsed, verified and printed in linear time")
  func large() throws {
    var text = "graph @g(%x: f32[1, 8]) -> f32[1, 8] {\n  %v0 = nn.relu %x : f32[1, 8]\n"
    for index in 1..<10_000 {
      text += "  %v\(index) = nn.add %v\(index - 1), %v\(index / 2) {activation = relu} : f32[1, 8]\n"
    }
    text += "  return %v9999\n}\n"
    let clock = ContinuousClock()
    var graph: Graph?
    let duration = try clock.measure { graph = try parse(text) }
    #expect(graph?.text() == text)
    // A debug build takes about a second; a quadratic step would take minutes.
    #expect(duration < .seconds(20))
  }
}
