import SpadixSupport

/// How far an element of an int8 result is from what the operation means in floating point.
public struct QuantizationError: Sendable {
  /// The value in floating point, such as `%conv1`.
  public var value: String
  /// Of the operator in floating point: `nn.conv2d`.
  public var mnemonic: String
  /// Line of the graph file; nil when unknown.
  public var sourceLine: Int?
  /// Where diagnostics point; nil without a source.
  var range: SourceRange?
  /// The distance and what is allowed, in steps of the result's type.
  public var steps: Double
  /// The most that a right result is off, in steps of its type.
  public var allowed: Double
  /// What a step is worth.
  var step: Double
  /// Row-major index of the element, the nearest real number that would be right, and what was found.
  var element: Int
  /// The nearest real number that would be right.
  var expected: Double
  /// What the int8 result stands for.
  var found: Double
  /// Whether operands were drawn for this operation, rather than those of a run.
  var hasRandomOperands: Bool

  /// The error as a part of what is allowed; more than 1 is wrong.
  var part: Double { steps / allowed }

  /// The error `verify.quantization`.
  public var diagnostic: Diagnostic {
    let operands = hasRandomOperands ? "random operands within their ranges" : "the operands of a sample"
    return Diagnostic(
      "verify.quantization",
      "\(mnemonic) for \(value) is \(Self.rounded(steps)) steps of \(Float(step)) off, expected at most "
        + "\(Self.rounded(allowed)): element \(element) is \(Float(found)) instead of \(Float(expected)), for \(operands)",
      at: range, help: "this is a defect of the quantization: please report it with the graph and the target")
  }

  /// With two digits after the point, so that output does not depend on the last bits of a sum.
  public static func rounded(_ value: Double) -> String {
    guard value.magnitude < 1e12 else { return value < 0 ? "-inf" : "inf" }
    let hundredths = Int((value * 100).rounded())
    let digits = String(abs(hundredths) % 100)
    return "\(hundredths < 0 ? "-" : "")\(abs(hundredths) / 100).\(digits.count < 2 ? "0" : "")\(digits)"
  }
}
