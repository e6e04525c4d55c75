import Foundation
import Spadix
import SpadixSupport
import SpadixVerify

/// What a verification found, for people and for programs.
struct VerificationReport {
  let result: VerificationResult
  let compilation: Compilation
  let seed: UInt64?

  init(_ result: VerificationResult, _ compilation: Compilation, seed: UInt64?) {
    self.result = result
    self.compilation = compilation
    self.seed = seed
  }

  var text: String {
    let noun = (seed == nil ? "" : "random ") + (result.sampleCount == 1 ? "sample" : "samples")
    var text =
      "@\(compilation.input.graph.name) on \(compilation.target.name): \(result.sampleCount) \(noun)"
    text += seed.map { " (seed \($0))\n" } ?? "\n"
    for output in result.outputs {
      text += "  %\(output.name): bit-exact \(output.exactSamples) of \(result.sampleCount)"
      if let quality = output.quality {
        text += "; against float: SQNR \(fixed(quality.decibels, 1)) dB, cosine \(fixed(quality.cosine, 5)), "
        text += "max error \(fixed(quality.maximumError, 5))"
      }
      text += "\n"
    }
    if let accuracy = result.accuracy {
      text += "  accuracy: "
      if let float = accuracy.float { text += "float \(percent(float, accuracy.labels)), " }
      text += "int8 \(percent(accuracy.machine, accuracy.labels)) of \(accuracy.labels) labels\n"
    }
    if let quantization = result.quantization { text += describe(quantization) }
    if let divergence = result.divergence { text += describe(divergence) }
    return text
  }

  private func describe(_ quantization: QuantizationSummary) -> String {
    guard let largest = quantization.largest else { return "" }
    let count = quantization.violations.count
    let verdict = count == 0 ? "" : "; \(count) of \(quantization.count) beyond what is allowed"
    let line = largest.sourceLine.map { ", line \($0)" } ?? ""
    return "  largest error of an operation: \(QuantizationError.rounded(largest.steps)) steps of "
      + "\(QuantizationError.rounded(largest.allowed)) allowed, \(largest.value) = \(largest.mnemonic)\(line)\(verdict)\n"
      + describe(quantization.worst(3), of: quantization.noise.count)
  }

  /// The operations that add most noise, and what would help.
  private func describe(_ worst: [OperationNoise], of count: Int) -> String {
    guard !worst.isEmpty else { return "" }
    var text = "  most noise of \(count) operations, each with only it in int8:\n"
    for noise in worst {
      text += "    \(noise.value) = \(noise.mnemonic)" + (noise.sourceLine.map { ", line \($0)" } ?? "")
      text += ": SQNR \(fixed(noise.own, 1)) dB"
      if let total = noise.total { text += ", with all before it \(fixed(total, 1)) dB" }
      text += "; by \(noise.cause.rawValue): \(noise.wayOut)\n"
    }
    return text
  }

  /// The member `verification` of the JSON report.
  var json: JSONValue {
    .object([
      .init("samples", .integer(result.sampleCount)),
      .init("seed", seed.map { .integer(Int(clamping: $0)) } ?? .null),
      .init(
        "outputs",
        .array(
          result.outputs.map { output in
            .object([
              .init("name", .string(output.name)), .init("exact_samples", .integer(output.exactSamples)),
              .init("sqnr_db", output.quality.map { decimal($0.decibels, 1) } ?? .null),
              .init("cosine", output.quality.map { decimal($0.cosine, 5) } ?? .null),
              .init("max_error", output.quality.map { decimal($0.maximumError, 5) } ?? .null),
            ])
          })),
      .init("accuracy", result.accuracy.map(Self.json) ?? .null),
      .init("quantization", result.quantization.map(Self.json) ?? .null),
    ])
  }

  /// As in the text; infinite numbers have no JSON.
  private func decimal(_ value: Double, _ digits: Int) -> JSONValue {
    value.isFinite ? .number(Self.rounded(value, digits)) : .null
  }

  private static func rounded(_ value: Double, _ digits: Int) -> Double {
    let unit = pow(10, Double(digits))
    return (value * unit).rounded() / unit
  }

  private static func json(_ accuracy: VerificationResult.Accuracy) -> JSONValue {
    [
      "labels": .integer(accuracy.labels), "float": accuracy.float.map { .integer($0) } ?? .null,
      "int8": .integer(accuracy.machine),
    ]
  }

  private static func json(_ quantization: QuantizationSummary) -> JSONValue {
    .object([
      .init("checked", .integer(quantization.count)),
      .init("violations", .array(quantization.violations.map(json))),
      .init("largest", quantization.largest.map(json) ?? .null),
      .init("operations", .array(quantization.operations.map(json))),
      .init("noise", .array(quantization.noise.map(json))),
    ])
  }

  private static func json(_ noise: OperationNoise) -> JSONValue {
    .object([
      .init("value", .string(noise.value)), .init("operator", .string(noise.mnemonic)),
      .init("line", noise.sourceLine.map { .integer($0) } ?? .null),
      .init("own_sqnr_db", .number(rounded(noise.own, 1))),
      .init("total_sqnr_db", noise.total.map { .number(rounded($0, 1)) } ?? .null),
      .init("cause", .string(noise.cause.rawValue)),
    ])
  }

  private static func json(_ error: QuantizationError) -> JSONValue {
    .object([
      .init("value", .string(error.value)), .init("operator", .string(error.mnemonic)),
      .init("line", error.sourceLine.map { .integer($0) } ?? .null),
      .init("error_steps", .number(rounded(error.steps, 2))),
      .init("allowed_steps", .number(rounded(error.allowed, 2))),
    ])
  }

  private func describe(_ divergence: Divergence) -> String {
    let place =
      switch divergence.stage {
      case .lowering: "the lowered graph differs from the quantized one"
      case .machine: "the machine differs from the integer reference"
      }
    var text = "  mismatch in sample \(divergence.sample): \(place)\n"
    if let operation = divergence.operation {
      text += "  first at \(operation)"
      if let line = divergence.sourceLine { text += ", line \(line)" }
      if let difference = divergence.difference {
        text += ": \(difference.count) of \(difference.elementCount) elements differ, element \(difference.element) "
        text += "is \(number(difference.found)), expected \(number(difference.expected))"
      }
      text += "\n"
    } else {
      text += "  no intermediate value that can be compared is wrong\n"
    }
    text += "  before it \(divergence.rightBefore) values are right, and \(divergence.unseenBefore) are not in DRAM\n"
    return text
  }

  private func percent(_ part: Int, _ whole: Int) -> String {
    "\(fixed(whole == 0 ? 0 : 100 * Double(part) / Double(whole), 1)) %"
  }

  /// Always the same digits, so that output does not depend on the last bits of a sum.
  private func fixed(_ value: Double, _ digits: Int) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : value > 0 ? "inf" : "-inf"
  }

  private func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }
}
