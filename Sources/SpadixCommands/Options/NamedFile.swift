import ArgumentParser

/// `NAME=FILE.npy`, or a file alone where there is only one thing to name.
///
/// The last `=` separates: names are those of strangers and may hold any character, of files one chooses the name.
struct NamedFile: ExpressibleByArgument {
  /// Without a leading `%`; empty when only the file was given.
  var name: String
  var path: String

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "=") else {
      name = ""
      path = argument
      return
    }
    name = Self.unquoted(argument[..<equals])
    path = String(argument[argument.index(after: equals)...])
    if name.isEmpty || path.isEmpty { return nil }
  }

  /// As it is given.
  var argument: String { name.isEmpty ? path : "\(name)=\(path)" }

  /// A name as the graph's text has it, `%x` or `%"a b"`, without what is only there for the text.
  static func unquoted(_ text: Substring) -> String {
    guard text.first == "%" else { return String(text) }
    let name = text.dropFirst()
    guard name.count > 2, name.first == "\"", name.last == "\"" else { return String(name) }
    return String(name.dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
  }
}
