import SpadixIR
import SpadixISA
import SpadixSupport

extension Pass {
  static let quantize = Pass(
    name: "quantize",
    summary: "gives values int8 types that fit their ranges, and weights and biases their integers",
    documentation: """
      Every operation that has an int8 form gets it. What has none stays in f32 between `nn.dequantize` and \
      `nn.quantize`; inputs and outputs of the graph stay f32.

      - **Scales** come from the values' ranges (`calibrate`, or `range = [low, high]` in the text). Ranges of moved, \
      pooled, averaged and clamped values follow from others and may be left out. Zero is always exact.
      - **One type for several values**: the operands and the result of `nn.concat`, `nn.max_pool2d`, `nn.reshape`, \
      `nn.transpose` and `nn.pad`, and the two addends of `nn.add`, share scale and zero point; their range is the \
      hull of all of theirs. Where one addend's range is at most three quarters of the other's, or the model says both types, \
      and the store adds pairs, each has its own type and the sum is `nn.binary`. `nn.relu` and `nn.clamp` on their own become `nn.requantize` with an activation.
      - **Functions and clamps** of what nothing else reads: their operands' ranges end where the results no longer change by \
      a quarter of a step, for hard-swish at -3.
      - **Models that say their types** (`nn.fake_quantize`): what is neither a product nor between two of these stays in f32, \
      such as a norm at the end.
      - **Products of two activations** have symmetric operands: their zero points cannot be folded into a bias.
      - **Residuals** in convolutions: the weights' scale is enlarged, at most by the factor (k + 1) / k, until the \
      addend's scale is an integer k times that of the accumulator; k is at most 127 for each pass through the array, and passes may take an eighth of the convolution's own time \
      (`residual-passes`). \
      Where k would be 0 the addition is taken out of the convolution again.
      - **Biases** are int32 in units of the accumulator; the weights' scale of a channel is enlarged where its bias \
      would not fit 31 bits, or where its products could add up to more than the accumulator holds.
      - **Clamps on targets without a clamp**: for relu6 on `gemmini` the result's scale is chosen so that int8 saturates \
      just where the activation clamps, and `nn.requantize` follows where that is not the type its readers need. Other \
      bounds take two of them: for [-1, 2] the upper bound is 127 and the lower one -64; less 64, what lies below \
      saturates at -128, and 64 more bring the rest back. Upper bounds below 0 are beyond that: a remark names them, and \
      `lower` leaves the clamp to the host.
      - **Masks**: a sum with huge negative numbers, as attention has before its softmax, stays in f32, and so does what \
      reads it: int8 would have no levels left for the rest. A remark names it.
      - **Outputs of parts**: a concatenation that goes on to outputs only, of operands whose ranges differ by more than \
      eight times (a detector's boxes in pixels and its scores), is made in f32, so that the small part keeps a type of its \
      own. A remark names it.
      - **Softmax** results have scale 1/255 and zero point -128, or 1/127 and 0.
      - **Tiny and huge ranges**: magnitudes from 2^-112 to 2^40 besides 0; others are an error.

      A graph that computes in int8 already passes through untouched.
      """,
    options: [
      PassOption(
        "activations", .choice(QuantizationScheme.Activations.allCases.map(\.rawValue)),
        help: "zero point 0 or a free one; default: what the target's output stage can do"),
      PassOption(
        "weights", .choice(QuantizationScheme.Weights.allCases.map(\.rawValue)),
        help: "one scale, or one for each output channel; default: what the target's output stage can do"),
      PassOption(
        "scheme", .choice(QuantizationScheme.Activations.allCases.map(\.rawValue)),
        help: "both at once: symmetric is symmetric activations and per-tensor weights, asymmetric is asymmetric and "
          + "per-channel"),
      PassOption(
        "residual-passes", .count(1...8),
        help:
          "the array adds a residual at most so often, with 127 each time: more passes keep finer weights; default: "
          + "for an eighth of the convolution's own time, once at least and four times at most"),
    ]
  ) { graph, context in
    if let value = graph.firstComputedInt8 {
      context.report(
        Diagnostic(
          "quantize.already", "the graph computes in int8 already and is left as it is", at: graph.values[value].range,
          severity: .remark))
      return graph
    }
    let scheme = QuantizationScheme(target: context.target, arguments: context.arguments)
    let plan = try QuantizationPlan(graph: graph, scheme: scheme, context: &context)
    return try QuantizationRewriter.rewrite(graph, plan: plan, context: &context)
  }
}

extension QuantizationScheme {
  /// The target's scheme with what the options say instead. `activations` and `weights` win over `scheme`.
  init(target: Target, arguments: PassArguments) {
    self.init(target: target)
    switch arguments.choice("scheme").flatMap(Activations.init) {
    case .symmetric: (activations, weights) = (.symmetric, .perTensor)
    case .asymmetric: (activations, weights) = (.asymmetric, .perChannel)
    case nil: break
    }
    if let chosen = arguments.choice("activations").flatMap(Activations.init) { activations = chosen }
    if let passes = arguments.count("residual-passes") { residualPasses = passes }
    if let chosen = arguments.choice("weights").flatMap(Weights.init) { weights = chosen }
  }
}
