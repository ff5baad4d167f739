import Basics
import Synchronization

/// What a million tokens cost, in any currency.
public struct TokenPrices: Sendable, Hashable, Codable {
  public var input: Double
  public var output: Double

  public init(input: Double, output: Double) {
    self.input = input
    self.output = output
  }

  public func cost(of usage: ChatResponse.Usage) -> Double {
    (Double(usage.promptTokens) * input + Double(usage.completionTokens) * output) / 1e6
  }
}

/// What may be spent on an endpoint; nil is without end.
///
/// It is looked at before each request: requests in flight when it is used up are still paid for.
public struct SpendingBudget: Sendable, Hashable, Codable {
  /// Tokens of prompts and answers together.
  public var tokens: Int?
  /// In the currency of the prices.
  public var cost: Double?

  public init(tokens: Int? = nil, cost: Double? = nil) {
    self.tokens = tokens
    self.cost = cost
  }
}

/// What was spent on an endpoint.
public struct Spending: Sendable, Hashable, Codable {
  /// Requests that were answered.
  public var requests = 0
  public var usage = ChatResponse.Usage()
  /// nil where no prices are known.
  public var cost: Double?
  /// True where a server did not count, and four bytes were taken for a token.
  public var isEstimated = false

  public var tokens: Int { usage.promptTokens + usage.completionTokens }

  public init() {}

  /// For example `7 requests, 10312 tokens (9000 in, 1312 out), cost 0.0813`.
  public var summary: String {
    let price: String = cost.map { ", cost \(($0 * 1e4).rounded() / 1e4)" } ?? ""
    let about: String = isEstimated ? "about " : ""
    return "\(requests) request\(requests == 1 ? "" : "s"), \(about)\(tokens) tokens "
      + "(\(usage.promptTokens) in, \(usage.completionTokens) out)\(price)"
  }
}

/// Counts what is spent, and says when it is enough.
final class Ledger: Sendable {
  private let prices: TokenPrices?
  private let budget: SpendingBudget
  private let state = Mutex(Spending())

  init(prices: TokenPrices?, budget: SpendingBudget) {
    self.prices = prices
    self.budget = budget
  }

  var spending: Spending { state.withLock { $0 } }

  func add(_ usage: ChatResponse.Usage, isEstimated: Bool) {
    state.withLock { spending in
      spending.requests += 1
      spending.usage = spending.usage + usage
      spending.cost = prices?.cost(of: spending.usage)
      spending.isEstimated = spending.isEstimated || isEstimated
    }
  }

  /// - Throws: `GuerdonError.failure` when the budget is used up.
  func check() throws {
    let spending: Spending = spending
    if let tokens: Int = budget.tokens, spending.tokens >= tokens {
      throw GuerdonError.failure(
        "The language model's budget of \(tokens) tokens is spent (\(spending.summary)), so it is asked no more; "
          + "--budget-tokens sets another.")
    }
    if let cost: Double = budget.cost, let spent: Double = spending.cost, spent >= cost {
      throw GuerdonError.failure(
        "The language model's budget of \(cost) is spent (\(spending.summary)), so it is asked no more; "
          + "--budget-cost sets another.")
    }
  }
}
