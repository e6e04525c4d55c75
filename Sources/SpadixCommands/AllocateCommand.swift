import ArgumentParser
import SpadixSchedule
import SpadixSupport

struct AllocateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allocate",
    abstract: "Places buffers with known lifetimes in a memory of fixed capacity.",
    discussion: """
      PROBLEM is a CSV file as MiniMalloc reads it: id,lower,upper,size and optionally alignment, hint, gaps, offset. \
      The answer is the same with a column of offsets. See docs/allocation.md.
      """)

  @Argument(help: "The buffers to place.")
  var problem: String

  @Option(help: "Size of the memory, in the unit of the sizes.")
  var capacity: Int

  @Option(name: .short, help: "Write the answer to a file; - is standard output, as without it.")
  var output: String?

  @Option(help: "Search nodes after which to give up. (default: \(Self.defaultNodeLimit))")
  var nodeLimit: Int?

  @Option(
    help: """
      Static orders that take turns, as letters from A, C, L, T, U, W, Z, separated by commas. \
      (default: \(Self.defaultOrders))
      """)
  var orders: String?

  private static let defaultNodeLimit = 2_000_000_000
  private static let defaultOrders = AllocationSolver.Options().orders.joined(separator: ",")

  @Option(
    help: """
      Switch a technique off, for ablation; may be repeated. One of canonical, dominance, hatless, inference, floor, \
      decomposition, sweep.
      """)
  var without: [AllocationTechnique] = []

  @Flag(help: "Only check the offset column of PROBLEM.")
  var check = false

  @Flag(help: "Print nodes to the standard error.")
  var statistics = false

  func validate() throws {
    if capacity < 0 || capacity > 1 << 40 { throw ValidationError("--capacity is 0 to 2^40") }
    if check, output != nil || nodeLimit != nil || orders != nil || !without.isEmpty || statistics {
      throw ValidationError("-o, --node-limit, --orders, --without and --statistics are not for --check")
    }
    if nodeLimit ?? 1 < 1 { throw ValidationError("--node-limit is at least 1") }
    let letters = (orders ?? Self.defaultOrders).filter { $0 != "," }
    if letters.isEmpty || !letters.allSatisfy({ "ACLTUWZ".contains($0) }) {
      throw ValidationError("--orders are letters from A, C, L, T, U, W, Z, separated by commas")
    }
  }

  func run() throws {
    _ = try FileArguments(inputs: [problem], outputs: [OutputArgument("-o", output)], standardOutput: "-o")
    let source = try Files.readSource(problem)
    let problem = try AllocationFile.read(source, capacity: capacity, judgesOffsets: !check)
    if check { return try runCheck(problem) }
    var options = AllocationSolver.Options()
    options.nodeLimit = nodeLimit ?? Self.defaultNodeLimit
    options.orders = (orders ?? Self.defaultOrders).split(separator: ",").map(String.init)
    for technique in without { technique.switchOff(&options) }
    let interruption = Interruption()
    defer { interruption.end() }
    let result = AllocationSolver(options: options, cancellation: interruption.cancellation).solve(problem)
    if statistics { StandardError.write("\(result.nodes) nodes\n") }
    switch result.outcome {
    case .placed(let solution):
      do throws(AllocationValidator.Violation) {
        try AllocationValidator.validate(solution, for: problem)
      } catch {
        throw Diagnostic("allocation.internal", "the placement did not pass the validator: \(error)")
      }
      let text = try AllocationFile.text(solution, addedTo: source)
      if let output, output != "-" { try Files.write(text, to: output) } else { try StandardOutput.write(text) }
    case .infeasible: throw infeasible(problem)
    case .notFound:
      throw Diagnostic(
        "allocation.not-found", "no placement was found within \(result.nodes) nodes; there may be one",
        help: "raise --node-limit or --capacity")
    }
  }

  private func runCheck(_ problem: AllocationProblem) throws {
    let offsets = problem.buffers.compactMap(\.fixedOffset)
    if offsets.count != problem.buffers.count {
      throw Diagnostic("allocation.format", "there is no column 'offset' to check")
    }
    do throws(AllocationValidator.Violation) {
      try AllocationValidator.validate(AllocationSolution(offsets: offsets), for: problem)
    } catch {
      try StandardOutput.write("invalid: \(error)\n")
      throw ExitStatus.mismatch
    }
    let height = AllocationSolution(offsets: offsets).height(in: problem)
    try StandardOutput.write("valid: \(problem.buffers.count) buffers, height \(height) of \(problem.capacity)\n")
  }

  private func infeasible(_ problem: AllocationProblem) -> Diagnostic {
    var options = AllocationSolver.Options()
    options.nodeLimit = 20_000
    var diagnostic = Diagnostic(
      "allocation.infeasible", "the buffers cannot be placed in \(problem.capacity)", help: "raise --capacity")
    guard let subset = AllocationExplanation.irreducibleSubset(of: problem, options: options) else { return diagnostic }
    if subset.buffers.contains(where: { problem.buffers[$0].fixedOffset != nil }) {
      diagnostic.help = "change the fixed offsets, or raise --capacity"
    }
    let sum = subset.buffers.reduce(0) { $0 + problem.buffers[$1].size }
    let form =
      subset.isIrreducible ? "these alone do not fit, and without any one of them the others do" : "these do not fit"
    diagnostic.notes.append(Diagnostic.Note("\(form) (\(sum) in all):"))
    for index in subset.buffers.prefix(40) {
      let buffer = problem.buffers[index]
      var text = "buffer \(buffer.id), steps \(buffer.lower) ..< \(buffer.upper), size \(buffer.size)"
      if buffer.alignment != 1 { text += ", alignment \(buffer.alignment)" }
      if let offset = buffer.fixedOffset { text += ", fixed at \(offset)" }
      diagnostic.notes.append(Diagnostic.Note(text))
    }
    if subset.buffers.count > 40 { diagnostic.notes.append(Diagnostic.Note("and \(subset.buffers.count - 40) more")) }
    return diagnostic
  }
}

/// A technique of the allocator that can be switched off.
enum AllocationTechnique: String, CaseIterable, ExpressibleByArgument {
  case canonical, dominance, hatless, inference, floor, decomposition, sweep

  func switchOff(_ options: inout AllocationSolver.Options) {
    switch self {
    case .canonical: options.canonicalOnly = false
    case .dominance: options.checkDominance = false
    case .hatless: options.hatlessPruning = false
    case .inference: options.sectionInference = false
    case .floor: options.unallocatedFloor = false
    case .decomposition: options.dynamicDecomposition = false
    case .sweep: options.layoutSweep = false
    }
  }
}
