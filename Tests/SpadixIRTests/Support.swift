import Foundation
import SpadixIR
import SpadixSupport

/// The folder that holds Package.swift.
let repositoryRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// Every .spx file of the examples and the file tests, sorted.
let repositoryGraphs: [String] = ["ir-examples", "Tests"].flatMap { folder -> [String] in
  let root = repositoryRoot + "/" + folder
  let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
  return files.filter { $0.hasSuffix(".spx") && !$0.contains("Output/") }.map { folder + "/" + $0 }
}.sorted()

/// The ids of the errors that a text has, in order.
func errorIDs(_ text: String) -> [String] { errors(text).map(\.id) }

func errors(_ text: String) -> [Diagnostic] {
  do {
    _ = try Graph(parsing: SourceText(name: "test.spx", text: text))
    return []
  } catch let diagnostics as Diagnostics {
    return diagnostics.all
  } catch {
    return [Diagnostic("test.unexpected", "\(error)")]
  }
}

func parse(_ text: String) throws -> Graph { try Graph(parsing: SourceText(name: "test.spx", text: text)) }

/// A graph whose body is one operation over an input %x and data @w.
func graph(_ operation: String, x: String = "f32[1, 4, 4, 2]", result: String, data: String = "") -> String {
  """
  \(data)
  graph @test(%x: \(x)) -> \(result) {
    \(operation)
    return %y
  }
  """
}
