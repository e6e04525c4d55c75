import SpadixMIP

/// What the solver did so far.
struct ScheduleStatistics {
  var rows = 0
  var columns = 0
  var nodes = 0
  var labels = 0
  /// Elementary steps of the searches over orders.
  var effort = 0
  /// What kept blocks from being closed, or might have.
  var stops: Set<ScheduleStop> = []

  /// Counts what a search of a part took.
  mutating func add(_ part: ScheduleStatistics) {
    (rows, columns) = (max(rows, part.rows), max(columns, part.columns))
    nodes += part.nodes
    labels += part.labels
    effort += part.effort
  }

  mutating func note(_ model: Model) {
    rows = max(rows, model.rows.count)
    columns = max(columns, model.columns.count)
  }
}
