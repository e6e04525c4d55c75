/// Writes a model in the LP text format that glpsol, HiGHS, CBC, SCIP and CPLEX read.
public enum LPFormat {
  /// Names become what all readers accept; the model's constant cost is a comment.
  public static func text(_ model: Model) -> String {
    var out = "\\ \(model.name.split(whereSeparator: \.isNewline).joined(separator: " "))\n"
    out += "Minimize\n"
    var objective = model.columns.indices.filter { model.columns[$0].cost != 0 }
      .map { Model.Term(model.columns[$0].cost, Model.ColumnID($0)) }
    // The format wants a term in the objective, and has no constant that every reader accepts.
    if objective.isEmpty, !model.columns.isEmpty { objective = [Model.Term(0, Model.ColumnID(0))] }
    out += wrapped(" cost:", objective, "", model)
    if model.constantCost != 0 { out += "\\ add \(model.constantCost) to the objective\n" }
    out += "Subject To\n"
    for (index, row) in model.rows.enumerated() {
      let name = identifier(row.name, prefix: "r", index: index)
      switch (row.lower, row.upper) {
      case (let lower?, let upper?) where lower == upper:
        out += wrapped(" \(name):", row.terms, "= \(lower)", model)
      case (let lower?, let upper?):
        out += wrapped(" \(name)_lower:", row.terms, ">= \(lower)", model)
        out += wrapped(" \(name)_upper:", row.terms, "<= \(upper)", model)
      case (let lower?, nil): out += wrapped(" \(name):", row.terms, ">= \(lower)", model)
      case (nil, let upper?): out += wrapped(" \(name):", row.terms, "<= \(upper)", model)
      case (nil, nil): out += "\\ row \(name) has no bounds\n"
      }
    }
    out += "Bounds\n"
    for (index, column) in model.columns.enumerated() {
      let name = identifier(column.name, prefix: "c", index: index)
      switch (column.lower, column.upper) {
      case (let lower?, let upper?) where lower == upper: out += " \(name) = \(lower)\n"
      case (let lower?, let upper?): out += " \(lower) <= \(name) <= \(upper)\n"
      case (let lower?, nil): out += " \(name) >= \(lower)\n"
      case (nil, let upper?): out += " -inf <= \(name) <= \(upper)\n"
      case (nil, nil): out += " \(name) free\n"
      }
    }
    let integers = model.columns.indices.filter { model.columns[$0].kind != .continuous }
    if !integers.isEmpty {
      out += "General\n"
      for index in integers { out += " \(identifier(model.columns[index].name, prefix: "c", index: index))\n" }
    }
    return out + "End\n"
  }

  /// A name that every reader accepts: letters, digits and underscores, made unique by the index.
  private static func identifier(_ name: String, prefix: String, index: Int) -> String {
    let kept = name.utf8.prefix(80).map { byte -> Character in
      let isDigit = byte >= 0x30 && byte <= 0x39
      let isLetter = (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
      return isDigit || isLetter ? Character(UnicodeScalar(byte)) : "_"
    }
    return "\(prefix)\(index)_\(String(kept))"
  }

  private static func wrapped(_ head: String, _ terms: [Model.Term], _ tail: String, _ model: Model) -> String {
    var text = ""
    var line = head
    for term in terms {
      let name = identifier(model.columns[term.column].name, prefix: "c", index: term.column.index)
      let piece = " \(term.coefficient < 0 ? "-" : "+") \(term.coefficient.magnitude) \(name)"
      if line.utf8.count + piece.utf8.count > 120 {
        text += line + "\n"
        line = "  "
      }
      line += piece
    }
    // A row whose terms cancelled out still needs a left side.
    if terms.isEmpty, !model.columns.isEmpty {
      line += " 0 " + identifier(model.columns[0].name, prefix: "c", index: 0)
    }
    return text + line + (tail.isEmpty ? "" : " \(tail)") + "\n"
  }
}
