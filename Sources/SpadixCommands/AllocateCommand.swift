import ArgumentParser
import SpadixAllocation
import SpadixOrder
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

  @Option(help: "Size of the memory, in the unit of the sizes, with an optional K (1024) or M (1048576).")
  var capacity: MemorySize

  @Option(name: .short, help: "Write the answer to a file; - is standard output, as without it.")
  var output: String?

  @Option(help: "Search nodes after which to give up. (default: what takes about a minute)")
  var nodeLimit: Int?

  @Option(
    help: """
      Static orders that take turns, as letters from A, C, L, T, U, W, Z, separated by commas. \
      (default: \(Self.defaultOrders))
      """)
  var orders: String?

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
    if capacity.isTooLarge { throw ValidationError("--capacity is 0 to 2^40") }
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
    let problem = try AllocationFile.read(source, capacity: capacity.units, judgesOffsets: !check)
    if check { return try runCheck(problem) }
    var options = AllocationSolver.Options()
    if nodeLimit != nil { options.effortLimit = Int.max }
    options.nodeLimit = nodeLimit ?? Int.max
    options.looksForCapacity = true
    options.orders = (orders ?? Self.defaultOrders).split(separator: ",").map(String.init)
    for technique in without { technique.switchOff(&options) }
    let interruption = Interruption()
    defer { interruption.end() }
    let progress = ProgressAfterASecond()
    let solver = AllocationSolver(
      options: options, cancellation: interruption.cancellation, progress: { progress.show($0) })
    let result = solver.solve(problem)
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
    case .infeasible:
      progress.show("no placement in \(problem.capacity); looking for a small set of buffers that shows it")
      throw infeasible(problem, interruption.cancellation)
    case .notFound: throw notFound(problem, result, isInterrupted: interruption.cancellation.isCancelled)
    }
  }

  private func notFound(
    _ problem: AllocationProblem, _ result: AllocationSolver.Result, isInterrupted: Bool
  ) -> Diagnostic {
    let reason = isInterrupted ? "when it was interrupted, after" : "within"
    var diagnostic = Diagnostic(
      "allocation.not-found",
      "no placement in \(problem.capacity) was found \(reason) \(result.nodes) nodes; there may be one")
    let least = result.leastCapacity
    if let found = result.foundCapacity {
      let gap = ScheduleTable.percent(found - least, of: found)
      diagnostic.notes.append(
        Diagnostic.Note("a placement in \(found) is known, and none is possible below \(least) (gap \(gap))"))
      diagnostic.help = "give --capacity \(found), or a larger --node-limit"
    } else {
      diagnostic.notes.append(Diagnostic.Note("no placement is possible below \(least)"))
      diagnostic.help = "give a larger --capacity or --node-limit"
    }
    return diagnostic
  }

  private func runCheck(_ problem: AllocationProblem) throws {
    if let free = problem.buffers.first(where: { $0.fixedOffset == nil }) {
      throw Diagnostic("allocation.format", "there is no offset of buffer '\(free.id)' to check")
    }
    let offsets = problem.buffers.compactMap(\.fixedOffset)
    do throws(AllocationValidator.Violation) {
      try AllocationValidator.validate(AllocationSolution(offsets: offsets), for: problem)
    } catch {
      try StandardOutput.write("invalid: \(error)\n")
      throw ExitStatus.mismatch
    }
    let height = AllocationSolution(offsets: offsets).height(in: problem)
    try StandardOutput.write("valid: \(problem.buffers.count) buffers, height \(height) of \(problem.capacity)\n")
  }

  private func infeasible(_ problem: AllocationProblem, _ cancellation: Cancellation) -> Diagnostic {
    var options = AllocationSolver.Options()
    options.nodeLimit = 20_000
    options.effortLimit = 1_000_000_000
    var diagnostic = Diagnostic(
      "allocation.infeasible", "the buffers cannot be placed in \(problem.capacity)", help: "raise --capacity")
    guard
      let subset = AllocationExplanation.irreducibleSubset(of: problem, options: options, cancellation: cancellation)
    else { return diagnostic }
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
      if !buffer.gaps.isEmpty {
        text += ", gaps " + buffer.gaps.map(Self.text).joined(separator: " ")
      }
      if buffer.alignment != 1 { text += ", alignment \(buffer.alignment)" }
      if let offset = buffer.fixedOffset { text += ", fixed at \(offset)" }
      diagnostic.notes.append(Diagnostic.Note(text))
    }
    if subset.buffers.count > 40 { diagnostic.notes.append(Diagnostic.Note("and \(subset.buffers.count - 40) more")) }
    return diagnostic
  }

  private static func text(_ gap: AllocationProblem.Gap) -> String {
    "\(gap.lower) ..< \(gap.upper)" + (gap.window.map { " but for \($0.lowerBound) ..< \($0.upperBound)" } ?? "")
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
