import SpadixISA
import SpadixMachine
import SpadixSupport
import SpadixTensor

/// Runs a program on tensors: fills its inputs, executes commands and host steps in order, reads its outputs.
public final class ProgramRunner {
  /// What is run, as often as wanted.
  public let program: Program
  /// Of the machine, for each run.
  public let options: Machine.Options
  private let hostSteps: [HostEvaluator]
  /// The machine of the last run, for counters, findings and DRAM.
  public private(set) var machine: Machine?

  /// Throws diagnostics for a host step whose graph or bindings are damaged.
  public init(_ program: Program, options: Machine.Options = Machine.Options()) throws {
    self.program = program
    self.options = options
    self.hostSteps = try program.hostSteps.enumerated().map { try HostEvaluator($1, index: $0, of: program) }
  }

  /// The program's inputs, in order.
  public var inputs: [Port] { program.inputs.map { Port(name: $0.name, type: $0.type) } }
  /// The program's outputs, in order.
  public var outputs: [Port] { program.outputs.map { Port(name: $0.name, type: $0.type) } }

  /// Runs the program once and returns its outputs, in order.
  ///
  /// - Parameter inputs: in the program's order, of its types.
  /// - Parameter prepare: what else to do with the machine before it starts.
  /// Throws the findings of the machine when one of them is an error, and what host steps throw.
  public func run(_ inputs: [Tensor], prepare: (Machine) -> Void = { _ in }) throws -> [Tensor] {
    guard inputs.count == program.inputs.count else {
      throw Diagnostic("input.count", "the program has \(program.inputs.count) inputs, found \(inputs.count)")
    }
    try requireMemory()
    let machine = try Machine(program, options: options)
    self.machine = machine
    prepare(machine)
    for (binding, tensor) in zip(program.inputs, inputs) { try machine.write(tensor.storage.bytes, to: binding) }
    for step in hostSteps {
      machine.run(to: step.before)
      if machine.fault != nil { break }
      try step.run(on: machine)
    }
    machine.run()
    try findings.throwIfErrors()
    return try program.outputs.map { Tensor($0.type, try machine.storage(of: $0)) }
  }

  /// Address space for DRAM and what the checks know of each byte; inputs and outputs in DRAM and as tensors.
  private func requireMemory() throws {
    let dram = program.target.dramBytes
    let tensors = (program.inputs + program.outputs).reduce(0) { $0 + 3 * $1.type.byteCount }
    let bits = options.checks.isEmpty ? 0 : dram / 2
    try Memory.require(
      tensors, untouched: dram + bits,
      for: "running a program for '\(program.target.name)' with \(Memory.text(dram)) of DRAM (dram_bytes)")
  }

  /// What the checks of the last run found.
  public var findings: Diagnostics { Diagnostics(machine?.log.diagnostics(in: program) ?? []) }

  /// What DRAM holds of a tensor after the last run; nil for one that has no buffer of its own there.
  func tensor(named name: String, type: TensorType) -> Tensor? {
    guard let machine else { return nil }
    // Outputs are called as the user wants, which says nothing about values.
    let bindings = program.hostSteps.flatMap { $0.outputs + $0.inputs } + program.parts
    let binding: Program.Binding
    if let known = bindings.first(where: { $0.name == name }) {
      binding = known
    } else if let symbol = program.symbols.first(where: { $0.name == name && $0.kind != .weights }),
      symbol.length == type.byteCount
    {
      binding = Program.Binding(name: name, address: symbol.address, type: type)
    } else {
      return nil
    }
    guard let storage = try? machine.storage(of: binding), storage.count == type.elementCount,
      storage.matches(type.element)
    else { return nil }
    return Tensor(type, storage)
  }
}

extension Machine {
  /// The elements of a tensor in DRAM.
  func storage(of binding: Program.Binding) throws -> Tensor.Storage {
    let bytes = try read(binding)
    switch binding.type.element {
    case .f32: return .f32(littleEndianValues(bytes))
    case .i32: return .i32(littleEndianValues(bytes))
    case .i8, .q8: return .i8(littleEndianValues(bytes))
    }
  }
}
