import ArgumentParser
import Foundation
import SpadixMIP
import SpadixOrder
import SpadixSupport

struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Order, residency and addresses of a graph of operators, with a proven bound.",
    discussion: """
      INPUT is a neutral problem in JSON (tensors with sizes in bytes, operators), or a graph, whose kernels for the \
      target are the operators, with sizes in scratchpad rows. The traffic is what a schedule moves beyond the \
      compulsory loads and stores. docs/scheduling.md says how it is found; "Problems and plans as JSON" there \
      describes both files, member by member.

      Ctrl-C ends the search and gives the best plan so far; of a --sweep, the budgets that are done.
      """)

  @Argument(help: "The problem to schedule.")
  var input: String

  @OptionGroup var target: TargetOptions

  @OptionGroup var model: ModelOptions

  @Option(
    help: ArgumentHelp(
      "Samples to calibrate an input of a graph with, instead of the graph's own; random draws those of inputs without "
        + "from their ranges.", valueName: "input=file.npy|random"))
  var calibrate: [NamedFile] = []

  @Option(
    help:
      "min (largest operator), mid, peak (smallest without traffic), or BYTES with an optional K or M. (default: min)")
  var budget: String?

  @Option(help: "Which tensors are scheduled: activations or all. (default: activations)")
  var tensors: ScheduleProblem.Scope?

  @Option(help: "exact, joint (the paper's model, small graphs) or fixed-order (the order of the input).")
  var formulation = ScheduleOptions.Formulation.exact

  @Option(help: "Replacement: optimal, or the rules belady or greedy for the order of the input.")
  var policy = ScheduleBaseline.Policy.optimal

  @Option(help: "With a rule as policy: exact, or TensorFlow Lite's arena, online or offline.")
  var placement = ScheduleBaseline.Placement.exact

  @Option(help: "With a rule as policy: default or min-peak.")
  var order = ScheduleBaseline.Order.default

  @Option(help: "Branch-and-bound nodes of one call of GLPK. (default: \(ScheduleOptions().nodeLimit))")
  var nodeLimit: Int?

  @Option(
    help: """
      Labels of the order search, over all its passes; then it ends, as by Ctrl-C, but the same on every machine. \
      (default: none)
      """)
  var labelLimit: Int?

  @Option(
    help: ArgumentHelp(
      "Operators may run again, so many times in all, where that costs less than to keep or fetch what they make.",
      valueName: "runs"))
  var recompute = 0

  @Option(
    help: ArgumentHelp(
      "With --recompute: what an array cycle of a further run counts for, in bytes. (default: 0)", valueName: "bytes"))
  var cyclePrice: Int?

  @Option(
    help: ArgumentHelp(
      "End the search after so long, as Ctrl-C does; the plan then depends on the machine. (default: none)",
      valueName: "seconds"))
  var timeLimit: Int?

  @Option(
    help: ArgumentHelp(
      "A plan for INPUT and no larger a budget, of an earlier run: the result is none the worse. May be repeated.",
      valueName: "plan.json"))
  var known: [String] = []

  @Option(help: "Offsets are multiples of this.")
  var align = 1

  @Flag(
    help: "Element-wise operators write their results over an operand of the same size that nothing needs afterwards.")
  var inPlace = false

  @Flag(help: "Operands of a concatenation lie next to each other in the result's place, so that nothing is copied.")
  var adjacentConcat = false

  @Flag(help: "Print the plan as JSON.")
  var json = false

  @Option(name: .short, help: "Write the plan as JSON to a file.")
  var output: String?

  @Option(help: "Write the residency model of the final order in LP format; with --formulation=joint that model.")
  var writeLp: String?

  @Option(help: "Write a picture of addresses against time.")
  var svg: String?

  @Option(help: "Check this plan for INPUT and do nothing else.")
  var check: String?

  @Option(help: "Traffic against capacity, FROM:TO:COUNT; FROM and TO as for --budget.")
  var sweep: String?

  @Option(help: "With --sweep: write the table as CSV.")
  var csv: String?

  @Option(
    help: "Switch a component off, for ablation; may be repeated. One of \(ScheduleComponent.list).")
  var without: [ScheduleComponent] = []

  func validate() throws {
    if !(1...1 << 40).contains(labelLimit ?? 1) || nodeLimit ?? 1 < 1 {
      throw ValidationError("limits are at least 1, that on labels at most 2^40")
    }
    if align < 1 || align > 1 << 20 { throw ValidationError("--align is 1 to 1048576") }
    let most = ScheduleSolution.Recomputation.largest
    if !(0...most).contains(recompute) || !(0...most).contains(cyclePrice ?? 0) {
      throw ValidationError("--recompute and --cycle-price are 0 to \(most)")
    }
    if cyclePrice != nil, recompute == 0 { throw ValidationError("--cycle-price is for --recompute") }
    if recompute > 0, formulation == .joint { throw ValidationError("--formulation=joint has no --recompute") }
    if inPlace || adjacentConcat, recompute > 0 || formulation == .joint {
      throw ValidationError("--in-place and --adjacent-concat are for neither --recompute nor --formulation=joint")
    }
    if !(1...1 << 30).contains(timeLimit ?? 1) { throw ValidationError("--time-limit is 1 or more seconds") }
    let solving: [(name: String, isGiven: Bool)] = [
      ("--budget", budget != nil), ("--tensors", tensors != nil), ("--node-limit", nodeLimit != nil),
      ("--label-limit", labelLimit != nil), ("--formulation", formulation != .exact), ("--policy", policy != .optimal),
      ("--without", !without.isEmpty), ("--json", json), ("-o", output != nil), ("--svg", svg != nil),
      ("--write-lp", writeLp != nil), ("--sweep", sweep != nil), ("--recompute", recompute > 0),
      ("--time-limit", timeLimit != nil), ("--known", !known.isEmpty), ("--in-place", inPlace),
      ("--adjacent-concat", adjacentConcat),
    ]
    if check != nil, let option = solving.first(where: \.isGiven) {
      throw ValidationError("--check takes everything from the plan; \(option.name) is for solving")
    }
    if sweep != nil, budget != nil || writeLp != nil {
      throw ValidationError("--budget and --write-lp are for one budget, not for --sweep")
    }
    if sweep != nil && policy != .optimal { throw ValidationError("--sweep is for --policy optimal") }
    if csv != nil && sweep == nil { throw ValidationError("--csv is for --sweep") }
    if policy == .optimal && (placement != .exact || order != .default) {
      throw ValidationError("--placement and --order are for --policy belady and greedy")
    }
    if policy != .optimal || formulation != .exact, !known.isEmpty {
      throw ValidationError("--known is for --policy optimal and --formulation exact")
    }
    let hasLimit = nodeLimit != nil || labelLimit != nil || timeLimit != nil
    if policy != .optimal && (formulation != .exact || !without.isEmpty || writeLp != nil || hasLimit || recompute > 0)
    {
      throw ValidationError("--formulation, --without, --write-lp, --recompute and limits are for --policy optimal")
    }
  }

  func run() throws {
    var files = try FileArguments(
      inputs: [input, target.target, check] + known + calibrate.files.map(\.path),
      outputs: [
        OutputArgument("-o", output), OutputArgument("--svg", svg), OutputArgument("--write-lp", writeLp),
        OutputArgument("--csv", csv),
      ])
    let aligned = try ScheduleInput.read(
      input, model, calibrate, target: target.load(), files: &files
    ).aligned(to: align)
    if let check { return try Self.check(check, aligned) }
    // Rules go by one problem.
    let alternatives = Array(aligned.alternatives(sharing: sharing).prefix(policy == .optimal ? 2 : 1))
    let interruption = Interruption()
    defer { interruption.end() }
    if let timeLimit { interruption.end(after: timeLimit) }
    let known = try known.map { try knownPlan($0, alternatives) }
    if let sweep { return try runSweep(sweep, alternatives, known, interruption.cancellation) }
    var budgets = ScheduleBudgetReader(
      alternatives: alternatives, scope: scope, cancellation: interruption.cancellation)
    let capacity = try budgets.read(budget ?? "min")
    let choice =
      try policy == .optimal
      ? scheduler(interruption.cancellation).solve(
        anyOf: alternatives, scope: scope, budget: capacity, orders: budgets.orders,
        known: known.map { try $0.within(capacity) })
      : Scheduler.Choice(
        plan: ScheduleBaseline(policy: policy, order: order, placement: placement).solve(
          alternatives[0], scope: scope, budget: capacity), alternative: 0)
    let (plan, problem) = (choice.plan, alternatives[choice.alternative])
    let text = ScheduleSolutionFile.json(plan, for: problem).text(pretty: true) + "\n"
    if let output { try Files.write(text, to: output) }
    if let svg { try Files.write(SchedulePicture.svg(plan, for: problem), to: svg) }
    if let writeLp {
      try Files.write(LPFormat.text(Scheduler.model(of: plan, for: problem, formulation: formulation)), to: writeLp)
    }
    try StandardOutput.write(
      json ? text : ScheduleTable.text(plan, for: problem, showsTime: StandardOutput.isTerminal))
    if interruption.cancellation.isCancelled {
      StandardError.write("interrupted\(timeLimit.map { " or \($0) s over" } ?? ""): this is the best plan so far\n")
    }
  }

  private var scope: ScheduleProblem.Scope { tensors ?? .activations }

  private var sharing: Set<ScheduleProblem.Sharing> {
    Set((inPlace ? [.inPlace] : []) + (adjacentConcat ? [.adjacentConcatenation, .concatenationViews] : []))
  }

  private func scheduler(_ cancellation: Cancellation, _ prefix: String = "") -> Scheduler {
    var options = ScheduleOptions()
    options.formulation = formulation
    options.nodeLimit = nodeLimit ?? options.nodeLimit
    options.labelLimit = labelLimit ?? options.labelLimit
    options.recomputation = ScheduleSolution.Recomputation(limit: recompute, cyclePrice: cyclePrice ?? 0)
    options.cancellation = cancellation
    for component in without { component.switchOff(&options) }
    let progress = ProgressAfterASecond()
    options.progress = { progress.show(prefix + $0) }
    return Scheduler(options: options)
  }

  /// A plan that `--known` names.
  private struct KnownPlan {
    var path: String
    var choice: Scheduler.Choice

    /// The plan, where a budget allows it.
    func within(_ budget: Int) throws -> Scheduler.Choice {
      if choice.plan.budget <= budget { return choice }
      throw Diagnostic(
        "schedule.known", "the plan '\(path)' is for a budget of \(choice.plan.budget), more than \(budget)")
    }
  }

  private func knownPlan(_ path: String, _ alternatives: [ScheduleProblem]) throws -> KnownPlan {
    let source = try Files.readSource(path)
    let sharing = try ScheduleSolutionFile.sharing(source)
    let alternative = alternatives.firstIndex { $0.sharing == sharing } ?? 0
    let problem = alternatives[alternative]
    let plan = try ScheduleSolutionFile.read(source, for: problem)
    do throws(ScheduleValidator.Violation) {
      try ScheduleValidator.validate(plan, for: problem)
    } catch {
      throw Diagnostic("schedule.known", "the plan '\(path)' is not valid: \(error)")
    }
    if plan.scope != scope {
      throw Diagnostic(
        "schedule.known", "the plan '\(path)' schedules other tensors: \(plan.scope.rawValue), not \(scope.rawValue)")
    }
    let runs = plan.recomputation
    if runs.limit > recompute || (runs.limit > 0 && runs.cyclePrice != cyclePrice ?? 0) {
      throw Diagnostic(
        "schedule.known",
        "the plan '\(path)' was made with --recompute \(runs.limit) --cycle-price \(runs.cyclePrice)",
        help: "give the same options, or leave the plan out")
    }
    return KnownPlan(path: path, choice: Scheduler.Choice(plan: plan, alternative: alternative))
  }

  private static func check(_ path: String, _ problem: ScheduleProblem) throws {
    let source = try Files.readSource(path)
    let problem = problem.sharing(try ScheduleSolutionFile.sharing(source))
    let plan = try ScheduleSolutionFile.read(source, for: problem)
    do throws(ScheduleValidator.Violation) {
      try ScheduleValidator.validate(plan, for: problem)
    } catch {
      try StandardOutput.write("invalid: \(error)\n")
      throw ExitStatus.mismatch
    }
    try StandardOutput.write("valid: \(plan.traffic.total) bytes beyond the compulsory, bound \(plan.bound)\n")
  }

  private func runSweep(
    _ text: String, _ alternatives: [ScheduleProblem], _ known: [KnownPlan], _ cancellation: Cancellation
  ) throws {
    let name = alternatives[0].name
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let count = Int(parts[2]), (1...1000).contains(count) else {
      throw ValidationError("--sweep is FROM:TO:COUNT with a count of 1 to 1000")
    }
    var reader = ScheduleBudgetReader(alternatives: alternatives, scope: scope, cancellation: cancellation)
    let from = try reader.read(parts[0])
    let to = try reader.read(parts[1])
    if to < from { throw Diagnostic("schedule.sweep", "the sweep goes from \(from) down to \(to)") }
    var points: [ScheduleSolution] = []
    var choices = known.map(\.choice)
    for number in 0..<count {
      let budget =
        count == 1 ? from : from + (to - from) / (count - 1) * number + (to - from) % (count - 1) * number / (count - 1)
      let point = try scheduler(cancellation, "budget \(number + 1) of \(count): ").solve(
        anyOf: alternatives, scope: scope, budget: budget, orders: reader.orders, known: choices)
      // What an interruption cut short is not what the budget allows.
      if cancellation.isCancelled, !point.plan.isProven { break }
      points.append(point.plan)
      choices.append(point)
    }
    if let csv { try Files.write(ScheduleSweep.csv(points), to: csv) }
    if let svg { try Files.write(ScheduleSweep.svg(points, name: name), to: svg) }
    if let output {
      try Files.write(ScheduleSweep.json(points, name: name).text(pretty: true) + "\n", to: output)
    }
    try StandardOutput.write(
      json ? ScheduleSweep.json(points, name: name).text(pretty: true) + "\n" : ScheduleSweep.table(points))
    if points.count < count {
      throw Diagnostic(
        "schedule.interrupted", "interrupted: \(points.count) of \(count) budgets are done",
        notes: [Diagnostic.Note("what is written has the budgets that are done")])
    }
  }
}

extension ScheduleProblem.Scope: ExpressibleByArgument {}
extension ScheduleOptions.Formulation: ExpressibleByArgument {}
extension ScheduleBaseline.Policy: ExpressibleByArgument {}
extension ScheduleBaseline.Placement: ExpressibleByArgument {}
extension ScheduleBaseline.Order: ExpressibleByArgument {}
