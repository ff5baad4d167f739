import Basics
import Foundation
import Testing

@testable import Environments

@Suite struct CaptionDungeonTests {
  /// The rules written again, cell by cell, beside 3000 random steps of 3 copies.
  @Test(arguments: [CaptionDungeon.Observation.cell, .oneHot]) func stepsByItsRules(
    _ observation: CaptionDungeon.Observation
  ) throws {
    let dungeon = try CaptionDungeon(levels: 2, size: 3, horizon: 60, variants: 4, observation: observation, seed: 3)
    let environment = try dungeon.make(count: 3, seed: 5)
    let batch = TransitionBatch(schema: dungeon.spec.schema, capacity: 3)
    let message = try #require(batch.column("message")), depth = try #require(batch.column("depth"))
    var random = RandomGenerator(seed: 1)
    var places = Array(repeating: (level: 0, x: 1, y: 1, steps: 0), count: 3)
    var left = 0
    for _ in 0..<1_000 {
      let actions = (0..<3).map { _ in Double(random.integer(below: 5)) }
      actions.withUnsafeBufferPointer { environment.step($0, recording: batch, at: 0) }
      for i in 0..<3 {
        var (level, x, y, steps) = places[i]
        steps += 1
        var kind = "none", done = false
        switch actions[i] {
        case 0: if y > 0 { y -= 1 } else { kind = "wall" }
        case 1: if y < 2 { y += 1 } else { kind = "wall" }
        case 2: if x > 0 { x -= 1 } else { kind = "wall" }
        case 3: if x < 2 { x += 1 } else { kind = "wall" }
        default:
          if dungeon.stairs[level] == y * 3 + x {
            kind = "descent \(level)"
            done = level == 1
            (level, x, y) = done ? (level, x, y) : (1, 1, 1)
          } else {
            kind = "floor"
          }
        }
        let number = Int(message[i])
        let found = number == 0 ? "none" : number <= 20 ? "wall" : number <= 40 ? "floor"
          : "descent \(dungeon.level(ofDescent: number) ?? -1)"
        #expect(found == kind)
        #expect(environment.rewards[i] == (done ? 1 : 0) && environment.terminated[i] == done)
        #expect(depth[i] == Double(level + (done ? 1 : 0)))
        #expect(environment.truncated[i] == (steps == 60))
        if done { left += 1 }
        places[i] = done || steps == 60 ? (0, 1, 1, 0) : (level, x, y, steps)
        (level, x, y, _) = places[i]
        let width = dungeon.spec.observationSpace.width
        let seen = Array(environment.observations[i * width..<(i + 1) * width])
        if observation == .cell {
          #expect(seen == [Double(level * 9 + y * 3 + x)])
        } else {
          #expect(seen.indices.filter { seen[$0] == 1 } == [6 * level + x, 6 * level + 3 + y] && seen.reduce(0, +) == 2)
        }
      }
    }
    #expect(left > 0)
  }

  @Test func everyTextIsAnother() throws {
    let dungeon = try CaptionDungeon(levels: 3, variants: 2_000, seed: 0)
    let texts = (1..<dungeon.messages).map { String(decoding: dungeon.message($0), as: UTF8.self) }
    #expect(texts.count == 6_040 && Set(texts).count == texts.count)
    #expect(texts.filter { $0.contains("climb down") }.count == 6_000)
    #expect(texts.filter { $0.contains("out of the dungeon") }.count == 2_000)
    #expect(dungeon.message(0).isEmpty && dungeon.message(-1).isEmpty && dungeon.message(dungeon.messages).isEmpty)
    let shared = try CaptionDungeon(levels: 3, sharesTexts: true, seed: 0)
    #expect(Set((41..<shared.messages).map { shared.message($0) }).count == 1)
  }

  @Test func stairsComeFromTheSeedAndStateIsSaved() throws {
    let stairs = try (0..<20).map { try CaptionDungeon(seed: $0).stairs }
    #expect(Set(stairs).count == 20 && stairs.joined().allSatisfy { (0..<49).contains($0) })
    #expect(try CaptionDungeon(seed: 4).stairs == stairs[4])
    let dungeon = try CaptionDungeon(variants: 50, seed: 0)
    let environment = try dungeon.make(count: 2, seed: 0)
    let batch = TransitionBatch(schema: dungeon.spec.schema, capacity: 2)
    func played() -> [[Double]] {
      (0..<400).map { step in
        [Double(step % 5), Double(step * 7 % 5)].withUnsafeBufferPointer {
          environment.step($0, recording: batch, at: 0)
        }
        return batch.record(0) + batch.record(1)
      }
    }
    let saved = environment.saveState()
    let first = played()
    environment.restore(saved)
    #expect(played() == first)
  }

  @Test func whatIsNoDungeonIsRefused() {
    #expect(throws: GuerdonError.self) { try CaptionDungeon(levels: 0, seed: 0) }
    #expect(throws: GuerdonError.self) { try CaptionDungeon(size: 4, seed: 0) }
    #expect(throws: GuerdonError.self) { try CaptionDungeon(variants: 0, seed: 0) }
    #expect(throws: GuerdonError.self) { try CaptionDungeon(horizon: 0, seed: 0) }
    #expect(throws: GuerdonError.self) { try CaptionDungeon(seed: 0).make(count: 0) }
  }
}
