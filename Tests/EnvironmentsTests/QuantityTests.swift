import Basics
import Environments
import Schemas
import TestSupport
import Testing

/// The physical quantities of a record, against `info` and MuJoCo's Python binding asked by name.
@Suite struct QuantityTests {
  struct Trace: Decodable { var actions: Numbers; var quantities: [String: Numbers] }

  @Test(arguments: Array(PythonQuantities.all.keys).sorted())
  func equalGymnasium(id: String) throws {
    struct Request: Encodable { var id, body: String }
    let theirs: Trace = try Python.run(
      PythonQuantities.script, input: Request(id: id, body: PythonQuantities.all[id] ?? ""))
    let ours = try Environments.make(id, count: 1, seed: 11)
    let schema = ours.spec.schema, width = ours.spec.actionSpace.width
    let steps = theirs.actions.values.count / width
    let batch = TransitionBatch(schema: schema, capacity: steps)
    for t in 0..<steps {
      ours.step(theirs.actions.values[t * width..<(t + 1) * width], recording: batch, at: t)
    }
    let known: Set = ["obs", "next_obs", "action", "step", "terminated"]
    #expect(Set(schema.fields.map(\.name)).subtracting(known) == Set(theirs.quantities.keys))
    for (name, expected) in theirs.quantities {
      let values = (0..<steps).flatMap { batch.values(of: name, $0) }
      #expect(values.count == expected.values.count, "\(name)")
      #expect(agree(values, expected.values), "\(name)")
    }
  }

  @Test func everyEnvironmentIsCovered() { #expect(Set(PythonQuantities.all.keys) == Set(gymnasiumIDs)) }
}
