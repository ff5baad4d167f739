import Basics
import Foundation
import RewardPrograms
import Schemas
import Testing

/// Whatever is typed, the compiler answers with a program or with diagnostics, and a program that it accepts runs.
///
/// `GUERDON_FUZZ` says how many inputs; the seed is fixed. `GUERDON_FUZZ_LAST` names a file for the input in progress,
/// so that one that crashes is not lost.
@Suite struct FuzzTests {
  private static let fragments: [String] = [
    "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "==", "**", "//", "@", "->", ":=", "...", "\"", "'", "\"\"\"",
    "\\",
    "\n", "\t", "    ", "#", "0", "1", "-1", "9223372036854775807", "1e400", "0x", "1_0", "None", "True", "lambda x: x",
    "for i in range(3):", "if x > 0:", "else:", "while True:", "return ", "def f(x):", "import numpy as np", "np.",
    "torch.",
    "np.sum(", ".sum(", "[:, None]", "[-1]", "[::2]", "[::-1]", "*", "+", "not ", " and ", " in ", " is ", "f\"{x}\"",
    "__class__",
    ".T", ".shape", "len(", "range(10)", "zip(", "sum(", "sorted(", "break", "continue", "dict(", "é", "\u{0}", "\r\n",
    "x",
    "np.zeros((3, 3))", "np.arange(", "axis=1", "dim=-1", "keepdim=True", "[x for x in ", "1 << 62",
    "-9223372036854775807",
    ".reshape(-1, 2)", "np.stack([", "np.einsum(\"ij,j->i\", ", "* 10 ** 9", "[0] * ", "min=", "yield", "async",
    "global",
  ]

  private func mutated(_ source: [UInt8], _ random: inout RandomGenerator, _ others: [[UInt8]]) -> [UInt8] {
    var bytes = source
    for _ in 0...random.integer(below: 4) {
      let place = random.integer(below: bytes.count + 1)
      let length = min(bytes.count - place, random.integer(below: 24))
      switch random.integer(below: 6) {
      case 0: bytes.removeSubrange(place..<(place + length))
      case 1:
        let other = others[random.integer(below: others.count)]
        let start = random.integer(below: other.count)
        bytes.insert(contentsOf: other[start..<min(other.count, start + 40)], at: place)
      case 2: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
      case 3: if place < bytes.count { bytes[place] = UInt8(random.integer(below: 256)) }
      default:
        let fragment = Self.fragments[random.integer(below: Self.fragments.count)]
        bytes.replaceSubrange(place..<(place + (length < 4 ? 0 : length / 4)), with: Array(fragment.utf8))
      }
    }
    return bytes
  }

  @Test func mutatedProgramsNeverCrash() throws {
    let count = ProcessInfo.processInfo.environment["GUERDON_FUZZ"].flatMap { Int($0) } ?? 1_500
    var random = RandomGenerator(seed: 20_260)
    let programs = CorpusProgram.all
    let sources = programs.map { Array($0.source.utf8) }
    try #require(!programs.isEmpty)
    var accepted = 0
    for _ in 0..<count {
      let index = random.integer(below: programs.count)
      let text = String(decoding: mutated(sources[index], &random, sources), as: UTF8.self)
      if let path = ProcessInfo.processInfo.environment["GUERDON_FUZZ_LAST"] {
        try Files.write(text, to: URL(fileURLWithPath: path))
      }
      do throws(CompilationFailure) {
        let program = try RewardProgram.compile(text, schema: programs[index].schema, kind: programs[index].kind)
        accepted += 1
        let inputs = programs[index].randomInputs(rows: 3, seed: 1)
        _ = try? program.evaluate(inputs)
      } catch {
        #expect(!error.errors.isEmpty)
        for diagnostic in error.diagnostics { #expect(diagnostic.line >= 1 && diagnostic.column >= 1) }
      }
    }
    #expect(accepted > 0)
  }
}
