/// The constants that a nest needs beside those of its kernel.
public struct NestConstants: Sendable {
  /// A matrix with ones on the diagonal.
  public var identity: ConstantID
  /// Per identity term, the diagonal matrices that multiply its addend.
  public var diagonals: [ConstantID]

  public init(identity: ConstantID, diagonals: [ConstantID]) {
    self.identity = identity
    self.diagonals = diagonals
  }

  /// For costs, which do not depend on which constants they are.
  init(for kernel: TileKernel) {
    self.init(identity: ConstantID(0), diagonals: kernel.identities.map { _ in ConstantID(0) })
  }
}
