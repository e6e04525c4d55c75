import SpadixSupport
import SpadixTensor

// type = ( 'f32' | 'i8' | 'i32' | 'q8' '<' quantization '>' ) '[' [ integer { ',' integer } ] ']'
// quantization = scale ',' zero-point | 'axis' '=' integer ',' list [ ',' list ]
extension Parser {
  mutating func type() throws -> TensorType {
    let start = token.start
    let element = try elementType()
    var shape: [Int] = []
    try list("[", "]") { parser in shape.append(try parser.integer("a dimension")) }
    let type = TensorType(shape, element)
    if let problem = TypeRules.problem(type) {
      throw Diagnostic(problem.id, problem.message, at: range(from: start))
    }
    return type
  }

  private mutating func elementType() throws -> ElementType {
    if isWord("f32") {
      advance()
      return .f32
    }
    if isWord("i8") {
      advance()
      return .i8
    }
    if isWord("i32") {
      advance()
      return .i32
    }
    guard isWord("q8") else { throw unexpected("a type (f32, i8, i32 or q8<...>, then a shape)") }
    advance()
    try expect("<", " with scale and zero point after q8")
    let quantization = try quantization()
    try expect(">")
    return .q8(quantization)
  }

  private mutating func quantization() throws -> Quantization {
    guard isWord("axis") else {
      let scale = try finiteReal()
      try expect(",", " and a zero point")
      return Quantization(scale: scale, zeroPoint: try zeroPoint())
    }
    advance()
    try expect("=")
    let axis = try integer()
    try expect(",")
    var scales: [Float] = []
    try list("[", "]") { parser in scales.append(try parser.finiteReal()) }
    guard take(",") else { return Quantization(axis: axis, scales: scales) }
    var zeroPoints: [Int32] = []
    try list("[", "]") { parser in zeroPoints.append(try parser.zeroPoint()) }
    return Quantization(axis: axis, scales: scales, zeroPoints: zeroPoints)
  }

  private mutating func zeroPoint() throws -> Int32 {
    let start = token
    let value = try integer("a zero point")
    guard let zeroPoint = Int32(exactly: value) else {
      throw Diagnostic(
        "ir.type-zero-point", "the zero point is \(value); expected -128...127", at: range(start))
    }
    return zeroPoint
  }
}
