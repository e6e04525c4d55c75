/// How long the array is busy with a compute: the one definition that the compiler's reports and the machine's counters
/// add up.
///
/// A compute takes a cycle for each of its rows, at least `minimumComputeRows` and never more than `dim`; a transposing
/// one takes `dim`. New weights shift in behind the compute before and take at least `dim` cycles; transposing them on
/// the way in takes two passes.
public struct ArrayOccupancy: Sendable {
  private let dim: Int
  private let minimumRows: Int
  /// Cycles of the compute before, without what new weights add.
  private var previous = 0

  /// At rest: no compute stands before the first one, so that its weights hide behind nothing.
  public init(_ target: Target) {
    dim = target.dim
    minimumRows = target.timing.minimumComputeRows
  }

  /// Cycles by which a compute lengthens the array's work.
  ///
  /// - Parameters:
  ///   - loadsWeights: whether it brings new weights that are not garbage.
  ///   - transposesWeights: whether they are transposed on their way in.
  ///   - transposes: whether either operand is transposed.
  @inline(__always)
  public mutating func cycles(rows: Int, loadsWeights: Bool, transposesWeights: Bool, transposes: Bool) -> Int {
    let own = transposes ? dim : min(max(rows, minimumRows), dim)
    var added = own
    if loadsWeights { added += max(0, dim - previous) }
    if transposesWeights { added += dim }
    previous = own
    return added
  }
}

extension Target {
  /// Rows that a compute of fewer takes the cycles of.
  public var leastComputeRows: Int { min(timing.minimumComputeRows, dim) }
}
