/// What the stages of a block's search may take: labels, nodes of GLPK, and elementary steps of about a nanosecond each.
///
/// Most blocks of networks are closed by what the first stages do in little time; the limits grow from stage to stage.
enum BlockLimits {
  /// Former best residencies that are remembered, since one of them may pack where the best one does not.
  static let mostEarlier = 12

  // Bounds.
  /// Nodes for residency in every order, and for residency of a given order, at first.
  static let firstBoundNodes = 2_000
  static let firstResidencyNodes = 500
  static let orderNodes = 200
  static let pairNodes = 50
  static let pivotNodes = 100
  /// Pairs of operators without an order that GLPK orders too, at first and after local search.
  static let fewPairs = 100
  static let mostPairs = 400
  /// Relaxations, then models, of many pairs, each with rows that the one before violates.
  static let relaxationsOfPairs = 12
  static let modelsOfPairs = 5
  static let cutNodes = 500
  /// Steps for the cuts beside operators.
  static let cutEffort = 2_000_000_000
  /// Moves between ideals whose bytes are bounded, at first and before the wide searches.
  static let firstIdealMoves = 100_000
  static let mostIdealMoves = 3_000_000
  /// The same, where prices of tensors are found over and over, and steps for that.
  static let firstPricedMoves = 10_000
  static let firstPricesEffort = 1_000_000_000
  static let mostPricedMoves = 200_000
  static let pricesEffort = 6_000_000_000

  /// Operators of the largest block whose orders are searched, and of the largest graph that is treated like one.
  static let largestSearched = 2_000

  /// Steps for graphs of more operators than a block that is searched has.
  static let effortOfLargeGraph = 12_000_000_000

  /// The part of what is left of a block's steps that a tree with a tensor of many readers may take.
  static let shareOfTree = 4

  // Windows of a large block.
  /// The part of a window's steps that changes to its order take.
  static let shareOfWindow = 8
  static let windowNodes = 50
  static let windowIdealMoves = 50_000
  static let windowWidths = [64, mostWidth]

  /// Tensors that are smaller than such a part of the capacity are left out of bounds for suffixes, before all are in.
  static let smallestParts = [1_000, 10_000, 100_000]

  /// Steps of searches in which no operator runs again, before those in which some may.
  static let effortBeforeRepeats = 2_000_000_000
  /// Steps of searches in which tensors have fewer places in common, before those in which they have all that they may.
  static let effortOfAlternative = 10_000_000_000

  // Changes to the order.
  static let firstImprovement = 30_000_000
  /// For the order of smallest peak: labels and steps to find it, and steps for changes to it.
  static let peakLabels = 200_000
  static let peakEffort = 400_000_000
  static let peakImprovement = 100_000_000
  /// Between two searches over orders.
  static let mostBetween = 3_000_000_000
  /// The part of these for one run from the best order, and the steps of each of many starts: for each pair of operators,
  /// and at least.
  static let shareOfLongRun = 4
  static let startPerPair = 6_000
  static let leastStart = 30_000_000
  /// After the last one, in all and for each pair of operators.
  static let mostAtTheEnd = 10_000_000_000
  static let atTheEndPerPair = 1_000_000

  // Searches over orders.
  /// Labels of a layer, in the searches that find orders, then in those that prove; these grow by a factor.
  static let narrowWidths = [16, 128, 512]
  static let firstWideWidth = 4_096
  static let widening = 8
  static let mostWidth = 1 << 40
  /// Blocks of more operators are searched in one width only where cost and bound are so many times apart: wider ones would
  /// prove nothing, and changes to the order find more.
  static let largestWidened = 128
  static let hopelessRatio = 4
  /// Of the steps of searches so far, those that changes to the order take between two searches, where the cost is at
  /// least so many times the bound: the farther apart they are, the less wider searches prove.
  static let sharesOfChanges = [(ratio: 2.0, share: 1), (ratio: 1.25, share: 3), (ratio: 0.0, share: 8)]
  /// Of the steps of searches so far, those that may go into a plan with addresses at a checkpoint.
  static let shareOfPlans = 2
}
