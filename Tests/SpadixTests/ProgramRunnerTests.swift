import SpadixIR
import SpadixISA
import SpadixMachine
import SpadixReference
import SpadixSupport
import SpadixTensor
import Testing

@testable import Spadix

@Suite struct ProgramRunnerTests {
  private func program() throws -> Program {
    try #require(try Compiler(target: .gemmini).compile(try residualInput(), data: DataStore()).generated).program
  }

  private let input = Tensor(shape: [1, 4, 4, 2], (0..<32).map { Float($0) / 16 - 1 })

  @Test func programOutOfAFileGivesTheSameOutputs() throws {
    let program = try program()
    let reread = try Program(file: program.serialized(), name: "test.spxo")
    let outputs = try ProgramRunner(program).run([input])
    #expect(try ProgramRunner(reread).run([input]) == outputs)
    #expect(outputs.map(\.type) == [.f32([1, 5])])
  }

  @Test func runsDoNotInfluenceEachOther() throws {
    let runner = try ProgramRunner(try program())
    let first = try runner.run([input])
    _ = try runner.run([Tensor(shape: [1, 4, 4, 2], [Float](repeating: 1, count: 32))])
    #expect(try runner.run([input]) == first)
  }

  @Test func machineFillDoesNotMatter() throws {
    let program = try program()
    let outputs = try [0, 0x5a, 0xff].map {
      try ProgramRunner(program, options: Machine.Options(fill: $0)).run([input])
    }
    #expect(outputs[0] == outputs[1] && outputs[1] == outputs[2])
  }

  @Test func inputsMustBeComplete() throws {
    let runner = try ProgramRunner(try program())
    #expect(diagnosticID { _ = try runner.run([]) } == "input.count")
    #expect(diagnosticID { _ = try runner.run([Tensor(shape: [1, 2], [0, 0])]) } == "machine.input-size")
  }

  @Test func commandLimitStopsTheRun() throws {
    let runner = try ProgramRunner(try program(), options: Machine.Options(maximumCommands: 5))
    #expect(diagnosticID { _ = try runner.run([input]) } == "machine.command-limit")
  }

  @Test func hostStepThatDoesNotFitItsGraphIsRefused() throws {
    var program = try program()
    program.hostSteps[0].inputs[0].type = .f32([3])
    #expect(diagnosticID { _ = try ProgramRunner(program) } == "program.host-step")
  }

  @Test func hostStepMayNotReadFiles() throws {
    var program = try program()
    program.hostSteps[0].graph = """
      data @secret : f32[1, 4, 4, 2] = file("secret.npy")
      graph @host(%x: f32[1, 4, 4, 2]) -> f32[1, 4, 4, 2] {
        %0 = constant @secret : f32[1, 4, 4, 2]
        %1 = nn.add %x, %0 : f32[1, 4, 4, 2]
        return %1
      }
      """
    #expect(diagnosticID { _ = try ProgramRunner(program) } == "program.host-step")
  }

  @Test func damagedHostGraphIsRefused() throws {
    var program = try program()
    program.hostSteps[0].graph = "graph @host("
    #expect(diagnosticID { _ = try ProgramRunner(program) }?.isEmpty == false)
  }
}
