import ArgumentParser

/// `NAME=FILE.npy`, or a file alone where there is only one thing to name.
struct NamedFile: ExpressibleByArgument {
  /// Without a leading `%`; empty when only the file was given.
  var name: String
  var path: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else {
      name = ""
      path = argument
      return
    }
    name = String(argument[..<equals].drop { $0 == "%" })
    path = String(argument[argument.index(after: equals)...])
    if name.isEmpty || path.isEmpty { return nil }
  }
}
