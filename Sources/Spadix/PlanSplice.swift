import SpadixCodegen
import SpadixPlan
import SpadixSupport

/// Joins the best parts of several plans of one graph, by the cycles that the commands of each take operator by operator.
///
/// Plans can be joined before a step at which none of them has a tensor in the scratchpad or is within a group: everything
/// that is needed later is in DRAM then, whichever plan made it.
struct PlanSplice {
  private let kernels: PreparedKernels
  private let plans: [Plan]
  /// By plan and step, what the step costs in parts of a cycle.
  private let values: [[Int]]
  /// By plan, whether it can be left or joined before each step.
  private let isOpen: [[Bool]]

  /// - Parameters:
  ///   - plans: validated, at least one.
  ///   - cycles: by plan and step.
  ///   - value: of some cycles and bytes.
  init(_ kernels: PreparedKernels, _ plans: [Plan], cycles: [[Int]], value: (_ cycles: Int, _ bytes: Int) -> Int) {
    self.kernels = kernels
    self.plans = plans
    values = zip(plans, cycles).map { plan, cycles in
      var bytes = plan.steps.map(\.cost.bytes)
      for piece in plan.pieces {
        let tensor = kernels.problem.tensors[piece.tensor]
        bytes[piece.first] += piece.origin == .fetched ? tensor.fetch.bytes : 0
        bytes[piece.first] += piece.spilled ? tensor.spill.bytes : 0
      }
      return zip(cycles, bytes).map { value($0, $1) }
    }
    isOpen = plans.map { plan in
      var isOpen = [Bool](repeating: true, count: plan.steps.count)
      for piece in plan.pieces where piece.last > piece.first {
        for step in piece.first + 1...piece.last { isOpen[step] = false }
      }
      for group in plan.groups {
        for step in group.steps.dropFirst() { isOpen[step] = false }
      }
      return isOpen
    }
  }

  /// The plan of least value that can be joined of parts, and that value; nil where it is one of the plans as it is.
  func best() -> (plan: Plan, value: Int)? {
    let count = plans[0].steps.count
    var least = [Int](repeating: 0, count: plans.count)
    // By step and plan, the plan of the step before.
    var before: [[Int]] = []
    for step in 0..<count {
      let joined = plans.indices.filter { isOpen[$0][step] }.min { (least[$0], $0) < (least[$1], $1) }
      let from = plans.indices.map { plan in
        guard isOpen[plan][step], let joined, least[joined] < least[plan] else { return plan }
        return joined
      }
      before.append(from)
      least = plans.indices.map { least[from[$0]] + values[$0][step] }
    }
    guard var plan = plans.indices.min(by: { (least[$0], $0) < (least[$1], $1) }) else { return nil }
    let value = least[plan]
    var chosen = [Int](repeating: 0, count: count)
    for step in (0..<count).reversed() {
      chosen[step] = plan
      plan = before[step][plan]
    }
    if Set(chosen).count == 1 { return nil }
    return (joined(chosen), value)
  }

  /// - Parameter chosen: by step, a plan.
  private func joined(_ chosen: [Int]) -> Plan {
    var plan = plans[0]
    plan.steps = chosen.enumerated().map { plans[$1].steps[$0] }
    plan.groups = chosen.indices.flatMap { step in plans[chosen[step]].groups.filter { $0.steps.lowerBound == step } }
    plan.pieces = chosen.indices.flatMap { step in plans[chosen[step]].pieces.filter { $0.first == step } }
    plan.cost = plan.steps.reduce(.zero) { $0 + $1.cost }
    for piece in plan.pieces {
      if piece.origin == .fetched { plan.cost += kernels.problem.tensors[piece.tensor].fetch }
      if piece.spilled { plan.cost += kernels.problem.tensors[piece.tensor].spill }
    }
    plan.certificate.closedBy += "; joined of parts of several plans by the cycles that their commands take"
    return plan
  }
}
