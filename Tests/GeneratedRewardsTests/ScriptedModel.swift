import Endpoints
import Synchronization

/// Answers what it is told to, in order, and remembers what it was asked.
final class ScriptedModel: ChatModel {
  let name = "script"
  private let state: Mutex<(answers: [String], requests: [ChatRequest])>

  init(_ answers: [String]) { state = Mutex((answers, [])) }

  var requests: [ChatRequest] { state.withLock { $0.requests } }

  func complete(_ request: ChatRequest) async throws -> ChatResponse {
    state.withLock { state in
      state.requests.append(request)
      let answers = Array(state.answers.prefix(request.n))
      state.answers.removeFirst(answers.count)
      return ChatResponse(answers: answers)
    }
  }
}
