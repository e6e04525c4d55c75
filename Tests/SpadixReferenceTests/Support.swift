import SpadixIR
import SpadixReference
import SpadixSupport
import SpadixTensor

/// Runs one operation over %a, %b, ... given as tensors, as its text says; by the integer reference, which hands f32
/// operators to the float one.
func evaluate(_ operation: String, _ operands: [Tensor], result: String, data: String = "", constants: String = "")
  throws -> Tensor
{
  let names = ["a", "b", "c", "d", "e"]
  let inputs = zip(names, operands).map { "%\($0): \($1.type)" }.joined(separator: ", ")
  let text = """
    \(data)
    graph @test(\(inputs)) -> \(result) {
      \(constants)
      %y = \(operation) : \(result)
      return %y
    }
    """
  let graph = try Graph(parsing: SourceText(name: "test.spx", text: text))
  return try IntegerEvaluator(graph: graph, data: DataStore()).run(inputs: operands)[0]
}

func f32(_ shape: [Int], _ values: [Float]) -> Tensor { Tensor(shape: shape, values) }

func q8(_ shape: [Int], scale: Float, zeroPoint: Int32 = 0, _ values: [Int8]) -> Tensor {
  Tensor(.q8(shape, scale: scale, zeroPoint: zeroPoint), .i8(values))
}
