import Foundation
import Testing

@testable import SpadixReport

@Suite struct MachineReadableReportTests {
  @Test func jsonParsesAndAgreesWithTheReport() throws {
    let report = exampleReport()
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(JSONReport(report).text.utf8)) as? [String: Any])
    #expect(object["format"] as? String == "spadix-report-1")
    #expect(object["cycles_modelled"] as? Int == 4_000)
    #expect((object["cycles_bound_by"] as? [String: Int])?["load"] == 1_200)
    #expect((object["bus_bytes"] as? [String: Int])?["written"] == 1_040)
    let bytes = try #require(object["dram_bytes"] as? [String: Int])
    #expect(bytes["weights"] == 2_304 && bytes["read"] == 3_328 && bytes["total"] == 4_362)
    let operators = try #require(object["operators"] as? [[String: Any]])
    #expect(operators.count == 2)
    #expect(operators[0]["tiling"] as? String == "pixels 64, channels 16, \"weights\" outermost")
    #expect(operators[0]["host_reason"] is NSNull)
    #expect(operators[1]["host_reason"] as? String == "gemmini has no softmax unit")
  }

  @Test func csvHasAHeaderALinePerOperatorAndTheTotal() {
    let lines = CSVReport(exampleReport()).text.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[0].hasPrefix("step,operator,kind,line,weights_bytes,inputs_bytes,activations_read_bytes,"))
    #expect(lines[1].hasPrefix("0,%1 = npu.conv2d,array,7,2304,1024,0,0,0,0,1024,0,3328,1024,256000,512000,50.0,"))
    #expect(lines[1].hasSuffix(",streamed,resident,\"pixels 64, channels 16, \"\"weights\"\" outermost\","))
    #expect(lines[3].hasPrefix(",total,,,2304,1024,0,0,0,0,1024,10,3328,1034,"))
  }

  @Test func everyCSVLineHasAsManyFields() {
    // The example's only quoted field contains two commas.
    let counts = CSVReport(exampleReport()).text.split(separator: "\n").map { $0.count { $0 == "," } }
    #expect(counts == [counts[0], counts[0] + 2, counts[0], counts[0]])
  }
}
