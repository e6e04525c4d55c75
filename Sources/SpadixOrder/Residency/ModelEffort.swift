import SpadixMIP
import SpadixSupport

extension GLPKSolver {
  /// A solver whose limits on nodes and iterations fall with the size of the model, as those of a large one take
  /// longer, so that a call ends within seconds.
  init(within nodeLimit: Int, for model: Model, cutoff: Int? = nil, cancellation: Cancellation?) {
    let terms = Self.terms(of: model)
    self.init(
      nodeLimit: min(nodeLimit, max(20, 20_000_000 / terms)), iterationLimit: Self.iterationLimit(for: model),
      cuts: terms < 50_000, cutoff: cutoff, cancellation: cancellation)
  }

  /// Simplex iterations that a model takes seconds for.
  static func iterationLimit(for model: Model) -> Int { 1_500_000_000 / terms(of: model) }

  /// Whether even the first relaxation of a model would take more than seconds.
  static func isTooLarge(_ model: Model) -> Bool { terms(of: model) > 300_000 }

  private static func terms(of model: Model) -> Int {
    model.rows.reduce(model.columns.count + 1) { $0 + $1.terms.count }
  }
}
