import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor
import SpadixVerify

/// Compares a compiled program, run on the machine, with the references, sample by sample.
///
/// The integer reference must be equalled bit for bit. The float reference, where the input was in floating point, says
/// what quantization costs, and every int8 operation is held against what it means in floating point.
public struct Verification {
  /// What is verified.
  public let compilation: Compilation
  /// Where constants come from, for references and host steps.
  public let data: DataStore
  private let runner: ProgramRunner
  private let integers: IntegerEvaluator
  private let floats: FloatEvaluator?

  /// The first samples are enough to hold operations against their meaning: their operands are drawn at random as well.
  static let quantizationSamples = 8

  /// - Precondition: the compilation went to its last phase.
  public init(_ compilation: Compilation, data: DataStore) throws {
    guard let npu = compilation.npu, let generated = compilation.generated else {
      preconditionFailure("verifying needs a program")
    }
    self.compilation = compilation
    self.data = data
    self.runner = try ProgramRunner(generated.program)
    // The quantized graph where there is one, so that lowering is verified as well.
    self.integers = IntegerEvaluator(graph: compilation.quantized ?? npu, data: data)
    self.floats = Self.floatReference(compilation, data)
  }

  /// The evaluator of the input, where that is in floating point.
  static func floatReference(_ compilation: Compilation, _ data: DataStore) -> FloatEvaluator? {
    compilation.input.phase == .graph ? FloatEvaluator(graph: compilation.input.graph, data: data) : nil
  }

  /// Runs every sample on the machine and on the references.
  ///
  /// - Parameters:
  ///   - labels: the right class for each row of the first output, sample after sample; nil without labels.
  ///   - progress: called before each sample with its index.
  public func run(_ samples: Samples, labels: [Int]? = nil, progress: (Int) -> Void = { _ in }) throws
    -> VerificationResult
  {
    let ports = compilation.input.graph.outputPorts
    var result = VerificationResult(
      sampleCount: samples.count, outputs: ports.map { VerificationResult.Output(name: $0.name) })
    var accuracy = Accuracy(labels: labels)
    var check = try quantizationCheck()
    for sample in 0..<samples.count {
      progress(sample)
      let inputs = samples[sample]
      let found = try runner.run(inputs)
      let expected: [Tensor]
      if check != nil, sample < Self.quantizationSamples {
        let values = try integers.evaluateAll(inputs: inputs)
        // Corrected biases are there to take noise out of int8, and are noise in floating point.
        if let exact = compilation.uncorrected ?? compilation.calibrated {
          try check?.check(values, exact: FloatEvaluator(graph: exact, data: data).evaluateAll(inputs: inputs))
        }
        expected = integers.graph.outputs.map { values[$0.index] }
      } else {
        expected = try integers.run(inputs: inputs)
      }
      let real = try floats?.run(inputs: inputs)
      for index in ports.indices {
        if found[index].storage == expected[index].storage { result.outputs[index].exactSamples += 1 }
        if let real {
          result.outputs[index].quality = result.outputs[index].quality ?? SignalQuality()
          result.outputs[index].quality?.add(found[index].realValues, reference: real[index].realValues)
        }
      }
      accuracy.add(found: found[0], real: real?[0])
      if result.divergence == nil, zip(found, expected).contains(where: { $0.storage != $1.storage }) {
        result.divergence = try divergence(sample, inputs, expected: expected)
      }
    }
    try check?.checkRandomOperands(seed: 1)
    result.quantization = check?.summary
    result.accuracy = accuracy.result
    return result
  }

  /// Nil where the input was quantized already.
  private func quantizationCheck() throws -> QuantizationCheck? {
    guard let real = compilation.calibrated, let quantized = compilation.quantized else { return nil }
    return try QuantizationCheck(real: real, quantized: quantized, data: data)
  }

  /// Looks for the first operation whose result is wrong, after a sample has been run that came out wrong.
  private func divergence(_ sample: Int, _ inputs: [Tensor], expected: [Tensor]) throws -> Divergence {
    guard let npu = compilation.npu else { preconditionFailure("verifying needs a program") }
    let evaluator = IntegerEvaluator(graph: npu, data: data)
    let lowered = try evaluator.evaluateAll(inputs: inputs)
    if let quantized = compilation.quantized,
      npu.outputs.indices.contains(where: { lowered[npu.outputs[$0]].storage != expected[$0].storage })
    {
      let before = try integers.evaluateAll(inputs: inputs)
      return Divergence.inLowering(sample, quantized, before, npu, lowered)
    }
    return Divergence.onMachine(sample, npu, lowered) { runner.tensor(named: $0, type: $1) }
  }
}

/// What a verification found.
public struct VerificationResult: Sendable {
  /// How well one output of the graph does.
  public struct Output: Sendable {
    /// As `Graph.outputPorts` has it.
    public var name: String
    /// Samples in which every byte equals the integer reference's.
    public var exactSamples = 0
    /// The machine's values against the float reference's; nil without one.
    public var quality: SignalQuality?

    init(name: String) { self.name = name }
  }

  /// Rows of the first output whose largest element is the labelled one.
  public struct Accuracy: Sendable {
    /// Rows that have a label.
    public var labels: Int
    /// Rows that the machine has right.
    public var machine: Int
    /// Nil without a float reference.
    public var float: Int?
  }

  /// Samples that were run.
  public var sampleCount: Int
  /// In the graph's order.
  public var outputs: [Output]
  /// Nil without labels.
  public var accuracy: Accuracy?
  /// Of the first sample that is not exact.
  public var divergence: Divergence?
  /// The int8 operations against what they mean in floating point; nil where the input was quantized already.
  public var quantization: QuantizationSummary?

  /// Whether every byte of every output of every sample equals the integer reference's.
  public var isExact: Bool { outputs.allSatisfy { $0.exactSamples == sampleCount } }
  /// Whether the machine is exact and every int8 operation means what it should.
  public var isRight: Bool { isExact && quantization?.violations.isEmpty != false }
}

/// Counts right answers.
private struct Accuracy {
  let labels: [Int]?
  private var position = 0
  private var machine = 0
  private var float: Int?

  init(labels: [Int]?) { self.labels = labels }

  mutating func add(found: Tensor, real: Tensor?) {
    guard let labels else { return }
    let answers = Self.largest(found)
    let exact = real.map(Self.largest)
    for row in answers.indices where position < labels.count {
      if answers[row] == labels[position] { machine += 1 }
      if let exact { float = (float ?? 0) + (exact[row] == labels[position] ? 1 : 0) }
      position += 1
    }
  }

  var result: VerificationResult.Accuracy? {
    labels == nil ? nil : VerificationResult.Accuracy(labels: position, machine: machine, float: float)
  }

  /// The index of the largest element of every row along the last axis, the first of equal ones.
  private static func largest(_ tensor: Tensor) -> [Int] {
    let values = tensor.realValues
    let width = max(1, tensor.type.shape.last ?? 1)
    return stride(from: 0, to: values.count, by: width).map { start in
      (start..<start + width).reduce(start) { values[$1] > values[$0] ? $1 : $0 } - start
    }
  }
}
