import SpadixIR
import SpadixTensor

/// Sums of products by the letters of their axes, as products of matrices: letters of both operands and of the result
/// are the batch, those of both operands alone the depth.
enum EinsumConverter {
  static let table: [String: Converter] = ["Einsum": einsum]

  /// A tensor and the letter of each of its axes.
  private struct Term {
    var value: ImportedValue
    var letters: [Character]
  }

  private static let einsum: Converter = { importer, node in
    guard let equation = try node.text("equation") else { throw Refusal("onnx.attribute", "'equation' is missing") }
    let (inputs, output) = try parse(equation, ranks: node.inputs.indices.map { try node.shape($0).count })
    var terms = try zip(inputs, node.inputs.indices).map { letters, index in
      let shape = try node.shape(index)
      guard shape.count == letters.count, Set(letters).count == letters.count else {
        throw Refusal.form(
          "equation = \(equation): the operand \(index) of shape \(shape) repeats an axis, or has others")
      }
      return Term(value: try node.input(index), letters: letters)
    }
    let name = importer.emitter.name
    while terms.count > 1 {
      let (left, right) = (terms.removeFirst(), terms.removeFirst())
      let later = Set(output).union(terms.flatMap(\.letters))
      importer.emitter.name = terms.isEmpty ? name : "\(name).product\(terms.count)"
      terms.insert(try product(&importer, left, right, kept: later), at: 0)
    }
    importer.emitter.name = name
    guard case .computed(let x) = try importer.computed(terms[0].value) else { return [.refused] }
    return [.computed(try arranged(&importer, x, terms[0].letters, output))]
  }

  /// The letters of each operand and of the result; an ellipsis becomes capital Greek letters, one an axis.
  private static func parse(_ equation: String, ranks: [Int]) throws -> ([[Character]], [Character]) {
    let text = equation.filter { $0 != " " }
    let sides = text.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
    let left = sides[0].hasSuffix("-") ? String(sides[0].dropLast()) : sides[0]
    let operands = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2, operands.count == ranks.count else {
      throw Refusal("onnx.attribute", "equation = \(equation): expected \(ranks.count) operands")
    }
    func letters(_ term: String, hidden: Int) throws -> [Character] {
      let parts = term.split(separator: "...", omittingEmptySubsequences: false)
      guard parts.count <= 2, term.replacing("...", with: "").allSatisfy({ $0.isASCII && $0.isLetter }) else {
        throw Refusal("onnx.attribute", "equation = \(equation): expected letters, commas, one -> and at most one ...")
      }
      let ellipsis = (0..<max(0, hidden)).compactMap { Unicode.Scalar(0x391 + UInt32($0)).map(Character.init) }
      return parts.count == 1 ? Array(term) : Array(parts[0]) + ellipsis + Array(parts[1])
    }
    let hidden = zip(operands, ranks).map { term, rank in
      term.contains("...") ? rank - term.replacing("...", with: "").count : 0
    }
    let widest = hidden.max() ?? 0
    guard zip(operands, hidden).allSatisfy({ !$0.contains("...") || $1 == widest }), widest <= 8 else {
      throw Refusal.form("equation = \(equation): the operands' ellipses stand for different numbers of axes")
    }
    let inputs = try operands.map { try letters($0, hidden: widest) }
    if sides.count == 2 { return (inputs, try letters(sides[1], hidden: widest)) }
    // Without a right side: letters that occur once, in alphabetical order, after an ellipsis.
    let all = inputs.flatMap { $0 }
    let single = Set(all).filter { letter in all.filter { $0 == letter }.count == 1 && letter.isASCII }
    return (inputs, try letters(widest > 0 ? "..." : "", hidden: widest) + single.sorted())
  }

  /// The axes of a tensor in the order of these letters; others are summed.
  private static func arranged(
    _ importer: inout ModelImporter, _ x: PlacedValue, _ letters: [Character], _ wanted: [Character]
  ) throws -> PlacedValue {
    let summed = letters.indices.filter { !wanted.contains(letters[$0]) }
    var result = summed.isEmpty ? x : try importer.reduced(x, summed, .sum)
    let rest = letters.indices.filter { !summed.contains($0) }
    result = try importer.reshaped(result, rest.map { result.shape[$0] })
    let order = try wanted.map { letter in
      guard let place = rest.firstIndex(where: { letters[$0] == letter }) else {
        throw Refusal("onnx.attribute", "the result has an axis '\(letter)' that no operand has")
      }
      return place
    }
    guard Set(order).count == order.count else { throw Refusal.form("the result repeats an axis") }
    result.placement = result.placement.transposed(order)
    return result
  }

  private static func product(
    _ importer: inout ModelImporter, _ left: Term, _ right: Term, kept: Set<Character>
  ) throws -> Term {
    guard let a = left.value.shape, let b = right.value.shape else {
      throw Refusal("onnx.inputs", "an operand was refused")
    }
    var sizes: [Character: Int] = [:]
    for (letter, size) in zip(left.letters, a) { sizes[letter] = size }
    for (letter, size) in zip(right.letters, b) {
      let known = sizes[letter] ?? size
      guard known == size || known == 1 || size == 1 else {
        throw Refusal("onnx.shape", "the axis '\(letter)' has sizes \(known) and \(size)")
      }
      sizes[letter] = max(known, size)
    }
    let shared = left.letters.filter(right.letters.contains)
    let batch = shared.filter(kept.contains)
    let depth = shared.filter { !kept.contains($0) }
    let rows = left.letters.filter { !shared.contains($0) && kept.contains($0) }
    let columns = right.letters.filter { !shared.contains($0) && kept.contains($0) }
    func count(_ letters: [Character]) -> Int { letters.reduce(1) { $0 * (sizes[$1] ?? 1) } }

    /// An operand as matrices; axes of size 1 that the other has more of are copied.
    func matrices(_ term: Term, _ order: [Character], _ last: [Int]) throws -> ImportedValue {
      let full = order.map { sizes[$0] ?? 1 }
      if case .constant(let constant) = term.value, term.letters.allSatisfy(order.contains) {
        var budget = FoldingBudget([constant])
        let moved = Folding.transpose(constant, order.map { term.letters.firstIndex(of: $0) ?? 0 })
        var matrix = try Folding.expand(&budget, moved, full)
        matrix.shape = batch.map { sizes[$0] ?? 1 } + last
        matrix.name = constant.name
        return .constant(importer.identified(matrix))
      }
      guard case .computed(let x) = try importer.computed(term.value) else {
        throw Refusal("onnx.inputs", "an operand was refused")
      }
      let moved = try importer.broadcast(arranged(&importer, x, term.letters, order), to: full)
      return .computed(try importer.reshaped(moved, batch.map { sizes[$0] ?? 1 } + last))
    }
    let first = try matrices(left, batch + rows + depth, [count(rows), count(depth)])
    let second = try matrices(right, batch + depth + columns, [count(depth), count(columns)])
    let result = try importer.product(first, second)
    let letters = batch + rows + columns
    return Term(value: .computed(try importer.reshaped(result, letters.map { sizes[$0] ?? 1 })), letters: letters)
  }
}
