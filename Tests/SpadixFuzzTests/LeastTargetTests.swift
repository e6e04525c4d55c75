import SpadixISA
import Testing

@testable import SpadixFuzz

/// Every operator runs, and runs exactly, on the least legal memories: 4 * dim scratchpad rows, dim accumulator rows.
@Suite struct LeastTargetTests {
  private static let targets = Target.presets.flatMap { base in
    [2, 4, 8, 16].map { RandomTarget.least(dim: $0, like: base) }
  }

  /// Operators with large windows, taps far apart, many channels, and the largest legal multipliers.
  private static let extremes: [String] = [
    conv(kernel: [7, 7, 3, 5], input: [1, 9, 11, 3], result: [1, 9, 11, 5], "padding = [3, 3, 3, 3]"),
    conv(
      kernel: [3, 3, 20, 6], input: [1, 15, 15, 20], result: [1, 3, 3, 6], "dilations = [5, 5], strides = [2, 2]"),
    conv(kernel: [5, 5, 1, 18], input: [1, 9, 9, 18], result: [1, 9, 9, 18], "groups = 18, padding = [2, 2, 2, 2]"),
    conv(kernel: [1, 1, 130, 70], input: [1, 2, 3, 130], result: [1, 2, 3, 70], ""),
    conv(kernel: [3, 3, 8, 42], input: [2, 5, 4, 24], result: [2, 3, 2, 42], "groups = 3"),
    residual(multipliers: [1016], channels: 4), residual(multipliers: [508], channels: 21),
    residual(multipliers: [1, 127, 128, 1016, 381], channels: 5),
    unary("nn.avg_pool2d %x {window = [9, 9], strides = [4, 4]", [1, 13, 13, 19], [1, 2, 2, 19]),
    unary("nn.global_avg_pool2d %x {", [1, 17, 13, 5], [1, 1, 1, 5]),
    unary("nn.max_pool2d %x {window = [3, 3], strides = [2, 2]", [1, 9, 9, 18], [1, 4, 4, 18]),
    unary("nn.pad %x {low = [0, 1, 2, 0], high = [0, 3, 0, 5]", [1, 4, 4, 7], [1, 8, 6, 12]),
    unary("nn.transpose %x {permutation = [0, 3, 1, 2]", [1, 4, 5, 18], [1, 18, 4, 5]),
    unary("nn.reshape %x {", [1, 4, 5, 18], [1, 360]), unary("nn.relu %x {", [1, 4, 5, 70], [1, 4, 5, 70]),
    unary("nn.clamp %x {low = -0.5, high = 0.25", [1, 4, 5, 3], [1, 4, 5, 3]),
    unary("nn.add %x, %x {", [1, 4, 5, 40], [1, 4, 5, 40]),
    unary("nn.concat %x, %x, %x {axis = 3", [1, 4, 5, 11], [1, 4, 5, 33]),
    """
    data @w : f32[300, 70] = random(seed = 1, laplace = 0.06)
    graph @g(%x: f32[3, 300] {range = [-1.0, 1.0]}) -> f32[3, 70] {
      %w = constant @w : f32[300, 70]
      %y = nn.matmul %x, %w {range = [-2.0, 2.0]} : f32[3, 70]
      return %y
    }

    """,
    """
    graph @g(%x: f32[2, 5, 37] {range = [-1.0, 1.0]}) -> f32[2, 5, 5] {
      %y = nn.matmul %x, %x {range = [-3.0, 3.0], transpose_b = true} : f32[2, 5, 5]
      return %y
    }

    """,
  ]

  @Test(arguments: extremes) func extremeOperatorsStream(text: String) {
    for target in Self.targets {
      let outcome = FuzzCase(seed: 1, text: text, target: target).run()
      if case .exact = outcome { continue }
      Issue.record("\(outcome) on \(target.name), \(target.fingerprint):\n\(text)")
    }
  }

  @Test func randomGraphsStream() {
    for seed in UInt64(1)...40 {
      for dim in [2, 4, 8, 16] {
        let target = RandomTarget.least(dim: dim, like: Target.presets[Int(seed) % Target.presets.count])
        let test = FuzzCase(seed: seed, target: target)
        if case .exact = test.run() { continue }
        Issue.record("seed \(seed) on \(target.name) like \(Target.presets[Int(seed) % 3].name): \(test.run())")
      }
    }
  }

  private static func shape(_ sizes: [Int]) -> String { "f32[\(sizes.map(String.init).joined(separator: ", "))]" }

  private static func conv(kernel: [Int], input: [Int], result: [Int], _ attributes: String) -> String {
    """
    data @w : \(shape(kernel)) = random(seed = 1, laplace = 0.06)
    graph @g(%x: \(shape(input)) {range = [-1.0, 1.0]}) -> \(shape(result)) {
      %w = constant @w : \(shape(kernel))
      %y = nn.conv2d %x, %w {\(attributes.isEmpty ? "" : attributes + ", ")range = [-1.0, 1.0]} : \(shape(result))
      return %y
    }

    """
  }

  private static func unary(_ operation: String, _ input: [Int], _ result: [Int]) -> String {
    let separator = operation.hasSuffix("{") ? "" : ", "
    return """
      graph @g(%x: \(shape(input)) {range = [-1.0, 1.0]}) -> \(shape(result)) {
        %y = \(operation)\(separator)range = [-1.0, 1.0]} : \(shape(result))
        return %y
      }

      """
  }

  private static func residual(multipliers: [Int], channels: Int) -> String {
    let scales = multipliers.map { "\(Float($0) * 0.001)" }
    let perChannel = multipliers.map { "\(5.08 / Float($0))" }.joined(separator: ", ")
    let zeros = multipliers.map { _ in "0" }.joined(separator: ", ")
    let weights = multipliers.count == 1 ? "q8<0.01, 0>" : "q8<axis = 3, [\(perChannel)], [\(zeros)]>"
    let addend = multipliers.count == 1 ? scales[0] : "0.508"
    return """
      data @w : \(weights)[1, 1, 4, \(channels)] = random(seed = 1)
      graph @g(%x: q8<0.1, 0>[1, 3, 3, 4], %r: q8<\(addend), 0>[1, 3, 3, \(channels)]) -> q8<0.5, 0>[1, 3, 3, \(channels)] {
        %w = constant @w : \(weights)[1, 1, 4, \(channels)]
        %y = nn.conv2d %x, %w, %r {residual = true, residual_multipliers = \(multipliers)} : q8<0.5, 0>[1, 3, 3, \(channels)]
        return %y
      }

      """
  }
}
