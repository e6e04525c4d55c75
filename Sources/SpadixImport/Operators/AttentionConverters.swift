import SpadixIR
import SpadixTensor

/// Attention as ONNX Runtime's optimizer writes it, and what stands before it: embeddings and rotated places.
enum AttentionConverters {
  static let table: [String: Converter] = [
    "Attention": attention, "MultiHeadAttention": multiHead, "EmbedLayerNormalization": embedding,
    "RotaryEmbedding": rotary,
  ]

  /// What attention adds to its scores, and how it scales them.
  private struct Scores {
    var heads: Int
    var scale: Float?
    /// Of what a mask hides.
    var filter: Float
    var hidesLater: Bool
    var mask: ImportedValue?
    var addend: ImportedValue?

    init(_ node: NodeReader, mask: Int, addend: Int) throws {
      guard let heads = try node.integerIfGiven("num_heads"), heads > 0 else {
        throw Refusal("onnx.attribute", "num_heads is missing")
      }
      self.heads = heads
      scale = try node.realIfGiven("scale").flatMap { $0 == 0 ? nil : $0 }
      filter = try node.real("mask_filter_value", default: -10_000)
      hidesLater = try node.flag("unidirectional")
      if node.has(mask) { self.mask = try node.input(mask) }
      if node.has(addend) { self.addend = try node.input(addend) }
    }
  }

  /// Inputs X [B, S, D], weights [D, 3 H], bias [3 H], a mask, keys and values of before, and an addend of the scores.
  private static let attention: Converter = { importer, node in
    let scores = try Scores(node, mask: 3, addend: 5)
    if let sizes = try node.integers("qkv_hidden_sizes"), Set(sizes).count > 1 {
      throw Refusal.form("qkv_hidden_sizes = \(sizes); expected equal ones")
    }
    if try node.flag("do_rotary") { throw Refusal.form("do_rotary = 1: expected RotaryEmbedding as a node of its own") }
    for index in [4, 6] where node.has(index) {
      throw Refusal.form("input \(index), keys and values of before, is given; expected all of them at once")
    }
    guard case .computed(let x) = try importer.computed(node.input(0)), x.shape.count == 3 else { return [.refused] }
    var all = try importer.product(.computed(x), node.input(1))
    if node.has(2) {
      guard let bias = try node.constant(2, "bias") else { return [.refused] }
      all = try importer.add(all, bias)
    }
    let width = all.shape[2] / 3
    guard width * 3 == all.shape[2], width % scores.heads == 0 else {
      throw Refusal(
        "onnx.shape", "the weights have \(all.shape[2]) columns; expected three times a multiple of \(scores.heads)")
    }
    let parts = try (0..<3).map { try importer.selected(all, 2, Array($0 * width..<($0 + 1) * width)) }
    return [.computed(try attended(&importer, parts, scores))]
  }

  /// Inputs query [B, S, D], key [B, T, D], value [B, T, D], bias [3 D], a mask, an addend of the scores.
  private static let multiHead: Converter = { importer, node in
    let scores = try Scores(node, mask: 4, addend: 5)
    for index in 6..<max(6, node.inputs.count) where node.has(index) {
      throw Refusal.form("input \(index), keys and values of before, is given; expected all of them at once")
    }
    guard node.has(1), node.has(2) else { throw Refusal.form("keys and values are packed; expected three inputs") }
    var parts: [PlacedValue] = []
    for index in 0..<3 {
      guard case .computed(let part) = try importer.computed(node.input(index)) else { return [.refused] }
      guard part.shape.count == 3, part.shape[2] % scores.heads == 0 else {
        throw Refusal.form(
          "input \(index) has shape \(part.shape); expected [B, S, D] with D a multiple of \(scores.heads)")
      }
      parts.append(part)
    }
    if node.has(3) {
      guard let bias = try node.constant(3, "bias") else { return [.refused] }
      let reals = bias.asReals
      guard reals.count == parts.reduce(0, { $0 + $1.shape[2] }) else {
        throw Refusal("onnx.shape", "a bias of \(reals.count) elements for parts of \(parts.map { $0.shape[2] })")
      }
      var start = 0
      for (index, part) in parts.enumerated() {
        let slice = Array(reals[start..<start + part.shape[2]])
        start += part.shape[2]
        parts[index] = try importer.add(part, ConstantTensor(.float, shape: [slice.count], .real(slice)))
      }
    }
    return [.computed(try attended(&importer, parts, scores))]
  }

  /// `softmax(q k^T scale + mask) v` for each head, of [B, S, D], [B, T, D] and [B, T, D].
  private static func attended(
    _ importer: inout ModelImporter, _ parts: [PlacedValue], _ given: Scores
  ) throws -> PlacedValue {
    let (batch, length) = (parts[0].shape[0], parts[0].shape[1])
    func heads(_ index: Int, _ order: [Int]) throws -> PlacedValue {
      let shape = parts[index].shape
      var result = try importer.reshaped(parts[index], [shape[0], shape[1], given.heads, shape[2] / given.heads])
      result.placement = result.placement.transposed(order)
      return result
    }
    let name = importer.emitter.name
    importer.emitter.name = name + ".scores"
    let depth = parts[0].shape[2] / given.heads
    let query = try importer.scale(heads(0, [0, 2, 1, 3]), by: given.scale ?? 1 / Float(depth).squareRoot())
    var scores = try importer.product(.computed(query), .computed(heads(1, [0, 2, 3, 1])))
    if let mask = given.mask {
      let hidden = try hidden(&importer, mask, given.filter, batch, length, parts[1].shape[1])
      scores = try importer.binary(.add, scores, hidden)
    }
    if given.hidesLater {
      let total = parts[1].shape[1]
      let elements = (0..<length * total).map { place -> Float in
        place % total > place / total + total - length ? -GraphEmitter.largestMagnitude : 0
      }
      let later = importer.identified(ConstantTensor(.float, shape: [length, total], .real(elements)))
      scores = try importer.binary(.add, .computed(scores), .constant(later))
    }
    if let addend = given.addend { scores = try importer.binary(.add, .computed(scores), addend) }
    let weights = PlacedValue(
      value: try importer.emitter.emit(.softmax(Softmax(axis: -1)), [importer.emitter.arrange(scores)]),
      placement: Placement(scores.shape))
    importer.emitter.name = name
    var result = try importer.product(.computed(weights), .computed(heads(2, [0, 2, 1, 3])))
    result.placement = result.placement.transposed([0, 2, 1, 3])
    return try importer.reshaped(result, [batch, length, parts[2].shape[2]])
  }

  /// What is added to scores [B, H, S, T] for a mask of ones and zeros [B, T] or [B, S, T], or for how many of the keys there
  /// are, [B].
  private static func hidden(
    _ importer: inout ModelImporter, _ given: ImportedValue, _ filter: Float, _ batch: Int, _ length: Int, _ total: Int
  ) throws -> PlacedValue {
    guard case .computed(var mask) = try importer.computed(given) else {
      throw Refusal("onnx.inputs", "the mask was refused")
    }
    switch mask.shape {
    case [batch]:
      let places = ConstantTensor(.float, shape: [total], .real((0..<total).map(Float.init)))
      let column = ImportedValue.computed(try importer.reshaped(mask, [batch, 1]))
      mask = try importer.binary(.less, .constant(importer.identified(places)), column)
      importer.emitter.setKind(.float, of: mask.value)
      mask = try importer.reshaped(mask, [batch, 1, 1, total])
    case [batch, total]: mask = try importer.reshaped(mask, [batch, 1, 1, total])
    case [batch, length, total]: mask = try importer.reshaped(mask, [batch, 1, length, total])
    default:
      throw Refusal.form(
        "the mask has shape \(mask.shape); expected [\(batch)], [\(batch), \(total)] or [\(batch), \(length), \(total)]"
      )
    }
    return try importer.binary(.mul, importer.binary(.sub, mask, 1), -filter)
  }

  // MARK: Before it

  /// Inputs ids [B, S], segments or none, tables of words, places and segments, scale, bias, a mask or none, places or none.
  /// Results: the embedding, how many ones the mask has in each row, and the sum before the normalization.
  private static let embedding: Converter = { importer, node in
    let epsilon = try node.real("epsilon", default: 1e-12)
    _ = try node.integerIfGiven("mask_index_type")
    let shape = try node.shape(0)
    guard shape.count == 2 else { throw Refusal("onnx.shape", "ids have shape \(shape); expected [B, S]") }
    var sum = try importer.gathered(node.input(2), axis: 0, node.input(0))
    let places = ConstantTensor(integers: Array(0..<shape[1]))
    let positions = node.has(8) ? try node.input(8) : .constant(importer.identified(places))
    let table = try importer.gathered(node.input(3), axis: 0, positions)
    sum = try importer.binary(.add, sum, table)
    if node.has(1), node.has(4) {
      sum = try importer.binary(.add, sum, importer.gathered(node.input(4), axis: 0, node.input(1)))
    }
    let result = try importer.layerNorm(sum, [2], epsilon, [node.input(5), node.input(6)])
    var lengths = ImportedValue.refused
    if node.has(7) {
      guard case .computed(let mask) = try importer.computed(node.input(7)) else { return [.refused] }
      lengths = .computed(try importer.reshaped(importer.reduced(mask, [1], .sum), [shape[0]]))
    }
    return [.computed(result), lengths, .computed(sum)]
  }

  /// Inputs x [B, S, D] or [B, H, S, D], places [B, S] or the first one, tables of cosines and of sines.
  private static let rotary: Converter = { importer, node in
    guard case .computed(var x) = try importer.computed(node.input(0)) else { return [.refused] }
    if try node.flag("interleaved") { throw Refusal.form("interleaved = 1: expected halves") }
    if try node.integer("rotary_embedding_dim", default: 0) != 0 {
      throw Refusal.form("a part of each head is rotated")
    }
    if try node.flag("is_packed_batching") { throw Refusal.form("is_packed_batching = 1") }
    _ = try node.realIfGiven("scale")
    let shape = x.shape
    let half = try node.shape(2).last ?? 0
    let heads = try node.integer("num_heads", default: 0)
    let isFlat = shape.count == 3
    guard isFlat || shape.count == 4, half > 0, shape[shape.count - 1] % (2 * half) == 0,
      !isFlat || heads == 0 || shape[2] == heads * 2 * half
    else { throw Refusal("onnx.shape", "an input of shape \(shape) for tables of \(half) columns") }
    if isFlat {
      x = try importer.reshaped(x, [shape[0], shape[1], shape[2] / (2 * half), 2 * half])
      x.placement = x.placement.transposed([0, 2, 1, 3])
    }
    let length = x.shape[2]
    var places = try node.input(1)
    if case .constant(let first) = places, first.count == 1, length > 1 {
      let start = try first.indices()[0]
      places = .constant(importer.identified(ConstantTensor(integers: Array(start..<start + length))))
    }
    func angles(_ table: Int) throws -> PlacedValue {
      let rows = try importer.gathered(node.input(table), axis: 0, places)
      let batch = rows.shape.count == 3 ? rows.shape[0] : 1
      return try importer.reshaped(rows, [batch, 1, length, half])
    }
    let (cosines, sines) = (try angles(2), try angles(3))
    let low = try importer.selected(x, 3, Array(0..<half))
    let high = try importer.selected(x, 3, Array(half..<2 * half))
    let first = try importer.binary(.sub, importer.binary(.mul, low, cosines), importer.binary(.mul, high, sines))
    let second = try importer.binary(.add, importer.binary(.mul, low, sines), importer.binary(.mul, high, cosines))
    var result = try importer.joined([first, second], 3)
    if isFlat {
      result.placement = result.placement.transposed([0, 2, 1, 3])
      result = try importer.reshaped(result, shape)
    }
    return [.computed(result)]
  }
}
