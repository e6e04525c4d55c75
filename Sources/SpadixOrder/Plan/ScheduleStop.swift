/// Why a schedule is not proven optimal.
public enum ScheduleStop: String, Sendable, CaseIterable {
  /// The limit on labels of the order search.
  case labels = "label limit"
  /// The limit on the work of the searches over orders.
  case effort = "effort limit"
  /// The labels of the order search would not have fitted in memory.
  case memory = "memory limit"
  /// The limit on branch-and-bound nodes of GLPK.
  case nodes = "node limit"
  /// A block has more operators than are modelled or searched.
  case size = "size of a block"
  /// More tensors are live at once than the order search has places for.
  case liveTensors = "more than 1024 tensors live at once"
  /// Sequences in which operators run again are not searched in full.
  case repeats = "repeated runs"
  case interruption = "interruption"
  /// Order and residency reach the bound, but their pieces were not packed.
  case addresses = "addresses"
}
