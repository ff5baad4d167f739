import Basics
import Foundation
import RewardPrograms
import Schemas

/// Reward programs on one core, against the same files in CPython and against a loop written by hand.
let languageRows: [Row] = [
  programRow("batch 4,096 vs torch", "eureka.py", mode: "torch", rows: 4096, atLeast: 5),
  programRow("batch 4,096 vs torch.jit.script", "eureka.py", mode: "jit", rows: 4096, atLeast: 5),
  programRow("batch 64 vs torch", "eureka.py", mode: "torch", rows: 64, atLeast: 50),
  programRow("batch 64 vs torch.jit.script", "eureka.py", mode: "jit", rows: 64, atLeast: 50),
  // What a transition costs: in a batch, as training has them; and in a call of its own, as a simulator makes it.
  programRow("per transition of a batch vs numpy", "text2reward.py", mode: "numpy", rows: 256, atLeast: 100),
  programRow(
    "one transition a call vs numpy", "text2reward.py", mode: "numpy", rows: 256, oneByOne: true, atLeast: 100),
  // 5 ms a program of this length, 200 a second, are wanted, whatever the peer takes.
  Row(
    name: "Reward program, compiling 51 lines vs torch.jit.script", unit: "programs/s", atLeast: 1, repetitions: 3,
    ours: { try compileRate("eureka.py") },
    peer: { try Peer.rate("program.py", [programs.appendingPathComponent("eureka.py").path, "compile", "1"]) }),
  Row(
    name: "Reward program, plain arithmetic vs a loop in Swift", unit: "transitions/s", atLeast: 0.5,
    ours: { try programRate("arithmetic.py", rows: 4096) },
    peer: { try handWrittenRate(rows: 4096) }),
]

private func programRow(
  _ what: String, _ file: String, mode: String, rows: Int, oneByOne: Bool = false, atLeast: Double
) -> Row {
  Row(
    name: "Reward program, \(what)", unit: "transitions/s", atLeast: atLeast, repetitions: 3,
    ours: { try programRate(file, rows: rows, oneByOne: oneByOne) },
    peer: { try Peer.rate("program.py", [programs.appendingPathComponent(file).path, mode, "\(rows)"]) })
}

private let programs: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("programs")

/// The fields that a program's first line names: `# fields: a[3], b{0,1}`.
private func schema(of source: String) -> Schema {
  let line = source.prefix { $0 != "\n" }.replacingOccurrences(of: "# fields:", with: "")
    .replacingOccurrences(of: "{0,1}", with: "").replacingOccurrences(of: "{-1,1}", with: "")
  let fields = line.split(separator: ",").map { entry -> Field in
    let parts = entry.trimmingCharacters(in: .whitespaces).split(separator: "[")
    let size = parts.count > 1 ? Int(parts[1].dropLast()) : nil
    return Field(String(parts[0]), shape: size.map { [$0] } ?? [], meaning: "")
  }
  return Schema(environment: "benchmark", fields: fields)
}

/// Columns of random numbers in -1...1.
private func records(_ width: Int, rows: Int) -> [Double] {
  var random = RandomGenerator(seed: 0)
  return (0..<width * rows).map { _ in random.uniform(-1, 1) }
}

/// Transitions per second of a program, the total and every term.
/// - Parameter oneByOne: a call for every transition, as a simulator makes them.
private func programRate(_ file: String, rows: Int, oneByOne: Bool = false) throws -> Double {
  let source = try Files.readText(programs.appendingPathComponent(file))
  let program: RewardProgram
  do {
    program = try RewardProgram.compile(source, name: file, schema: schema(of: source))
  } catch { throw GuerdonError.failure(error.description) }
  let machine = program.makeEvaluator()
  let data = records(program.schema.width, rows: rows)
  var total = [Double](repeating: 0, count: rows)
  var terms = [Double](repeating: 0, count: max(1, rows * program.termNames.count))
  return data.withUnsafeBufferPointer { data in
    total.withUnsafeMutableBufferPointer { total in
      terms.withUnsafeMutableBufferPointer { terms in
        guard let base = data.baseAddress, let reward = total.baseAddress else { return 0 }
        return rate(rows) {
          if oneByOne {
            for row in 0..<rows {
              machine.evaluate(base: base, stride: rows, rows: row..<row + 1, total: reward + row, terms: nil)
            }
          } else {
            machine.evaluate(base: base, stride: rows, rows: 0..<rows, total: reward, terms: terms.baseAddress)
          }
        }
      }
    }
  }
}

/// Programs compiled and checked a second.
private func compileRate(_ file: String) throws -> Double {
  let source = try Files.readText(programs.appendingPathComponent(file))
  let schema = schema(of: source)
  var isWrong = false
  let result = rate(1) {
    if (try? RewardProgram.compile(source, name: file, schema: schema)) == nil { isWrong = true }
  }
  if isWrong { throw GuerdonError.failure("\(file) does not compile.") }
  return result
}

/// `arithmetic.py` by hand.
private func handWrittenRate(rows: Int) throws -> Double {
  let data = records(8, rows: rows)
  var total = [Double](repeating: 0, count: rows)
  return data.withUnsafeBufferPointer { data in
    total.withUnsafeMutableBufferPointer { total in
      guard let base = data.baseAddress, let reward = total.baseAddress else { return 0 }
      return rate(rows) { arithmetic(base, rows, reward) }
    }
  }
}

@inline(never)
private func arithmetic(_ base: UnsafePointer<Double>, _ rows: Int, _ reward: UnsafeMutablePointer<Double>) {
  for row in 0..<rows {
    let velocity = base[row], angle = base[rows + row]
    var effort = 0.0
    for component in 0..<6 {
      let action = base[(2 + component) * rows + row]
      effort += action * action
    }
    let slip = abs(velocity - 2)
    reward[row] = velocity * 1.5 - 0.1 * effort - 0.5 * angle * angle - (slip < 1 ? slip : 1)
  }
}

/// Transitions per second over a second and a half, after a warm-up.
private func rate(_ rows: Int, _ once: () -> Void) -> Double {
  let clock = ContinuousClock()
  var start = clock.now
  while clock.now - start < .milliseconds(300) { once() }
  var count = 0
  start = clock.now
  while clock.now - start < .milliseconds(1500) {
    once()
    count += rows
  }
  return Double(count) / ((clock.now - start) / .seconds(1))
}
