import SpadixSupport

extension OrderSearch {
  /// One search: its limits, and what has come of it so far.
  struct Pass {
    let cutoff: Int
    let labelLimit: Int
    let effortLimit: Int
    let isNarrow: Bool
    var outcome: Outcome
    /// Bytes of the layers before the one that is being made.
    var memoryOfEarlier = 0
    private var nextCheck = 0

    init(cutoff: Int, labelLimit: Int, effortLimit: Int, isNarrow: Bool, outcome: Outcome) {
      self.cutoff = cutoff
      self.labelLimit = labelLimit
      self.effortLimit = effortLimit
      self.isNarrow = isNarrow
      self.outcome = outcome
    }

    /// Counts steps, and now and then looks whether it is time to stop.
    @inline(__always)
    mutating func spend<Positions>(
      _ steps: Int, _ next: borrowing OrderLayer<Positions>, _ cancellation: Cancellation?
    ) {
      outcome.effort += steps
      if outcome.effort >= nextCheck { check(next, cancellation) }
    }

    private mutating func check<Positions>(
      _ next: borrowing OrderLayer<Positions>, _ cancellation: Cancellation?
    ) {
      nextCheck = outcome.effort + 100_000
      outcome.isTooLarge = memoryOfEarlier + next.memory > OrderSearch.mostMemory
      let isOver = outcome.effort > effortLimit || outcome.labels > labelLimit || outcome.isTooLarge
      if isOver || cancellation?.isCancelled == true { stop() }
    }

    mutating func stop() {
      outcome.isStopped = true
      outcome.isComplete = false
    }
  }
}
