/// The least that is live beside an operator in any order: a minimum cut.
///
/// What has run before an operator is a set of operators that contains its ancestors, none of its descendants, and the
/// ancestors of its members. A tensor that is not an operand of it is live beside it when some operator that touches the
/// tensor is in the set and another one is not. So the least size of what is live is a minimum cut between the ancestors
/// and the descendants, where an arc for each tensor has its size as capacity.
struct WavefrontBound {
  private let core: ScheduleCore
  private let ancestors: [Bitset]
  private var network: FlowNetwork
  /// The arc of each tensor.
  private var arcOfTensor: [Int] = []
  private var sourceArcs: [Int] = []
  private var sinkArcs: [Int] = []

  /// Elementary steps over all cuts, of about a nanosecond each.
  private(set) var effort = 0

  init(_ core: ScheduleCore, _ ancestors: [Bitset]) {
    self.core = core
    self.ancestors = ancestors
    // Operators, then for each tensor one or two nodes, then source and sink.
    network = FlowNetwork(nodes: core.count)
    for (op, node) in core.operators.enumerated() {
      for predecessor in node.predecessors { network.addArc(op, predecessor, FlowNetwork.unbounded) }
    }
    for tensor in core.tensors {
      // After the last node that must have run if the tensor is there: one touch for what is there from the start.
      let beyond = network.addNode()
      if let producer = tensor.producer {
        arcOfTensor.append(network.addArc(producer, beyond, tensor.size))
      } else {
        let before = network.addNode()
        for touch in tensor.touches { network.addArc(touch, before, FlowNetwork.unbounded) }
        arcOfTensor.append(network.addArc(before, beyond, tensor.size))
      }
      for touch in tensor.touches where touch != tensor.producer {
        network.addArc(beyond, touch, FlowNetwork.unbounded)
      }
    }
    let source = network.addNode()
    let sink = network.addNode()
    for op in core.operators.indices {
      sourceArcs.append(network.addArc(source, op, 0))
      sinkArcs.append(network.addArc(op, sink, 0))
    }
    network.source = source
    network.sink = sink
    network.finish()
  }

  /// Size of what is live beside an operator when it runs right after its ancestors, and when all but its descendants
  /// have run: the least is no more than either.
  func simpleLimits(_ op: Int) -> (early: Int, late: Int) {
    let operands = Set(core.operators[op].operands)
    var early = 0
    var late = 0
    for (index, tensor) in core.tensors.enumerated() where !operands.contains(index) {
      let before = tensor.touches.filter { ancestors[op].contains($0) }.count
      let after = tensor.touches.filter { ancestors[$0].contains(op) }.count
      if before > 0, before < tensor.touches.count { early += tensor.size }
      if after > 0, after < tensor.touches.count { late += tensor.size }
    }
    return (early, late)
  }

  /// The least size of what is live beside an operator.
  mutating func least(beside op: Int) -> Int {
    network.reset()
    for tensor in core.operators[op].operands { network.setCapacity(arcOfTensor[tensor], 0) }
    for other in core.operators.indices {
      if ancestors[op].contains(other) { network.setCapacity(sourceArcs[other], FlowNetwork.unbounded) }
      if other == op || ancestors[other].contains(op) {
        network.setCapacity(sinkArcs[other], FlowNetwork.unbounded)
      }
    }
    let flow = network.maximumFlow()
    effort += network.effort
    network.effort = 0
    return flow
  }
}
