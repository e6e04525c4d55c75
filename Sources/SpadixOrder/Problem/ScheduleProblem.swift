import SpadixSupport

/// A graph of atomic operators to be scheduled in a scratchpad: the problem of COSMA (arXiv 2311.18246).
///
/// While an operator runs, all its inputs and outputs are in the scratchpad. Order, residency and addresses are chosen
/// together for the least traffic beyond the compulsory one.
public struct ScheduleProblem: Sendable {
  /// Index into `tensors`.
  public struct TensorID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  /// Index into `operators`.
  public struct OperatorID: DenseID {
    public let index: Int
    public init(_ index: Int) { self.index = index }
  }

  /// Which transfers of a tensor are compulsory.
  public enum TensorKind: String, Sendable, CaseIterable {
    /// In DRAM from the start; its first load is compulsory and free.
    case input
    /// As an input, and constant.
    case parameter
    /// Produced by one operator and read by others.
    case activation
    /// As an activation; its final store is compulsory and free.
    case output
  }

  /// Which tensors are scheduled.
  public enum Scope: String, Sendable, CaseIterable {
    case activations
    case all
  }

  /// Something that operators read or write as a whole.
  public struct Tensor: Sendable {
    /// The id in the problem file.
    var id: Int
    var name: String
    /// What it takes in the scratchpad, in the unit of the capacity.
    public var size: Int
    /// What one transfer of it moves.
    public var bytes: Int
    /// Inputs and parameters have no producer.
    public var kind: TensorKind
    /// Of the size, what alignment added behind the tensor.
    var padding = 0
    /// Where it lies from the origin that it has in common with what it lies together with (`Operator.tied`).
    var displacement = 0

    public init(id: Int, name: String, size: Int, bytes: Int, kind: TensorKind) {
      self.id = id
      self.name = name
      self.size = size
      self.bytes = bytes
      self.kind = kind
    }
  }

  /// An atom: all that it reads and writes is in the scratchpad while it runs.
  public struct Operator: Sendable {
    /// The id in the problem file.
    var id: Int
    var name: String
    /// What it reads; one named twice counts once.
    public var inputs: [TensorID]
    /// Each tensor is the output of one operator at most.
    public var outputs: [TensorID]
    /// Array cycles of a run, which cost something where operators may run again.
    var cycles: Int
    /// Whether it may write its result over an operand of the same size, element by element.
    public var mayOverwrite = false
    /// Whether its result is its inputs, one behind the other.
    public var isConcatenation = false
    /// Inputs that lie next to each other while it runs: at their displacements from one origin.
    var adjacent: [[TensorID]] = []
    /// Inputs that its one result may be written over, as nothing needs them afterwards: one, or some that are adjacent. They
    /// have an origin in common with the result.
    var overwritten: [TensorID] = []

    /// Operands that have one origin while it runs, if the result is written over others.
    var tied: [[TensorID]] { overwritten.isEmpty ? adjacent : adjacent + [overwritten + outputs] }

    public init(id: Int, name: String, inputs: [TensorID], outputs: [TensorID], cycles: Int = 0) {
      self.id = id
      self.name = name
      self.inputs = inputs
      self.outputs = outputs
      self.cycles = cycles
    }
  }

  /// Sizes and counts beyond this are refused, so that no sum over a problem can overflow.
  public static let largestSize = 1 << 40

  /// Array cycles of an operator beyond this are refused, for the same reason.
  public static let mostCycles = 1 << 30

  /// What tensors may have places in common.
  public enum Sharing: String, Sendable, CaseIterable {
    /// Results that are written over an operand (`withOperatorsInPlace`).
    case inPlace = "in-place"
    /// Results of concatenations that take the places of the operands (`withAdjacentConcatenations`).
    case adjacentConcatenation = "adjacent-concat"
    /// Concatenations for which their operands stand (`withAdjacentConcatenations`).
    case concatenationViews = "concat-views"
  }

  /// Of the graph.
  public var name: String
  /// By `TensorID`.
  public var tensors: [Tensor]
  /// In the default order, which is a legal one.
  public var operators: [Operator]
  /// Offsets are multiples of this; sizes are already.
  private(set) var alignment = 1
  /// What was made use of, and so is part of the problem.
  public internal(set) var sharing: Set<Sharing> = []

  public init(name: String, tensors: [Tensor], operators: [Operator]) {
    self.name = name
    self.tensors = tensors
    self.operators = operators
  }

  /// Whether a tensor takes part in the schedule.
  func isScheduled(_ tensor: TensorID, in scope: Scope) -> Bool {
    switch scope {
    case .activations: tensors[tensor].kind != .parameter
    case .all: true
    }
  }

  /// The same problem with sizes rounded up to multiples, so that every offset can be one.
  public func aligned(to alignment: Int) -> ScheduleProblem {
    var result = self
    result.alignment = alignment
    for index in result.tensors.indices {
      let size = roundUp(tensors[index].size, toMultipleOf: alignment)
      result.tensors[index].padding += size - tensors[index].size
      result.tensors[index].size = size
    }
    return result
  }

  /// The same problem where tensors have places in common as far as is allowed; sizes are what they will be.
  public func sharing(_ allowed: Set<Sharing>) -> ScheduleProblem {
    var result = self
    // What lies together can be written over together.
    if !allowed.isDisjoint(with: [.adjacentConcatenation, .concatenationViews]) {
      result = result.withAdjacentConcatenations(views: allowed.contains(.concatenationViews))
    }
    if allowed.contains(.inPlace) { result = result.withOperatorsInPlace() }
    return result
  }

  /// Problems of which a plan for any one will do where so much is allowed: in the last one, if there are two, operands stand for
  /// concatenations. Neither needs to be better: a copy may be written over while its operands are needed.
  public func alternatives(sharing allowed: Set<Sharing>) -> [ScheduleProblem] {
    let copies = sharing(allowed.subtracting([.concatenationViews]))
    let views = sharing(allowed)
    return views.operators.count == copies.operators.count ? [copies] : [copies, views]
  }

  /// What an operator's operands take, of which some may be in the place of others.
  func footprint(of op: Operator, in scope: Scope) -> Int {
    operands(of: op, in: scope).reduce(0) { $0 + tensors[$1].size }
      - op.overwritten.reduce(0) { $0 + tensors[$1].size }
  }

  /// The scheduled tensors of an operator, each once, in ascending order.
  func operands(of op: Operator, in scope: Scope) -> [TensorID] {
    Set(op.inputs + op.outputs).filter { isScheduled($0, in: scope) }.sorted()
  }

  /// Throws when an operator names a tensor that does not exist, a tensor has no producer or two, sizes are absurd, or
  /// the operators are not in a legal order.
  public func check() throws {
    var report = Diagnostics()
    func fail(_ rule: String, _ message: String, help: String? = nil) {
      if report.all.count < 20 { report.report(Diagnostic("schedule.\(rule)", message, help: help)) }
    }
    for tensor in tensors {
      for number in [tensor.size, tensor.bytes] where number < 0 || number > Self.largestSize {
        fail("tensor-size", "tensor \(tensor.id) '\(tensor.name)' has the size \(number); expected 0 to 2^40")
      }
    }
    for op in operators where op.cycles < 0 || op.cycles > Self.mostCycles {
      fail("cycles", "operator \(op.id) '\(op.name)' takes \(op.cycles) array cycles; expected 0 to 2^30")
    }
    var producer = [Int?](repeating: nil, count: tensors.count)
    for (position, op) in operators.enumerated() {
      for tensor in op.inputs + op.outputs where !tensors.indices.contains(tensor.index) {
        fail("unknown-tensor", "operator \(op.id) '\(op.name)' names a tensor that does not exist")
        throw report
      }
      for tensor in op.outputs {
        let kind = tensors[tensor].kind
        if kind == .input || kind == .parameter {
          fail(
            "produced-input", "operator \(op.id) writes tensor \(tensors[tensor].id), which is of kind \(kind.rawValue)"
          )
        }
        if let other = producer[tensor.index] {
          fail(
            "produced-twice",
            "tensor \(tensors[tensor].id) is written by operator \(operators[other].id) and by operator \(op.id)")
        }
        producer[tensor.index] = position
      }
    }
    for (index, tensor) in tensors.enumerated() where tensor.kind == .activation || tensor.kind == .output {
      if producer[index] == nil {
        fail("not-produced", "no operator writes tensor \(tensor.id) '\(tensor.name)' of kind \(tensor.kind.rawValue)")
      }
    }
    try report.throwIfErrors()
    for (position, op) in operators.enumerated() {
      for tensor in op.inputs {
        guard let source = producer[tensor.index], source >= position else { continue }
        fail(
          "order",
          "operator \(op.id) '\(op.name)' reads tensor \(tensors[tensor].id), which operator \(operators[source].id) "
            + "writes only later")
      }
    }
    try report.throwIfErrors()
  }
}
