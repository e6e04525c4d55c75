import Testing

@testable import SpadixImport

/// What a placement says about elements, against moving them.
@Suite struct PlacementTests {
  /// A tensor of the model, as its elements in the model's order, and how the value holds them.
  private struct Pair {
    var elements: [Int]
    var placement: Placement

    /// The elements as the value holds them.
    var stored: [Int] {
      let factors = placement.factors
      return Permutation.permute(
        elements, shape: factors.map { placement.sizes[$0] },
        order: placement.order.map { factor in factors.firstIndex(of: factor) ?? 0 })
    }
  }

  @Test func transposesAndReshapesMoveNothing() throws {
    for shape in [[2, 3, 4, 5], [4, 4, 4, 4], [1, 6, 1, 8], [6, 4]] {
      let count = shape.reduce(1, *)
      let rank = shape.count
      let order = rank == 4 ? [0, 2, 3, 1] : [1, 0]
      var pair = Pair(elements: Array(0..<count), placement: Placement(shape, order: order))
      let stored = pair.stored
      let permutation = Array((0..<rank).reversed())
      pair.elements = Permutation.permute(pair.elements, shape: shape, order: permutation)
      pair.placement = pair.placement.transposed(permutation)
      #expect(pair.stored == stored)
      #expect(pair.placement.shape == permutation.map { shape[$0] })
      pair.placement = try #require(pair.placement.reshaped([count]))
      #expect(pair.stored == stored)
      for split in [[2, count / 2], [count / 2, 2], [2, 1, count / 4, 2]] {
        // Splits that would cut a factor are for the elements to be moved.
        guard let placement = pair.placement.reshaped(split) else { continue }
        #expect(placement.shape == split)
        #expect(Pair(elements: pair.elements, placement: placement).stored == stored)
      }
    }
  }

  @Test func partsOfFactorsAreNoReshape() {
    #expect(Placement([4, 6]).reshaped([6, 4]) == nil)
    #expect(Placement([4, 6]).reshaped([8, 3])?.shape == [8, 3])
    #expect(Placement([2, 6, 4], order: [0, 2, 1]).reshaped([2, 2, 3, 4])?.order.count == 4)
  }

  @Test func axesInOrder() {
    #expect(Placement([2, 3, 4, 5], order: [0, 2, 3, 1]).axisOrder == [0, 2, 3, 1])
    #expect(Placement([1, 3, 1, 5], order: [0, 2, 3, 1]).axisOrder == [0, 2, 3, 1])
    // A flattened image is one axis, and its parts lie in another order.
    #expect(Placement([1, 3, 2, 5], order: [0, 2, 3, 1]).reshaped([1, 30])?.axisOrder == nil)
  }
}
