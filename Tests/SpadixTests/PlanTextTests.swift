import SpadixIR
import SpadixISA
import SpadixSupport
import Testing

@testable import Spadix
@testable import SpadixCodegen

/// Plans that somebody has edited, by hand: each rule is said at the value that breaks it.
@Suite struct PlanTextTests {
  @Test func everyRuleHasItsPlace() throws {
    let compilation = try Compiler(target: .spadix).compile(try residualInput(), data: DataStore(), upTo: .plan)
    let text = try #require(compilation.text(of: .plan))
    func refusal(_ old: Regex<Substring>, _ new: String) throws -> Diagnostic {
      let range = try #require(text.firstRange(of: old), "\(new)")
      let edited = text.replacingCharacters(in: range, with: new)
      do {
        let input = try CompilerInput(parsing: SourceText(name: "plan.spx", text: edited))
        _ = try Compiler(target: .spadix).compile(input, data: DataStore())
      } catch let diagnostic as Diagnostic {
        let place = try #require(diagnostic.range)
        let (line, column) = place.source.position(of: place.start)
        // The caret stands in the line of the edit, at the value.
        let edit = edited[..<range.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
        #expect(line == edit.count, "\(diagnostic)")
        #expect(column >= edit.last!.utf8.count, "\(diagnostic)")
        return diagnostic
      }
      return Diagnostic("none", "accepted")
    }
    #expect(try refusal(#/tile = \[\d+/#, "tile = [0").id == "plan.tile")
    #expect(try refusal(#/tile = \[\d+/#, "tile = [900").id == "plan.tile")
    #expect(try refusal(#/group = \[\d+/#, "group = [77").id == "plan.group")
    #expect(try refusal(#/slice = \[\d+/#, "slice = [0").id == "plan.slice")
    #expect(try refusal(#/window = \d+/#, "window = 99").id == "plan.window")
    #expect(try refusal(#/row = \d+, tile/#, "row = 99999, tile").id == "plan.scratchpad")
    #expect(try refusal(#/tile = /#, "form = 7, tile = ").id == "plan.form")
    #expect(try refusal(#/inputs = \[\w+/#, "inputs = [elsewhere").id == "plan.syntax")
    #expect(try refusal(#/window = \d+/#, "widnow = 3").id == "plan.syntax")
    #expect(try refusal(#/step 0/#, "step 1").id == "plan.step-order")
    #expect(try refusal(#/piece %\w+/#, "piece %nobody").id == "plan.unknown-tensor")
  }

  @Test func aPlanWithoutCostIsAPlan() throws {
    let compilation = try Compiler(target: .spadix).compile(try residualInput(), data: DataStore(), upTo: .plan)
    let text = try #require(compilation.text(of: .plan))
    func read(_ text: String) throws -> Compilation {
      try Compiler(target: .spadix).compile(
        CompilerInput(parsing: SourceText(name: "plan.spx", text: text)), data: DataStore(), upTo: .plan)
    }
    let cost = try #require(text.firstRange(of: #/\ \ cost = .*\n/#))
    let bound = try #require(text.firstRange(of: #/\ \ bound = .*\n/#))
    let bare = text.replacingCharacters(in: cost.lowerBound..<bound.upperBound, with: "")
    let again = try read(bare)
    #expect(again.schedule?.plan.cost == compilation.schedule?.plan.cost)
    #expect(again.schedule?.plan.bounds == Plan.Bounds())
    #expect(again.diagnostics.all.isEmpty)
    // A cost that the plan does not have is no error, and no proof.
    let wrong = try read(text.replacing(/read = \d+/, with: "read = 1"))
    #expect(wrong.diagnostics.all.map(\.id) == ["plan.cost"])
    #expect(wrong.schedule?.plan.bounds == Plan.Bounds())
  }
}
