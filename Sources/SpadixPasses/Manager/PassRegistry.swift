/// Every pass and every named pipeline. A pass that stands here is listed, parsed, documented and tested.
public enum PassRegistry {
  /// In the order of the default pipeline.
  static let passes: [Pass] = [
    .canonicalize,
    .foldConstants,
    .fuseActivation,
    .fuseResidualAdd,
    .fusePooling,
    .eliminateDead,
    .calibrate,
    .quantize,
    .lower,
  ]

  /// Nil for a name that no pass has.
  public static func pass(named name: String) -> Pass? { passes.first { $0.name == name } }

  /// Pipelines that `--passes` takes by name.
  static let pipelines: [(name: String, summary: String, pipeline: PassPipeline)] = [
    ("optimize", "simplifies and fuses, still in f32: the part before quantization", .optimize),
    ("default", "everything from a graph to npu operators, as `spadix compile` runs it", .standard),
  ]

  static func pipeline(named name: String) -> PassPipeline? {
    pipelines.first { $0.name == name }?.pipeline
  }
}

extension PassPipeline {
  /// Simplify and fuse, before quantization.
  public static let optimize = PassPipeline([
    .canonicalize,
    .foldConstants,
    // Folding leaves multiplications by one, additions of zero and batch normalizations without a convolution.
    .canonicalize,
    // Before the residual additions, so that a convolution with its own activation is not taken for one without.
    .fuseActivation,
    .fuseResidualAdd,
    // After activations, because the store pools what the activation has left.
    .fusePooling,
    .eliminateDead,
  ])

  /// Floating point to int8.
  public static let quantize = PassPipeline([.calibrate, .quantize, .eliminateDead])

  /// To npu operators and host steps.
  public static let lower = PassPipeline([.lower, .eliminateDead])

  /// The whole way.
  static let standard = optimize + quantize + lower
}
