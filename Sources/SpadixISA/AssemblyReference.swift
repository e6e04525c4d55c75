/// The page docs/assembly.md, made from the table of commands.
public enum AssemblyReference {
  /// Every command with its fields, as Markdown; `spadix asm --markdown` prints it.
  public static func markdown() -> String {
    var text = introduction
    for format in CommandFormat.all {
      text += "\n## `\(format.mnemonic)`\n\n"
      let subtype = format.subtype.map { ", rs1[1:0] = \($0)" } ?? ""
      text +=
        "\(format.summary.prefix(1).uppercased())\(format.summary.dropFirst()). funct \(format.funct)\(subtype).\n"
      if format.fields.isEmpty { continue }
      text += "\n| field | bits | value | meaning |\n|---|---|---|---|\n"
      for field in format.fields {
        let bits = "rs\(field.operand)[\(field.width == 1 ? "" : "\(field.low + field.width - 1):")\(field.low)]"
        text += "| `\(field.name)` | \(bits) | \(value(field)) | \(field.summary) |\n"
      }
    }
    return text
  }

  private static func value(_ field: CommandField) -> String {
    switch field.kind {
    case .unsigned: field.width == 64 ? "a number" : "0 to \((UInt64(1) << UInt64(field.width)) - 1)"
    case .signed:
      field.width == 64 ? "a signed number" : "\(-(1 << (field.width - 1))) to \((1 << (field.width - 1)) - 1)"
    case .flag: "flag"
    case .address: "address"
    case .float: "Float32"
    case .local: "local address"
    case .tile: "tile"
    }
  }

  private static let introduction = """
    # Assembly

    <!-- made by `spadix asm --markdown` -->

    One command a line: its name, then `field=value` with blanks between them, in any order. What is left out is 0.
    [The instruction set](isa.md) says what commands do; `spadix explain` shows the fields of one in a program, and
    `spadix disasm` prints programs in this form.

    | value | how it is written |
    |---|---|
    | a number | `16`, or `0x10` |
    | flag | the name alone, or `=1`, `=0` |
    | address | of DRAM: `0x10000`; 0 is none |
    | Float32 | `0.5`, or its bits: `0x3f000000` |
    | local address | `sp:5` row 5 of the scratchpad, `acc:5` of the accumulator, `acc+:5` adding to it, `acc32:5` in 32 bits, `none`, or the bits |
    | tile | a local address with rows and columns: `sp:5[4x16]` |

    A command that has no name, or bits outside its fields, is `raw funct=N rs1=0x... rs2=0x...`.

    Commands that repeat stand in loops, one in another as deep as they nest. `spadix disasm` finds them
    (`--unrolled` prints every command on its line); `spadix asm` issues the same commands.

    ```
    .loop i 4
      .loop j 16
        mvin dram=0x10000 to=sp:0[16x16] | i dram+4096 to+256 | j dram+16 to+16
      .end
    .end
    ```

    Behind each bar stand a loop's variable and what fields advance by with each of its iterations, forwards or backwards. Of
    a tile, the name alone is its address, `.rows` and `.columns` are the others; `rs1` and `rs2` are whole operands. Nothing
    but commands and loops stands in a loop.

    """
}
