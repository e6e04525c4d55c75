import SpadixISA
import SpadixSupport

@testable import Spadix

/// A convolution, a residual block, a pool and a dense layer, with ranges, so that nothing has to be calibrated.
let residualText = """
  data @w1 : f32[3, 3, 2, 8] = random(seed = 1, low = -0.5, high = 0.5)
  data @w2 : f32[3, 3, 8, 8] = random(seed = 2, low = -0.3, high = 0.3)
  data @w3 : f32[32, 5] = random(seed = 3, low = -0.4, high = 0.4)

  graph @residual(%x: f32[1, 4, 4, 2] {range = [-1.0, 1.0]}) -> f32[1, 5] {
    %w1 = constant @w1 : f32[3, 3, 2, 8]
    %a = nn.conv2d %x, %w1 {padding = [1, 1, 1, 1], range = [-3.0, 3.0]} : f32[1, 4, 4, 8]
    %r = nn.relu %a {range = [0.0, 3.0]} : f32[1, 4, 4, 8]
    %w2 = constant @w2 : f32[3, 3, 8, 8]
    %b = nn.conv2d %r, %w2 {padding = [1, 1, 1, 1], range = [-5.0, 5.0]} : f32[1, 4, 4, 8]
    %s = nn.add %b, %r {range = [-5.0, 8.0]} : f32[1, 4, 4, 8]
    %q = nn.relu %s {range = [0.0, 8.0]} : f32[1, 4, 4, 8]
    %p = nn.max_pool2d %q {window = [2, 2], strides = [2, 2], range = [0.0, 8.0]} : f32[1, 2, 2, 8]
    %f = nn.reshape %p {range = [0.0, 8.0]} : f32[1, 32]
    %w3 = constant @w3 : f32[32, 5]
    %y = nn.matmul %f, %w3 {range = [-12.0, 12.0]} : f32[1, 5]
    return %y
  }
  """

func residualInput() throws -> CompilerInput {
  try CompilerInput(parsing: SourceText(name: "residual.spx", text: residualText))
}

/// The id of the first diagnostic that the body throws; nil when it throws nothing.
func diagnosticID(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let diagnostic as Diagnostic {
    return diagnostic.id
  } catch let diagnostics as Diagnostics {
    return diagnostics.all.first?.id
  } catch {
    return String(describing: error)
  }
}
