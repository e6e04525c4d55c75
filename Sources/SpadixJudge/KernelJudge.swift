import Spadix
import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixReference
import SpadixSupport
import SpadixTensor

/// Runs a kernel on the machine and holds every element against the integer reference of a graph.
public struct KernelJudge {
  /// The reference, without floating point.
  let graph: Graph
  /// What the kernel is for.
  let target: Target
  /// Where the kernel finds its tensors.
  public let layout: KernelLayout
  private let data = DataStore()
  /// Samples of random integers over the whole range of each input; the first holds the ends of the range alone.
  public var samples = 3
  /// Of the samples; the same seed gives the same ones.
  public var seed: UInt64 = 1

  /// Throws what `KernelLayout` throws.
  public init(reference graph: Graph, on target: Target) throws {
    self.graph = graph
    self.target = target
    layout = try KernelLayout(graph, on: target)
  }

  /// The kernel of a file as a program: C is recorded, assembly gets the layout's buffers, a program has its own.
  ///
  /// Throws what recording and reading throw, `judge.target` for a program for another target, and `judge.tensors` for one
  /// whose inputs or outputs are not the reference's.
  public func program(reading path: String) throws -> Program {
    if path.hasSuffix(".c") {
      var program = try layout.program(graph, data, on: target)
      program.commands = try KernelRecorder(layout, on: target).commands(ofSource: path)
      return program
    }
    let read = try Program(reading: path)
    guard read.target.fingerprint == target.fingerprint else {
      throw Diagnostic(
        "judge.target",
        "'\(path)' is for target '\(read.target.name)' (\(read.target.fingerprint)); judged on '\(target.name)' "
          + "(\(target.fingerprint))", help: "--target names the target that it is for")
    }
    if read.inputs.isEmpty && read.outputs.isEmpty {
      var program = try layout.program(graph, data, on: target)
      program.commands = read.commands
      program.operations = read.operations
      program.debug = read.debug
      program.segments += read.segments
      return program
    }
    for (kind, expected, found) in [
      ("input", graph.inputPorts, read.inputs), ("output", graph.outputPorts, read.outputs),
    ] {
      guard expected.map(\.name) == found.map(\.name), expected.map(\.type) == found.map(\.type) else {
        let list = { (ports: [(String, TensorType)]) in ports.map { "\($0.0): \($0.1)" }.joined(separator: ", ") }
        throw Diagnostic(
          "judge.tensors",
          "the \(kind)s of '\(path)' are (\(list(found.map { ($0.name, $0.type) }))); the reference has "
            + "(\(list(expected.map { ($0.name, $0.type) })))")
      }
    }
    return read
  }

  /// - Parameter name: what the kernel is called.
  public func judge(_ program: Program, named name: String) throws -> KernelVerdict {
    let evaluator = IntegerEvaluator(graph: graph, data: data)
    var verdict: KernelVerdict?
    for sample in 0..<samples {
      let inputs = inputs(sample)
      // One run says what it costs and does; the others only what it computes.
      let options = verdict == nil ? Machine.Options(time: true, symbols: true) : Machine.Options(checks: [])
      let runner = try ProgramRunner(program, options: options)
      var outputs: [Tensor]?
      do {
        outputs = try runner.run(inputs)
      } catch is Diagnostics {
        // The findings say why.
      }
      if verdict == nil {
        let counters = runner.machine?.counters ?? Counters()
        verdict = KernelVerdict(
          kernel: name, reference: graph.name, target: target.name, samples: samples, findings: [],
          commands: program.commands.count, counters: counters, dim: target.dim)
        verdict?.findings = runner.findings.all + Self.strays(counters)
        if let machine = runner.machine, verdict?.isRight == true {
          verdict?.findings += try Self.changes(in: machine, program, inputs)
        }
      }
      guard let outputs else { return verdict! }
      let expected = try evaluator.run(inputs: inputs)
      if let wrong = firstWrong(sample, outputs, expected) {
        verdict?.firstWrong = wrong
        return verdict!
      }
    }
    return verdict!
  }

  /// Bytes that a kernel may not write: those of its inputs and data, and what lies outside all tensors.
  private static func strays(_ counters: Counters) -> [Diagnostic] {
    zip(Counters.classes, counters.total.dramWritten).compactMap { kind, bytes in
      guard bytes > 0, ["input", "weights", "other"].contains(kind) else { return nil }
      let place = kind == "other" ? "outside all tensors" : kind == "input" ? "over its inputs" : "over its data"
      return Diagnostic(
        "judge.stray-write", "the kernel writes \(bytes) bytes \(place)",
        help: "spadix judge --layout lists the tensors and their addresses")
    }
  }

  /// Stores are counted where they begin; what they change behind their tensor is seen in memory.
  private static func changes(in machine: Machine, _ program: Program, _ inputs: [Tensor]) throws -> [Diagnostic] {
    func finding(_ bytes: Int, _ place: String) -> Diagnostic? {
      if bytes == 0 { return nil }
      return Diagnostic(
        "judge.stray-write", "the kernel changes \(bytes) bytes \(place)",
        help: "spadix judge --layout lists the tensors and their addresses")
    }
    func differences(_ left: [UInt8], _ right: [UInt8]) -> Int {
      left == right ? 0 : zip(left, right).count { $0 != $1 }
    }
    var findings: [Diagnostic] = []
    for (binding, tensor) in zip(program.inputs, inputs) {
      let changed = differences(try machine.read(binding), tensor.storage.bytes)
      if let it = finding(changed, "of its input '\(binding.name)'") { findings.append(it) }
    }
    let symbols = program.symbols.sorted { $0.address < $1.address }
    for segment in program.segments {
      guard symbols.contains(where: { $0.address == segment.address && $0.kind == .weights }) else { continue }
      let changed = differences(try machine.readDram(segment.address, count: segment.bytes.count), segment.bytes)
      if let it = finding(changed, "of its data '\(segment.name)'") { findings.append(it) }
    }
    for (index, symbol) in symbols.enumerated() where symbol.kind == .output {
      let end = symbol.address + UInt64(symbol.length)
      let next = index + 1 < symbols.count ? symbols[index + 1].address : UInt64(program.target.dramBytes)
      guard next > end else { continue }
      // Nothing is there at the start.
      let gap = try machine.readDram(end, count: Int(min(next - end, 1 << 16)))
      if let it = finding(gap.count { $0 != 0 }, "behind its output '\(symbol.name)'") { findings.append(it) }
    }
    return findings
  }

  private func inputs(_ sample: Int) -> [Tensor] {
    graph.inputPorts.enumerated().map { index, port in
      let count = port.type.elementCount
      let seed = self.seed &+ UInt64(sample) &* 0x1_0001 &+ UInt64(index) &* 0x101
      if port.type.element == .i32 {
        return Tensor(port.type, .i32(RandomTensor.integers(count: count, seed: seed, low: -10_000, high: 10_000)))
      }
      let values = RandomTensor.integers(count: count, seed: seed, low: -128, high: 127)
      return Tensor(port.type, .i8(values.map { sample == 0 ? ($0 < 0 ? -128 : 127) : Int8($0) }))
    }
  }

  private func firstWrong(_ sample: Int, _ found: [Tensor], _ expected: [Tensor]) -> KernelVerdict.WrongElement? {
    for (index, port) in graph.outputPorts.enumerated() where found[index].storage != expected[index].storage {
      let (left, right) = (found[index].integers, expected[index].integers)
      guard let first = left.indices.first(where: { left[$0] != right[$0] }) else { continue }
      return KernelVerdict.WrongElement(
        sample: sample, output: port.name, index: Self.coordinates(first, port.type.shape), expected: right[first],
        found: left[first], count: zip(left, right).count { $0 != $1 }, elementCount: left.count)
    }
    return nil
  }

  private static func coordinates(_ element: Int, _ shape: [Int]) -> [Int] {
    var rest = element
    var result: [Int] = []
    for size in shape.reversed() {
      result.append(rest % max(1, size))
      rest /= max(1, size)
    }
    return result.reversed()
  }
}

extension Tensor {
  fileprivate var integers: [Int] {
    switch storage {
    case .f32(let values): values.map { Int($0) }
    case .i8(let values): values.map { Int($0) }
    case .i32(let values): values.map { Int($0) }
    }
  }
}
