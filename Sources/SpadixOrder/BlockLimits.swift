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
  static let cutNodes = 500
  /// Steps for the cuts beside operators.
  static let cutEffort = 2_000_000_000
  /// Moves between ideals whose bytes are bounded, at first and before the wide searches.
  static let firstIdealMoves = 100_000
  static let mostIdealMoves = 3_000_000

  // Changes to the order.
  static let firstImprovement = 30_000_000
  /// For the order of smallest peak: labels and steps to find it, and steps for changes to it.
  static let peakLabels = 200_000
  static let peakEffort = 400_000_000
  static let peakImprovement = 100_000_000
  /// Between two searches over orders.
  static let mostBetween = 3_000_000_000
  /// After the last one, in all and for each pair of operators.
  static let mostAtTheEnd = 10_000_000_000
  static let atTheEndPerPair = 1_000_000

  // Searches over orders.
  /// Labels of a layer, in the searches that find orders, then in those that prove; these grow by a factor.
  static let narrowWidths = [16, 128, 512]
  static let firstWideWidth = 4_096
  static let widening = 8
  static let mostWidth = 1 << 40
  /// Blocks of more operators are not searched further where cost and bound are so many times apart: a wide search would
  /// prove nothing, and changes to the order find more.
  static let largestWidened = 128
  static let hopelessRatio = 4
  /// Cost and bound are far apart from so many times on: wider searches prove little then.
  static let farApartRatio = 2
  /// Otherwise changes to the order take so large a part of what searches took.
  static let shareOfChanges = 8
  /// Of the steps of searches so far, those that may go into a plan with addresses at a checkpoint.
  static let shareOfPlans = 2
}
