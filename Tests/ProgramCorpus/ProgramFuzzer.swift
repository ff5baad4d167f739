import Basics
import Foundation
import RewardPrograms
import Schemas
import Synchronization

/// Damages programs of the corpus at random and has the compiler, the formatter and the native executor take what comes.
///
/// Whatever is typed, the compiler answers with a program or with diagnostics, and a program that it accepts runs. Most
/// inputs are short, so that many of them are tried; the others are whole programs of the corpus.
public struct ProgramFuzzer {
  public struct Input {
    public let text: String
    public let schema: Schema
    public let kind: RewardProgram.Kind
    fileprivate let program: Int
  }

  /// What became of the inputs so far.
  public struct Tally: Sendable, Codable {
    public var inputs = 0
    public var accepted = 0
    public var formatted = 0
    /// Of one input, in seconds.
    public var slowest = 0.0
    /// What should not have happened, with the input.
    public var findings: [String] = []

    public mutating func add(_ other: Tally) {
      inputs += other.inputs
      accepted += other.accepted
      formatted += other.formatted
      slowest = max(slowest, other.slowest)
      findings += other.findings
    }
  }

  private var random: RandomGenerator
  private let programs: [CorpusProgram]
  private let sources: [[UInt8]]
  private let data: [[String: NestedArray]]
  public private(set) var tally = Tally()

  public init(seed: UInt64) {
    random = RandomGenerator(seed: seed)
    let small = Self.small.map { CorpusProgram(name: "small", source: $0) }
    // Nine inputs of ten are short.
    programs = (0..<(9 * CorpusProgram.all.count / max(1, small.count))).flatMap { _ in small } + CorpusProgram.all
    sources = programs.map { Array($0.source.utf8) }
    data = programs.map { $0.randomInputs(rows: 3, seed: 1) }
  }

  private static let small: [String] = [
    "# fields: x[3], y\ndef f(x, y):\n    return x[0] * y\n",
    "# fields: x[3], y\ndef f(x: torch.Tensor, y):\n    return torch.exp(-torch.norm(x, dim=-1)) + y, {\"y\": y}\n",
    "# fields: x[3], y\n# kind: fitness\ndef f(x, y):\n    return np.mean(x[:, 0]) + y[-1]\n",
    "# fields: self.a.b[3], self.a.c()\nclass T:\n    def f(self):\n        return np.dot(self.a.b, self.a.b) - self.a.c()\n",
    "# fields: x[3]\ndef f(x):\n    s = 0.0\n    for i in range(3):\n        s += x[i] if x[i] > 0 else -1\n    return s\n",
    "# fields: x[2,2]\ndef f(x):\n    return np.linalg.norm(x @ x.T) / (1e-6 + np.abs(x).sum(axis=(0, 1)))\n",
    "# fields: x[4]\ndef f(x: torch.Tensor):\n    x = x.clone()\n    x[:, 1:3] = 0\n    return x.max(dim=1)[0]\n",
    "# fields: x[4]\ng = lambda a, b=2: a ** b\ndef f(x):\n    return sum([g(v) for v in x if True])\n",
  ]

  private static let fragments: [String] = [
    "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "==", "**", "//", "@", "->", ":=", "...", "\"", "'", "\"\"\"", "\\",
    "\n", "\t", "    ", "#", "0", "1", "-1", "9223372036854775807", "1e400", "0x", "1_0", "None", "True", "lambda x: x",
    "for i in range(3):", "if x > 0:", "else:", "while True:", "return ", "def f(x):", "import numpy as np", "np.",
    "torch.", "np.sum(", ".sum(", "[:, None]", "[-1]", "[::2]", "[::-1]", "*", "+", "not ", " and ", " in ", " is ",
    "f\"{x}\"", "__class__", ".T", ".shape", "len(", "range(10)", "zip(", "sum(", "sorted(", "break", "continue", "dict(",
    "é", "\u{0}", "\r\n", "x", "np.zeros((3, 3))", "np.arange(", "axis=1", "dim=-1", "keepdim=True", "[x for x in ",
    "1 << 62", "-9223372036854775807", ".reshape(-1, 2)", "np.stack([", "np.einsum(\"ij,j->i\", ", "* 10 ** 9", "[0] * ",
    "min=", "yield", "async", "global",
  ]

  /// The next damaged program.
  public mutating func next() -> Input {
    let index = random.integer(below: programs.count)
    var bytes = sources[index]
    for _ in 0...random.integer(below: 4) {
      let place = random.integer(below: bytes.count + 1)
      let length = min(bytes.count - place, random.integer(below: 24))
      switch random.integer(below: 6) {
      case 0: bytes.removeSubrange(place..<(place + length))
      case 1:
        let other = sources[random.integer(below: sources.count)]
        let start = random.integer(below: other.count)
        bytes.insert(contentsOf: other[start..<min(other.count, start + 40)], at: place)
      case 2: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
      case 3: if place < bytes.count { bytes[place] = UInt8(random.integer(below: 256)) }
      default:
        let fragment = Self.fragments[random.integer(below: Self.fragments.count)]
        bytes.replaceSubrange(place..<(place + (length < 4 ? 0 : length / 4)), with: Array(fragment.utf8))
      }
    }
    return Input(
      text: String(decoding: bytes, as: UTF8.self), schema: programs[index].schema, kind: programs[index].kind,
      program: index)
  }

  /// Compiles it, formats it, runs it, and notes what is not as it should be.
  public mutating func run(_ input: Input) {
    let start = ContinuousClock.now
    tally.inputs += 1
    do throws(CompilationFailure) {
      let program = try RewardProgram.compile(input.text, schema: input.schema, kind: input.kind)
      tally.accepted += 1
      _ = try? program.evaluate(data[input.program])
    } catch {
      if error.errors.isEmpty { note("rejected without an error", input) }
      for diagnostic in error.diagnostics where diagnostic.line < 1 || diagnostic.column < 1 {
        note("a diagnostic without a place", input)
      }
    }
    if let once = try? RewardProgram.formatted(input.text) {
      tally.formatted += 1
      if (try? RewardProgram.formatted(once)) != once { note("formatting again changes it", input) }
    }
    let seconds = Double((ContinuousClock.now - start).components.attoseconds) * 1e-18
      + Double((ContinuousClock.now - start).components.seconds)
    tally.slowest = max(tally.slowest, seconds)
    if seconds > 5 { note("took \(seconds) s", input) }
  }

  private mutating func note(_ what: String, _ input: Input) {
    if tally.findings.count < 20 { tally.findings.append("\(what):\n\(input.text)") }
  }
}

extension ProgramFuzzer {
  /// Fuzzes on several threads until the inputs or the time are used up.
  /// - Parameter folder: where the inputs in progress are kept, one file a thread.
  /// - Throws: `GuerdonError` if the folder cannot be made.
  public static func run(
    inputs: Int, seconds: Double, seed: UInt64, threads: Int, keepingLastIn folder: URL
  ) throws -> Tally {
    try Files.createDirectory(folder)
    let total = Mutex(Tally())
    let start = Date()
    let share = inputs / max(1, threads)
    DispatchQueue.concurrentPerform(iterations: max(1, threads)) { thread in
      var fuzzer = ProgramFuzzer(seed: seed &+ UInt64(thread))
      let keeper = LastInput(folder.appendingPathComponent("last-\(thread).py"))
      for count in 0..<share {
        if count % 64 == 0, Date().timeIntervalSince(start) > seconds { break }
        let input = fuzzer.next()
        keeper?.keep(input.text)
        fuzzer.run(input)
      }
      let tally = fuzzer.tally
      total.withLock { $0.add(tally) }
    }
    return total.withLock { $0 }
  }
}

/// The input in progress in a mapped file, which outlives a crash and costs no system call.
private final class LastInput {
  private let bytes: UnsafeMutablePointer<UInt8>
  private static let size = 1 << 18

  init?(_ url: URL) {
    let file = open(url.path, O_RDWR | O_CREAT, 0o644)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard ftruncate(file, off_t(Self.size)) == 0,
      let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else { return nil }
    bytes = memory.assumingMemoryBound(to: UInt8.self)
  }

  deinit { munmap(bytes, Self.size) }

  func keep(_ text: String) {
    var position = 0
    for byte in text.utf8.prefix(Self.size - 1) {
      bytes[position] = byte
      position += 1
    }
    bytes[position] = 0
  }
}
