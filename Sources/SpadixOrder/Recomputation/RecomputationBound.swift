import SpadixSupport

/// What schedules cost at least when operators may run again at no price.
///
/// Before an operator v first runs, all that its ancestors read and wrote has been in the scratchpad; what its descendants
/// need of that must be there again. It may stay beside v, be fetched, or be made from what is there. So on every way from
/// an input that was loaded to a tensor that is needed, some tensor stays or is fetched: these are a cut, of which only
/// so much stays as fits beside v.
struct RecomputationBound {
  private let problem: ScheduleProblem
  private let scope: ScheduleProblem.Scope
  private let core: ScheduleCore
  private let ancestors: [Bitset]
  private let cancellation: Cancellation?
  /// Elementary steps, of about a nanosecond each.
  private(set) var effort = 0

  init(_ problem: ScheduleProblem, scope: ScheduleProblem.Scope, cancellation: Cancellation?) {
    self.problem = problem
    self.scope = scope
    self.cancellation = cancellation
    core = ScheduleCore(problem, scope: scope)
    ancestors = core.ancestors()
  }

  /// - Parameter enough: a bound that need not be exceeded.
  mutating func least(budget: Int, enough: Int, effortLimit: Int) -> Int {
    // A tensor costs what its fetch moves, and its store unless it is clean; or, when it stays, a price for its size.
    // For each price that gives a bound; these two are the rates at which clean and other tensors cost.
    var best = 0
    for price in [1, 2] {
      var cuts = Cuts(problem, scope, price: price)
      for op in core.operators.indices {
        if best >= enough || effort >= effortLimit || cancellation?.isCancelled == true { return min(best, enough) }
        let room = price * (budget - core.footprints[op])
        let cut = cuts.least(beside: op, isAncestor: { ancestors[op].contains($0) }) { ancestors[$0].contains(op) }
        effort += cuts.effort + 20 * problem.tensors.count
        cuts.effort = 0
        best = max(best, cut - room)
      }
    }
    return min(best, enough)
  }

  private struct Cuts {
    private let problem: ScheduleProblem
    private let operands: [[Int]]
    private let producer: [Int?]
    private let readers: [[Int]]
    private var network: FlowNetwork
    private var sourceArcs: [Int] = []
    private var tensorArcs: [Int] = []
    private var sinkArcs: [Int] = []
    var effort = 0

    init(_ problem: ScheduleProblem, _ scope: ScheduleProblem.Scope, price: Int) {
      self.problem = problem
      operands = problem.operators.map { problem.operands(of: $0, in: scope).map(\.index) }
      var producer = [Int?](repeating: nil, count: problem.tensors.count)
      var readers = [[Int]](repeating: [], count: problem.tensors.count)
      for (index, op) in problem.operators.enumerated() {
        for tensor in op.outputs { producer[tensor.index] = index }
        // Of what is scheduled only: what is left out need not stay.
        for tensor in operands[index] where producer[tensor] != index { readers[tensor].append(index) }
      }
      self.producer = producer
      self.readers = readers
      let count = problem.tensors.count
      network = FlowNetwork(nodes: 2 * count)
      for (index, tensor) in problem.tensors.enumerated() {
        let moved = tensor.kind == .activation ? 2 * tensor.bytes : tensor.bytes
        tensorArcs.append(network.addArc(index, count + index, min(moved, price * tensor.size)))
        guard let source = producer[index] else { continue }
        for operand in operands[source] where producer[operand] != source {
          network.addArc(count + operand, index, FlowNetwork.unbounded)
        }
      }
      network.source = network.addNode()
      network.sink = network.addNode()
      for index in 0..<count {
        sourceArcs.append(network.addArc(network.source, index, 0))
        sinkArcs.append(network.addArc(count + index, network.sink, 0))
      }
      network.finish()
    }

    mutating func least(
      beside op: Int, isAncestor: (Int) -> Bool, isDescendant: (Int) -> Bool
    ) -> Int {
      network.reset()
      for tensor in operands[op] { network.setCapacity(tensorArcs[tensor], 0) }
      for tensor in problem.tensors.indices {
        let isKnown = producer[tensor].map(isAncestor) ?? readers[tensor].contains(where: isAncestor)
        if !isKnown { continue }
        if producer[tensor] == nil { network.setCapacity(sourceArcs[tensor], FlowNetwork.unbounded) }
        if readers[tensor].contains(where: isDescendant) {
          network.setCapacity(sinkArcs[tensor], FlowNetwork.unbounded)
        }
      }
      let flow = network.maximumFlow()
      effort += network.effort
      network.effort = 0
      return flow
    }
  }
}
