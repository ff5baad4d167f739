import Experiments
import Testing

import Decisions

@Suite struct CardTests {
  @Test func cardsBelongToTheFamily() {
    let cards = decisionsMethods.map { $0.card }
    #expect(cards.allSatisfy { $0.family == .decisions })
    #expect(Set(cards.map(\.id)).count == cards.count)
  }
}
