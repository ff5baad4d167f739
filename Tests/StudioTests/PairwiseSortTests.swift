import Basics
import Testing

@testable import Studio

/// The order found is the one in the person's head, with few questions.
@Suite struct PairwiseSortTests {
  /// - Parameter worth: larger is better, by item.
  private func sorted(_ worth: [Int], _ sort: inout PairwiseSort) -> Int {
    var asked = 0
    while let pair = sort.next {
      let (new, old) = (worth[pair.newcomer], worth[pair.placed])
      sort.answer(new == old ? .same : new > old ? .newcomer : .placed)
      asked += 1
    }
    return asked
  }

  private func permutations(_ items: [Int]) -> [[Int]] {
    guard items.count > 1 else { return [items] }
    return items.indices.flatMap { index in
      var rest = items
      let first = rest.remove(at: index)
      return permutations(rest).map { [first] + $0 }
    }
  }

  @Test func everyOrderOfFiveIsFoundWithinTheBound() {
    for worth in permutations([0, 1, 2, 3, 4]) {
      var sort = PairwiseSort([0, 1, 2, 3, 4])
      let bound = sort.atMost
      #expect(bound == 1 + 2 + 2 + 3)
      #expect(sorted(worth, &sort) <= bound)
      #expect(sort.ranking == (0..<5).sorted { worth[$0] > worth[$1] })
      #expect(sort.preferences.allSatisfy { worth[$0.winner] > worth[$0.loser] })
    }
  }

  /// Information theory asks for ⌈log₂ n!⌉ questions: 5 for four things, 16 for eight; binary insertion has 5 and 17.
  @Test func asksNearlyAsFewAsCanBe() {
    #expect(PairwiseSort(Array(0..<4)).atMost == 5 && PairwiseSort(Array(0..<8)).atMost == 17)
    #expect(PairwiseSort([7]).next == nil && PairwiseSort([]).next == nil && PairwiseSort([7]).ranking.isEmpty)
  }

  @Test func thingsMayBeAsGoodAsEachOther() {
    var random = RandomGenerator(seed: 3)
    for _ in 0..<200 {
      let worth = (0..<8).map { _ in Int(random.next() % 4) }
      var sort = PairwiseSort(Array(0..<8).shuffled(using: &random))
      #expect(sorted(worth, &sort) <= 17)
      #expect(sort.tiers.map { worth[$0[0]] } == Set(worth).sorted(by: >))
      #expect(sort.tiers.allSatisfy { tier in Set(tier.map { worth[$0] }).count == 1 })
      #expect(sort.ranking == (0..<8).sorted { (-worth[$0], $0) < (-worth[$1], $1) })
    }
  }

  @Test func anAnswerCanBeTakenBack() {
    var random = RandomGenerator(seed: 4)
    let worth = [3, 1, 2, 5, 4, 0]
    var straight = PairwiseSort(Array(0..<6))
    _ = sorted(worth, &straight)
    var wavering = PairwiseSort(Array(0..<6))
    var left = wavering.atMost
    while let pair = wavering.next {
      if random.next() % 3 == 0 {
        wavering.answer([.newcomer, .placed, .same][Int(random.next() % 3)])
        wavering.undo()
        #expect(wavering.next == pair && wavering.atMost == left)
      }
      wavering.answer(worth[pair.newcomer] > worth[pair.placed] ? .newcomer : .placed)
      #expect(wavering.atMost < left)
      left = wavering.atMost
    }
    #expect(wavering.ranking == straight.ranking && wavering.preferences == straight.preferences)
  }

  @Test func whatWasNotComparedHasNoPlace() {
    var sort = PairwiseSort([10, 11, 12, 13])
    sort.answer(.newcomer)
    #expect(sort.ranking == [11, 10])
    sort.answer(.same)
    #expect(sort.ranking.count == 3 && sort.preferences == [.init(winner: 11, loser: 10)])
  }
}
