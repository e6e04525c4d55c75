/// Something that a target can do and Gemmini's default configuration cannot: a row of the table that target files,
/// program files, fingerprints and listings follow. Adding one is a row here and a property of `Target`.
public struct Capability: Sendable {
  /// In target and program files.
  public let name: String
  /// For people.
  public let title: String
  /// In the text that a fingerprint is a hash of.
  let mark: String
  /// Beside it in target files that are printed; empty for none.
  let comment: String
  /// The property of `Target` that says whether a target has it.
  public let path: WritableKeyPath<Target, Bool> & Sendable
  /// Not there in program files of before: these lack it, and their targets have their fingerprints still.
  var isLater = false

  /// In the order in which they are printed.
  public static let all: [Capability] = [
    Capability(
      name: "scratchpad_store", title: "scratchpad store", mark: "store", comment: "funct 23",
      path: \.hasScratchpadStore),
    Capability(
      name: "output_stage", title: "output stage", mark: "output", comment: "functs 32 and 33",
      path: \.hasOutputStage),
    Capability(
      name: "output_biases", title: "biases in the store", mark: "biases", comment: "biases of funct 33",
      path: \.hasOutputBiases, isLater: true),
    Capability(
      name: "output_table", title: "table in the store", mark: "table", comment: "funct 34", path: \.hasOutputTable,
      isLater: true),
    Capability(
      name: "output_pair", title: "pairs in the store", mark: "pair", comment: "funct 35", path: \.hasOutputPair,
      isLater: true),
    Capability(
      name: "pooled_scratchpad_store", title: "pooled scratchpad store", mark: "pool", comment: "",
      path: \.hasPooledScratchpadStore),
    Capability(
      name: "normalizations", title: "normalizations", mark: "norm", comment: "", path: \.hasNormalizations),
    Capability(
      name: "functional_model_rounding", title: "rounding of the functional model", mark: "model", comment: "",
      path: \.roundsLikeFunctionalModel),
  ]
}
