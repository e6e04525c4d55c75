import SpadixSupport

/// What the values of a graph are called in its text: their names, made distinct, and the first free numbers in the order of
/// definition for those that have none.
public struct ValueNames: Sendable {
  private var names: [String]

  /// Names of inputs and outputs are kept before all others where names are the same.
  public init(_ graph: Graph) {
    names = [String](repeating: "", count: graph.values.count)
    var taken = UniqueNames()
    let results = graph.operations.flatMap(\.results)
    // Names that people know from outside come first: those of inputs and outputs do not change for the sake of others.
    for value in graph.inputs + graph.outputs + results where names[value.index].isEmpty {
      guard let wanted = graph.values[value].name, !wanted.isEmpty else { continue }
      names[value.index] = taken.take(wanted)
    }
    var next = 0
    for value in graph.inputs + results where names[value.index].isEmpty {
      while !taken.claim("\(next)") { next += 1 }
      names[value.index] = "\(next)"
    }
  }

  /// As the text writes it: with the leading `%`, in quotes where the name needs them.
  public subscript(_ value: ValueID) -> String { "%" + identifier(names[value.index]) }

  /// The name itself.
  public func plain(_ value: ValueID) -> String { names[value.index] }

  /// What an output is called outside: its own name, or that of its value.
  ///
  /// - Parameter graph: the graph that these are the names of.
  public func output(_ index: Int, of graph: Graph) -> String {
    graph.outputNames.isEmpty ? plain(graph.outputs[index]) : graph.outputNames[index]
  }
}

extension Graph {
  /// The graph's name as the text writes it: with the leading `@`, in quotes where the name needs them.
  public var symbolText: String { symbol(name) }

  /// Makes the names that the text gives the names that the values have, so that work goes on under the same names from
  /// here as from the printed form.
  public mutating func settleNames() {
    let names = ValueNames(self)
    outputNames = outputs.indices.map { names.output($0, of: self) }
    for value in values.indices { values[value].name = names.plain(ValueID(value)) }
  }
}
