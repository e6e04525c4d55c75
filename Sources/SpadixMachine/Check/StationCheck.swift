import SpadixISA
import SpadixSupport

/// Finds rows of local memory that two commands use and that Gemmini's reservation station does not order.
///
/// The station compares ranges of addresses, and for nearly every command its range holds all rows that the command
/// uses: then what shares rows is in order. Only for the few others (`StationRanges.areComplete`), and for loads that add
/// to what a load may have brought, an order is looked for, by going through the commands between two fences again.
struct StationCheck {
  var findings = FindingLog()
  private let program: Program
  /// State of the decoder behind the last fence.
  private var origin: Decoder
  private var originCommand = 0
  private var isSuspicious = false
  /// The path of the last load of each accumulator row since the last fence, and how many rows of DRAM loads had asked
  /// for before it.
  private var loadPaths: [StationOrder.LoadPath?]
  private var loadStarts: [Int]
  private var requests = 0

  init(_ program: Program) {
    self.program = program
    origin = Decoder(target: program.target, checks: [])
    loadPaths = Array(repeating: nil, count: program.target.accumulatorRows)
    loadStarts = Array(repeating: 0, count: program.target.accumulatorRows)
  }

  /// `decoder` is the state behind the chunk; a chunk with a fence has one, and ends with it.
  @inline(__always)
  mutating func step(_ it: DecodedCommand, _ chunk: borrowing DecodedChunk, _ decoder: Decoder?) {
    switch it.kind {
    case .compute:
      if _slowPath(it.flags.contains(.transposeB)) { look(it, StoreConfiguration()) }
    case .load:
      if _slowPath(it.small > 1) { look(it, StoreConfiguration()) }
      if it.flags.contains(.accumulator) { lookAtSums(it) }
      requests += StationOrder.requests(it)
    case .store:
      if _slowPath(it.flags.contains(.pooled)) { look(it, chunk.stores[Int(it.configuration)]) }
    case .storeScratchpad: look(it, StoreConfiguration())
    case .loadScales, .loadTable: break
    case .fence:
      finish()
      guard let decoder else { return }
      origin = decoder
      origin.findings = FindingLog()
      originCommand = Int(it.command) + 1
    }
  }

  private mutating func lookAtSums(_ it: DecodedCommand) {
    let path = StationOrder.LoadPath(it)
    let adds = it.flags.contains(.accumulate) && path != .zeros
    for access in it.writes(dim: program.target.dim) {
      for row in access.each where row < loadPaths.count {
        if adds, let earlier = loadPaths[row],
          requests - loadStarts[row] < StationOrder.overtakingRows || !earlier.staysBefore(path)
        {
          isSuspicious = true
        }
        loadPaths[row] = path
        loadStarts[row] = requests
      }
    }
  }

  private mutating func look(_ it: DecodedCommand, _ configuration: StoreConfiguration) {
    if !isSuspicious { isSuspicious = !StationRanges(it, configuration, program.target).areComplete }
  }

  /// Decides about the commands since the last fence.
  mutating func finish() {
    for row in loadPaths.indices { loadPaths[row] = nil }
    if !isSuspicious { return }
    isSuspicious = false
    let walk = StationWalk(program)
    for conflict in walk.conflicts(origin, from: originCommand) { report(conflict) }
  }

  private mutating func report(_ it: StationOrder.Conflict) {
    let memory = it.isAccumulator ? "accumulator" : "scratchpad"
    guard let culprit = it.culprit else {
      findings.add(
        Finding(
          "machine.load-order", it.command,
          "\(it.verb) row \(it.row) of the \(memory), which an earlier command may still \(it.earlierVerb): rows overtake "
            + "one another on hardware; expected a fence between them, or \(StationOrder.overtakingRows) rows of other "
            + "loads and int8 before 32 bits",
          earlier: it.earlier, severity: program.target.faultSeverity))
      return
    }
    findings.add(
      Finding(
        "machine.station-order", it.command,
        "\(it.verb) row \(it.row) of the \(memory), which an earlier command may still \(it.earlierVerb): "
          + "\(reason(program.commands[culprit].funct)); expected a fence between them",
        earlier: it.earlier, severity: program.target.faultSeverity))
  }

  /// Why hardware does not know that a command uses a row.
  private func reason(_ funct: UInt8) -> String {
    switch funct {
    case Funct.moveOut: "hardware takes a pooled store to end with the accumulator bank in which it begins"
    case Funct.moveOutScratchpad: "hardware does not remember what mvout_spad reads, nor its stride"
    case Funct.moveIn, Funct.moveIn2, Funct.moveIn3: "hardware takes a load of repeated pixels to end earlier"
    default: "hardware takes a transposed operand to have its logical rows"
    }
  }
}

/// Goes through commands up to the next fence.
private final class StationWalk {
  private let program: Program
  private var order: StationOrder
  private var found: [StationOrder.Conflict] = []
  /// The steps of a hardware loop are ordered by the loop.
  private var isLoop = false

  init(_ program: Program) {
    self.program = program
    order = StationOrder(program.target)
  }

  func conflicts(_ origin: Decoder, from first: Int) -> [StationOrder.Conflict] {
    var decoder = origin
    var chunk = DecodedChunk { [unowned self] (chunk) throws(Finding) in follow(chunk) }
    for index in first..<max(first, program.commands.count) {
      let funct = program.commands[index].funct
      if funct == Funct.fence { break }
      isLoop = funct == Funct.loopMatmulRun || funct == Funct.loopConvRun
      chunk.reset(decoder.store)
      do { try decoder.decode(program.commands[index], index: index, into: &chunk) } catch { return found }
      follow(chunk)
    }
    return found
  }

  private func follow(_ chunk: borrowing DecodedChunk) {
    for it in chunk.commands {
      if let conflict = order.step(it, chunk.stores[Int(it.configuration)], isLoop: isLoop) { found.append(conflict) }
    }
  }
}

extension Target {
  /// Programs recorded from the functional model are right there, whatever hardware does with them.
  var faultSeverity: Diagnostic.Severity { roundsLikeFunctionalModel ? .warning : .error }
}
