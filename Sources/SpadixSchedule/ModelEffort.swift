import SpadixMIP

extension GLPKSolver {
  /// A solver whose limit on nodes falls with the size of the model, as a node of a large one takes longer, so that a call
  /// ends within seconds.
  init(within nodeLimit: Int, for model: Model, cutoff: Int? = nil, cancellation: Cancellation?) {
    let terms = model.rows.reduce(model.columns.count + 1) { $0 + $1.terms.count }
    self.init(
      nodeLimit: min(nodeLimit, max(20, 20_000_000 / terms)), cutoff: cutoff, cancellation: cancellation)
  }
}
