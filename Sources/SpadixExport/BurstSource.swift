import SpadixISA

extension CommandBursts {
  /// Constants, and a function that issues a burst and says how many products follow.
  func text() -> String {
    let type = wordBytes == 2 ? "uint16_t" : "uint32_t"
    let words = stride(from: 0, to: self.words.count, by: 16).map { first in
      "  " + self.words[first..<min(first + 16, self.words.count)].map { "\($0)" }.joined(separator: ", ") + ","
    }
    let steps = self.steps.map { "  {0x\(String($0.rs1, radix: 16))ul, 0x\(String($0.rs2, radix: 16))ul, \($0.kind)}," }
    let cases = kinds.enumerated().map { index, kind in
      "        case \(index): do { burst_a[\(index)] += step->a; burst_b[\(index)] += step->b; "
        + "COMMAND(\(kind.funct), burst_a[\(index)]\(kind.relocates.0 ? " + image" : ""), "
        + "burst_b[\(index)]\(kind.relocates.1 ? " + image" : "")); } while (count--); break;"
    }
    return """
      // What advances the operands of a kind of command.
      static const struct burst_step { uint64_t a, b; unsigned kind; } burst_steps[] = {
      \(steps.joined(separator: "\n"))
        {0, 0, 0},
      };

      // Bursts of commands between products: a head, with the words behind it and the products until the next burst; then
      // words, each the number of a step and how often it is repeated.
      static const \(type) burst_words[] = {
      \(words.joined(separator: "\n"))
        0,
      };
      static const \(type) *next_burst;
      static uint64_t burst_a[\(max(1, kinds.count))], burst_b[\(max(1, kinds.count))];

      // Issues a burst; the products until the next one.
      static __attribute__((noinline)) unsigned burst(uint64_t image) {
        const \(type) *word = next_burst;
        unsigned until;
        (void)image;
        do {
          unsigned words = *word >> \(Self.headBits);
          until = *word++ & \(Self.most);
          for (; words > 0; words--) {
            const struct burst_step *step = &burst_steps[*word >> \(Self.countBits)];
            unsigned count = *word++ & \(1 << Self.countBits - 1);
            switch (step->kind) {
      \(cases.joined(separator: "\n"))
            }
          }
        } while (until == 0);
        next_burst = word;
        return until;
      }
      """
  }
}
