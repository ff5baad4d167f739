import Dispatch
import Foundation
import Schemas

/// Carries a result from one thread to another that waits for it.
private final class Handover<Value>: @unchecked Sendable { var result: Value? }

/// Runs something on a thread with a stack deep enough for any program within the limits, whatever the caller's.
func withLargeStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  let box = Handover<Result>()
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    box.result = body()
    done.signal()
  }
  thread.stackSize = 64 << 20
  thread.start()
  done.wait()
  guard let result = box.result else { preconditionFailure("the thread signals after it has stored its result") }
  return result
}

/// The stages in order: tokens, syntax tree, elaboration to a graph, checks, native code.
enum Compiler {
  static func compile(
    _ source: String, name: String, schema: Schema, kind: RewardProgram.Kind, options: RewardProgram.Options,
    lifted: [Range<Int>] = []
  ) -> Result<Compiled, CompilationFailure> {
    guard source.utf8.count <= Limits.sourceBytes else {
      var log = DiagnosticLog(source: SourceText(""))
      log.error(
        "too-large", .none, "The program has \(source.utf8.count) bytes; at most \(Limits.sourceBytes) are read.")
      return .failure(CompilationFailure(name: name, diagnostics: log.sorted))
    }
    var log = DiagnosticLog(source: SourceText(source))
    let statements = Parser.parse(&log)
    let survey = Survey(statements)
    let elaborator = Elaborator(
      log: log, schema: schema, kind: kind,
      convention: kind == .fitness ? .batched : options.convention ?? (survey.usesTorch ? .batched : .perTransition),
      library: survey.usesTorch && kind == .reward ? .torch : .numpy, lifted: lifted)
    let hadSyntaxErrors = log.errorCount > 0
    if statements.isEmpty, !hadSyntaxErrors {
      elaborator.fail(
        "empty", .none, "The program is empty.",
        suggestion: "define a function, for example \"def compute_reward(...):\"")
    }
    // After a syntax error the rest is still checked, as far as it was understood.
    let result = elaborator.runProgram(statements, survey: survey, function: options.function)
    guard elaborator.log.errorCount == 0, let result else {
      if elaborator.log.errorCount == 0 { elaborator.fail("internal", .none, "The program has no result.") }
      return .failure(CompilationFailure(name: name, diagnostics: elaborator.log.sorted))
    }
    if options.checks { Checks.run(elaborator, result, survey: survey) }
    let inputs = elaborator.inputs.compactMap { record in
      schema.columns(of: schema.fields[record.field].name).map {
        RewardProgram.Input(name: schema.fields[record.field].name, columns: $0)
      }
    }
    return .success(
      Compiled(
        source: source, name: name, schema: schema, kind: kind, convention: elaborator.convention,
        function: result.function, graph: elaborator.graph, outputs: [result.total] + result.terms.map(\.node),
        inputs: inputs, termNames: result.terms.map(\.name), warnings: elaborator.log.sorted,
        constants: survey.constants(in: elaborator.log.source)))
  }
}
