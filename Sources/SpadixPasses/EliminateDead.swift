import SpadixIR

extension Pass {
  static let eliminateDead = Pass(
    name: "eliminate-dead",
    summary: "removes operations whose results nobody reads, and data that nobody refers to",
    documentation: """
      An operation stays when the graph's outputs depend on it. Inputs stay even when nothing reads them, so that the \
      graph's signature does not change.
      """
  ) { graph, _ in graph.eliminatingDead() }
}
