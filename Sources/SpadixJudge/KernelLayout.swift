import SpadixIR
import SpadixISA
import SpadixSupport
import SpadixTensor

/// Where the tensors of a reference graph lie while a kernel for it runs: inputs, then data, then outputs, in the order of
/// the graph's text, row-major and without padding.
public struct KernelLayout: Sendable {
  /// What a kernel may do with a buffer: read inputs and data, write outputs.
  enum Role: String, Sendable {
    case input, data, output
  }

  /// A tensor in DRAM.
  struct Buffer: Sendable {
    /// The graph's, of an input, a data definition or an output.
    var name: String
    /// Never in floating point.
    var type: TensorType
    /// A multiple of 4096; at least a page of nobody's lies behind the buffer.
    var address: UInt64
    /// Also its class of traffic: data counts as weights.
    var role: Role
  }

  /// Where the first buffer starts. A process can map it, so that a kernel's pointers are the accelerator's addresses.
  static let base: UInt64 = 0x10_0000
  /// Every buffer starts at a multiple of it.
  private static let alignment = 4096

  /// Inputs, then data, then outputs.
  let buffers: [Buffer]
  /// From the base to behind the last buffer.
  let byteCount: Int

  /// Throws `judge.float-reference` for a graph with tensors in floating point, `judge.dram` when the target's DRAM is too
  /// small.
  init(_ graph: Graph, on target: Target) throws {
    var buffers: [Buffer] = []
    var offset = 0
    func add(_ name: String, _ type: TensorType, _ role: Role, _ range: SourceRange?) throws {
      guard type.element != .f32 else {
        throw Diagnostic(
          "judge.float-reference", "'\(name)' of the reference is \(type); kernels work on int8 and int32 tensors",
          at: range,
          help: "spadix compile --emit=quantized, or --emit=npu, makes an int8 graph of one in floating point")
      }
      buffers.append(Buffer(name: name, type: type, address: Self.base + UInt64(offset), role: role))
      // Bytes that are nobody's lie between two, for what is written behind the first.
      offset += (type.byteCount / Self.alignment + 2) * Self.alignment
    }
    for port in graph.inputPorts { try add(port.name, port.type, .input, nil) }
    for definition in graph.data { try add(definition.name, definition.type, .data, definition.range) }
    for port in graph.outputPorts { try add(port.name, port.type, .output, nil) }
    guard Int(Self.base) + offset <= target.dramBytes else {
      throw Diagnostic(
        "judge.dram",
        "the reference's tensors end at \(Int(Self.base) + offset); '\(target.name)' has \(target.dramBytes) bytes of DRAM",
        help: "--set dram_bytes=4G")
    }
    self.buffers = buffers
    byteCount = offset
  }

  /// A program without commands that has the buffers: bindings, symbols, and the bytes of the data.
  func program(_ graph: Graph, _ data: DataStore, on target: Target) throws -> Program {
    var program = Program(target: target)
    for buffer in buffers {
      let binding = Program.Binding(name: buffer.name, address: buffer.address, type: buffer.type)
      let kind: Program.Symbol.Kind
      switch buffer.role {
      case .input:
        program.inputs.append(binding)
        kind = .input
      case .data:
        kind = .weights
        if let definition = graph.data.first(where: { $0.name == buffer.name }) {
          let bytes = try data.tensor(definition).storage.bytes
          program.segments.append(Program.Segment(name: buffer.name, address: buffer.address, bytes: bytes))
        }
      case .output:
        program.outputs.append(binding)
        kind = .output
      }
      program.symbols.append(
        Program.Symbol(name: buffer.name, address: buffer.address, length: buffer.type.byteCount, kind: kind))
    }
    return program
  }

  /// A line for each buffer, for those who write addresses by hand.
  public var text: String {
    buffers.map { "\($0.role.rawValue)  0x\(String($0.address, radix: 16))  \($0.name)  \($0.type)\n" }.joined()
  }
}
