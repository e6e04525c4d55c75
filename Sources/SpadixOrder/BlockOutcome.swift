extension BlockScheduler {
  /// What a bound that was reached comes from.
  enum Component: String, CaseIterable {
    case defaultOrder = "fits in the default order"
    case noTraffic = "an order without traffic"
    case cutTree = "cuts of a tree"
    case residency = "residency in every order"
    case order = "residency and order"
    case cuts = "least cuts"
    case pivots = "order around pivots"
    case windows = "windows of an order"
    case ideals = "bytes over ideals"
    case prices = "prices over ideals"
    case suffixes = "suffix bounds"
    case orderSearch = "order search"
    case open = "open"
  }

  struct Outcome {
    var order: [Int]
    /// The gaps that the order drops, with its steps.
    var drops: [ResidencyModel.Gap]
    /// What these cost.
    var cost: Int
    private(set) var bound = 0
    private var source = Component.noTraffic
    private(set) var closedBy = Component.open
    /// What was the best before, the last first: one of these may pack where the best one does not.
    var earlier: [Residency] = []

    init(order: [Int], drops: [ResidencyModel.Gap], cost: Int) {
      self.order = order
      self.drops = drops
      self.cost = cost
    }

    /// Takes a bound where it is higher.
    mutating func raise(to bound: Int, by component: Component) {
      if bound > self.bound { (self.bound, source) = (bound, component) }
    }

    /// Whether the bound is reached.
    mutating func close() -> Bool {
      guard bound >= cost else { return false }
      bound = cost
      closedBy = cost == 0 ? .noTraffic : source
      return true
    }

    var residency: Residency { Residency(order: order, drops: drops, cost: cost) }

    /// The default order needs no traffic.
    mutating func closeAtStart() { closedBy = .defaultOrder }

    mutating func take(_ order: [Int], _ drops: [ResidencyModel.Gap], _ cost: Int) {
      if self.cost < Int.max { earlier.insert(Residency(order: self.order, drops: self.drops, cost: self.cost), at: 0) }
      if earlier.count > BlockLimits.mostEarlier { earlier.removeLast() }
      (self.order, self.drops, self.cost) = (order, drops, cost)
    }
  }

  /// An order, the gaps that it drops, with its steps, and what these cost.
  struct Residency {
    var order: [Int]
    var drops: [ResidencyModel.Gap]
    var cost: Int
  }
}
