import Dispatch
import Foundation
import Schemas
import Synchronization

/// Carries a result from one thread to another that waits for it.
private final class Handover<Value>: @unchecked Sendable { var result: Value? }

/// A thread with a stack deep enough for any program within the limits. It waits for its next work when there is none: to
/// make a thread costs as much as to compile a short program.
private final class DeepThread: @unchecked Sendable {
  /// Those that wait, at most one a core; what a burst makes beyond that ends with its work.
  private static let idle = Mutex<[DeepThread]>([])

  private let hasWork = DispatchSemaphore(value: 0)
  /// Written before `hasWork` is signalled, by whoever took the thread.
  private var work: (() -> Void)?

  static func run(_ work: @escaping @Sendable () -> Void) {
    let thread = idle.withLock { $0.popLast() } ?? DeepThread()
    thread.work = work
    thread.hasWork.signal()
  }

  private init() {
    let thread = Thread { [self] in
      repeat {
        hasWork.wait()
        work?()
        work = nil
      } while Self.idle.withLock { idle in
        guard idle.count < ProcessInfo.processInfo.activeProcessorCount else { return false }
        idle.append(self)
        return true
      }
    }
    thread.stackSize = 64 << 20
    thread.start()
  }
}

/// Runs something on a thread with a large stack, whatever the caller's.
func withLargeStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  let box = Handover<Result>()
  let done = DispatchSemaphore(value: 0)
  DeepThread.run {
    box.result = body()
    done.signal()
  }
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
