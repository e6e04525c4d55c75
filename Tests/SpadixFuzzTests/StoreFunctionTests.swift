import SpadixIR
import SpadixISA
import Testing

@testable import SpadixFuzz

/// Functions of one int8, and sums and products of two, exactly as the integer reference has them: on the presets and in
/// the least memories.
@Suite struct StoreFunctionTests {
  private static let targets = Target.presets + [2, 16].map { RandomTarget.least(dim: $0, like: .spadix) }

  private func expectExact(_ text: String) {
    for target in Self.targets {
      let outcome = FuzzCase(seed: 1, text: text, target: target).run()
      if case .exact = outcome { continue }
      Issue.record("\(outcome) on \(target.name):\n\(text)")
    }
  }

  /// Behind a convolution, behind another function, and on an input: a table in a store, a longer one, a pass.
  @Test(arguments: UnaryFunction.allCases) func everyFunctionOfOneInt8(function: UnaryFunction) {
    expectExact(
      """
      data @w : q8<0.01, 0>[1, 1, 3, 5] = random(seed = 1)
      graph @g(%x: q8<0.05, 3>[1, 5, 4, 3]) -> (q8<0.02, -7>[1, 5, 4, 5], q8<0.1, 5>[1, 5, 4, 3]) {
        %w = constant @w
        %c = nn.conv2d %x, %w : q8<0.04, -11>[1, 5, 4, 5]
        %t = nn.unary %c {function = tanh} : q8<0.01, 0>[1, 5, 4, 5]
        %y = nn.unary %t {alpha = 0.5, beta = 0.25, function = \(function.rawValue)} : q8<0.02, -7>[1, 5, 4, 5]
        %z = nn.unary %x {alpha = 0.5, beta = 0.25, function = \(function.rawValue)} : q8<0.1, 5>[1, 5, 4, 3]
        return %y, %z
      }

      """)
  }

  @Test(arguments: ["add", "sub", "mul"], [false, true]) func everyFunctionOfTwoInt8(function: String, unsigned: Bool) {
    for (a, b) in [("[2, 5, 7, 19]", "[2, 5, 7, 19]"), ("[2, 5, 7, 19]", "[2, 1, 1, 19]"), ("[3, 40]", "[1, 40]")] {
      expectExact(
        """
        graph @g(%a: q8<0.031, 9>\(a), %b: q8<0.0171, -21>\(b)) -> (q8<0.05, 3>\(a), q8<0.05, 3>\(a)) {
          %y = nn.binary %a, %b {function = \(function), unsigned = \(unsigned)} : q8<0.05, 3>\(a)
          %z = nn.binary %a, %a {function = \(function), unsigned = \(unsigned)} : q8<0.05, 3>\(a)
          return %y, %z
        }

        """)
    }
  }
}
